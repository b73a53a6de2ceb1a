"""Lines in and out, slow consumers and those that send too much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.http.h3.session import TOO_BIG, LineSession
from server.http.websocket import (
    MAX_INCOMING,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_FRAMES,
    SLOW_CONSUMER,
    TRANSPORT_HIGH_WATER,
)


class FakeStream:
    """A stream whose client takes what the test says."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unacknowledged = 0
        self.ended: tuple[int, bool] | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.unacknowledged += len(data)

    def backlog(self) -> int:
        return self.unacknowledged

    def end(self, code: int, reason: str, *, is_abrupt: bool) -> None:
        self.ended = (code, is_abrupt)


class Requests:
    """Takes messages in place of a REST socket."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.is_closed = False

    def message_received(self, message: bytes) -> None:
        self.messages.append(message)

    def serve(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class UnderTest:
    def __init__(self) -> None:
        self.stream = FakeStream()
        self.requests = Requests()
        self.ends = 0
        self.overflows = 0
        self.session = LineSession(
            self.stream, "peer", on_end=self._on_end, on_overflow=self._on_overflow
        )
        self.session.requests = self.requests

    def _on_end(self, session: LineSession) -> None:
        assert session is self.session
        self.ends += 1

    def _on_overflow(self) -> None:
        self.overflows += 1


def test_nothing_is_sent_before_it_is_open() -> None:
    it = UnderTest()
    it.session.deliver(b"1")
    assert it.stream.written == []
    it.session.open()
    it.session.deliver(b"2")
    assert it.stream.written == [b"1\n", b"2\n"]


def test_what_a_slow_client_has_to_take_queues_in_order() -> None:
    it = UnderTest()
    it.session.open()
    it.session.deliver(b"x" * TRANSPORT_HIGH_WATER)
    for number in range(3):
        it.session.deliver(str(number).encode())
    assert len(it.stream.written) == 1
    assert it.session.queued_bytes == 3
    it.stream.unacknowledged = 0
    it.session.deliver(b"3")
    assert len(it.stream.written) == 1
    it.session.progress()
    assert it.stream.written[1:] == [b"0\n", b"1\n", b"2\n", b"3\n"]
    assert it.session.queued_bytes == 0


def test_too_many_lines_disconnect_a_slow_client() -> None:
    it = UnderTest()
    for _ in range(MAX_QUEUED_FRAMES):
        it.session.deliver(b"")
    assert it.stream.ended is None
    it.session.deliver(b"")
    assert it.stream.ended == (SLOW_CONSUMER, True)
    assert (it.ends, it.overflows, it.requests.is_closed) == (1, 1, True)
    it.session.deliver(b"too late")
    it.session.connection_lost()
    assert (it.ends, it.session.queued_bytes) == (1, 0)


def test_too_many_bytes_disconnect_a_slow_client() -> None:
    it = UnderTest()
    it.session.allow_backlog(0, 10)
    it.session.deliver(b"x" * (MAX_QUEUED_BYTES + 10))
    assert it.stream.ended is None
    it.session.deliver(b"x")
    assert it.stream.ended == (SLOW_CONSUMER, True)


def test_lines_are_put_together_from_whatever_arrives() -> None:
    it = UnderTest()
    for piece in (b'{"a"', b":1}\n\n \n{", b"}\r\n{"):
        it.session.data_received(piece)
    assert it.requests.messages == [b'{"a":1}', b"{}\r"]


@given(st.lists(st.binary(max_size=20)), st.data())
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    sent = b"".join(line + b"\n" for line in lines)
    it = UnderTest()
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        it.session.data_received(sent[:size])
        sent = sent[size:]
    assert it.requests.messages == [line for line in lines if line.strip()]


def test_lines_wait_while_nobody_reads() -> None:
    it = UnderTest()
    it.session.set_reading(False)
    it.session.data_received(b"1\n2\n")
    assert it.requests.messages == []
    it.session.set_reading(True)
    assert it.requests.messages == [b"1", b"2"]


def test_more_than_can_wait_ends_the_session() -> None:
    it = UnderTest()
    it.session.data_received(b"x" * MAX_INCOMING)
    assert it.stream.ended is None
    it.session.data_received(b"x")
    assert it.stream.ended == (TOO_BIG, False)
    it.session.data_received(b"\n")
    assert (it.requests.messages, it.ends) == ([], 1)
