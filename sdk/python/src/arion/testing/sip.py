"""The SIP messages of a scripted phone: parse, make, and answer a digest challenge.

Written apart from the server on purpose: what they agree on is the RFCs.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

T1 = 0.5  # seconds, RFC 3261 section 17.1.1.1
T2 = 4.0
TIMER_B = 64 * T1
_HASHES = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
_COMPACT = {
    "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "f": "from", "t": "to", "v": "via",
}  # fmt: skip
_PARAMETER = re.compile(r'([\w-]+)=(?:"([^"]*)"|([^,\s]+))')


@dataclass(slots=True)
class Message:
    """A SIP request or response."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def is_request(self) -> bool:
        """Whether it is a request."""
        return not self.start.startswith("SIP/2.0")

    @property
    def method(self) -> str:
        """The request's method, or the method that a response answers."""
        return self.start.split(" ", 1)[0] if self.is_request else self.get("CSeq").split()[-1]

    @property
    def status(self) -> int:
        """The response's status code."""
        return int(self.start.split(" ", 2)[1])

    @property
    def branch(self) -> str:
        """The branch of the topmost Via."""
        return parameter(self.get("Via"), "branch")

    def get(self, name: str) -> str:
        """Return the first header of this name, or an empty string."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Return every header of this name."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def encode(self) -> bytes:
        """Return the message as it goes over the wire."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        body = self.body.encode()
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def parse(data: bytes) -> Message:
    """Read a message.

    :raises ValueError: it is none.
    """
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    if "SIP/2.0" not in start:
        raise ValueError(f"not SIP: {start[:60]!r}")
    message = Message(start, body=body)
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip()
        message.headers.append((_COMPACT.get(name.lower(), name), value.strip()))
    return message


def parameter(value: str, name: str) -> str:
    """Return a ``;name=value`` parameter of a header, or an empty string."""
    match = re.search(rf";\s*{name}=([^;>,\s]+)", value, re.IGNORECASE)
    return match[1] if match else ""


def uri_of(value: str) -> str:
    """Return the URI of a header such as ``From`` or ``Contact``."""
    match = re.search(r"<([^>]*)>", value)
    return match[1] if match else value.split(";")[0].strip()


def authorization(
    challenges: list[str], method: str, uri: str, username: str, password: str
) -> str:
    """Answer the strongest challenge that we can (RFC 7616, RFC 8760).

    :raises ValueError: none of them is a digest that we know.
    """
    offers = [{m[1].lower(): m[2] or m[3] for m in _PARAMETER.finditer(c)} for c in challenges]
    known = [offer for offer in offers if offer.get("algorithm", "MD5").lower() in _HASHES]
    if not known:
        raise ValueError(f"no digest algorithm in common: {challenges}")
    offer = max(known, key=lambda o: o.get("algorithm", "MD5").lower() == "sha-256")
    algorithm = offer.get("algorithm", "MD5")
    new_hash = _HASHES[algorithm.lower()]

    def digest(text: str) -> str:
        return new_hash(text.encode()).hexdigest()

    ha1 = digest(f"{username}:{offer['realm']}:{password}")
    ha2 = digest(f"{method}:{uri}")
    answer = {"username": username, "realm": offer["realm"], "nonce": offer["nonce"], "uri": uri}
    plain = f", algorithm={algorithm}"
    if "qop" in offer:
        cnonce = secrets.token_hex(8)
        answer["cnonce"] = cnonce
        answer["response"] = digest(f"{ha1}:{offer['nonce']}:00000001:{cnonce}:auth:{ha2}")
        plain += ", qop=auth, nc=00000001"
    else:
        answer["response"] = digest(f"{ha1}:{offer['nonce']}:{ha2}")
    if "opaque" in offer:
        answer["opaque"] = offer["opaque"]
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in answer.items()) + plain


def offer_sdp(host: str, port: int, codecs: list[int], direction: str, version: int) -> str:
    """Describe one audio stream with telephone events."""
    names = {0: "PCMU", 8: "PCMA"}
    lines = [
        "v=0", f"o=phone 1 {version} IN IP4 {host}", "s=phone", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, codecs))} 101",
        *(f"a=rtpmap:{codec} {names[codec]}/8000" for codec in codecs),
        "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20", f"a={direction}",
    ]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"


def read_sdp(body: str) -> tuple[tuple[str, int], list[int], str]:
    """Return address, payload types and direction of the audio stream.

    :raises ValueError: there is none.
    """
    media = re.search(r"^m=audio (\d+) \S+ ([\d ]+)", body, re.MULTILINE)
    address = re.search(r"^c=IN IP[46] (\S+)", body, re.MULTILINE)
    if not media or not address:
        raise ValueError("no audio in the session description")
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", body, re.MULTILINE)
    types = [int(word) for word in media[2].split()]
    return (address[1], int(media[1])), types, direction[1] if direction else "sendrecv"
