"""The negotiation of session timers (RFC 4028), both roles."""

from __future__ import annotations

import pytest

from server.base.errors import RemoteProtocolError
from server.sip.headers import NameAddr, SessionExpires
from server.sip.message import Request
from server.sip.session_timer import SessionTimer
from server.sip.uri import Uri


def invite(
    expires: int | None = None,
    refresher: str = "",
    *,
    timer: bool = True,
    min_se: int | None = None,
) -> Request:
    address = NameAddr(Uri("sip", "a", "b"))
    request = Request.create("INVITE", Uri("sip", "a", "b"), from_=address, to=address,
                             call_id="c", cseq=1)  # fmt: skip
    if timer:
        request.headers.set("Supported", "timer")
    if expires is not None:
        request.session_expires = SessionExpires(expires, refresher)
    if min_se is not None:
        request.min_se = min_se
    return request


@pytest.mark.parametrize(
    ("mode", "request_", "interval", "is_refresher", "said"),
    [
        ("yes", invite(600, "uas"), 600, True, "uas"),
        ("yes", invite(600, "uac"), 600, False, "uac"),
        ("yes", invite(600), 600, False, "uac"),
        ("yes", invite(), 1800, False, "uac"),
        ("yes", invite(min_se=3000), 3000, False, "uac"),
        ("yes", invite(7200, "uac"), 1800, False, "uac"),
        ("yes", invite(7200, min_se=2000), 2000, False, "uac"),
        ("yes", invite(600, timer=False), 600, True, "uas"),
        ("yes", invite(60, timer=False), 90, True, "uas"),
        ("always", invite(timer=False), 1800, True, "uas"),
        ("yes", invite(timer=False), 0, False, None),
        ("no", invite(600, "uac"), 0, False, None),
    ],
)
def test_the_called_side_decides(
    mode: str, request_: Request, interval: int, is_refresher: bool, said: str | None
) -> None:
    timer = SessionTimer(mode, 90, 1800)
    response = request_.response(200, to_tag="t")
    timer.accept_request(request_, response)
    assert (timer.interval, timer.is_refresher) == (interval, is_refresher)
    agreed = response.session_expires
    assert (agreed.refresher if agreed else None) == said
    if agreed is not None:
        assert agreed.delta == interval
        assert ("timer" in response.require) == ("timer" in request_.supported)


def test_too_short_an_interval_is_refused_only_if_the_peer_understands() -> None:
    timer = SessionTimer("yes", 200, 1800)
    request = invite(100)
    response = request.response(422)
    with pytest.raises(RemoteProtocolError) as caught:
        timer.accept_request(request, response)
    assert caught.value.status == 422
    timer.explain_refusal(422, response)
    assert response.min_se == 200


def test_required_means_required() -> None:
    request = invite(timer=False)
    with pytest.raises(RemoteProtocolError) as caught:
        SessionTimer("required", 90, 1800).accept_request(request, request.response(200))
    assert caught.value.status == 421


def test_a_request_asks_with_interval_minimum_and_role() -> None:
    timer = SessionTimer("required", 120, 600)
    request = invite()
    timer.add_to_request(request)
    assert request.session_expires == SessionExpires(600, "")
    assert request.min_se == 120
    assert request.require == ("timer",)
    timer.interval, timer.is_refresher = 300, True
    timer.add_to_request(request)
    assert request.session_expires == SessionExpires(300, "uac")
    SessionTimer("no", 90, 600).add_to_request(fresh := invite(timer=False))
    assert fresh.session_expires is None


@pytest.mark.parametrize(
    ("mode", "agreed", "interval", "is_refresher"),
    [
        ("yes", SessionExpires(600, "uac"), 600, True),
        ("yes", SessionExpires(600, "uas"), 600, False),
        ("yes", SessionExpires(600, ""), 600, True),
        ("yes", SessionExpires(10, "uas"), 90, False),
        ("yes", None, 0, False),
        ("always", None, 1800, True),
        ("no", SessionExpires(600, "uac"), 0, False),
    ],
)
def test_the_calling_side_takes_what_the_2xx_says(
    mode: str, agreed: SessionExpires | None, interval: int, is_refresher: bool
) -> None:
    timer = SessionTimer(mode, 90, 1800)
    response = invite().response(200)
    response.session_expires = agreed
    timer.accept_response(response)
    assert (timer.interval, timer.is_refresher) == (interval, is_refresher)


def test_a_422_raises_the_wish_once() -> None:
    timer = SessionTimer("yes", 90, 100)
    response = invite().response(422)
    assert not timer.accept_refusal(response)
    response.min_se = 500
    assert timer.accept_refusal(response)
    assert not timer.accept_refusal(response)
    timer.add_to_request(request := invite())
    assert request.session_expires == SessionExpires(500, "")


@pytest.mark.parametrize(
    ("interval", "is_refresher", "refresh", "expire"),
    [(0, False, None, None), (90, True, 45, 90), (90, False, None, 60), (1800, False, None, 1768)],
)
def test_deadlines(
    interval: int, is_refresher: bool, refresh: float | None, expire: float | None
) -> None:
    timer = SessionTimer("yes", 90, 1800)
    timer.interval, timer.is_refresher = interval, is_refresher
    assert (timer.refresh_after, timer.expire_after) == (refresh, expire)
