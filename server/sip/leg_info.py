"""What ``CHANNEL(…)`` tells of a SIP call: its dialog, its media and their statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from server.media.streams import StatsSeries, StreamStats
from server.sip.session_incoming import IncomingSession

if TYPE_CHECKING:
    from server.sip.leg import SipLeg

Reader = Callable[["SipLeg"], str | None]
SECURE_TRANSPORTS = frozenset(("tls", "wss"))


def read_info(leg: SipLeg, item: str) -> str | None:
    """Read an item such as ``endpoint``, ``pjsip,call-id``, ``rtp,dest`` or ``rtcp,all``.

    :returns: ``None`` if there is no such item, or nothing is known.
    """
    kind, _, rest = item.strip().lower().partition(",")
    name, _, media = (part.strip() for part in rest.partition(","))
    kind = kind.strip()
    if media not in ("", "audio"):
        return "" if media == "video" else None
    match kind:
        case "pjsip":
            reader = _PJSIP.get(name)
        case "rtp":
            reader = _RTP.get(name or "dest")
        case "rtcp":
            statistics = _RTCP.get(name or "all")
            return None if statistics is None else statistics(leg.stream.stats())
        case _:
            reader = None if rest else _PLAIN.get(kind) or _PJSIP.get(kind)
    return None if reader is None else reader(leg)


def _address(side: str) -> Reader:
    def read(leg: SipLeg) -> str | None:
        flow = leg.session.flow
        if flow is None:
            return None
        host, port = flow.remote if side == "remote" else flow.local
        return f"{host}:{port}"

    return read


def _dialog(side: str) -> Reader:
    def read(leg: SipLeg) -> str | None:
        dialog = leg.session.dialog
        return None if dialog is None else str(getattr(dialog, side))

    return read


def _tag(side: str) -> Reader:
    def read(leg: SipLeg) -> str | None:
        dialog = leg.session.dialog
        return None if dialog is None else str(getattr(dialog, side).tag)

    return read


def _user_agent(leg: SipLeg) -> str | None:
    session = leg.session
    return session.request.headers.get("User-Agent") if isinstance(session, IncomingSession) else ""


def _request_uri(leg: SipLeg) -> str | None:
    session = leg.session
    return str(session.request.uri) if isinstance(session, IncomingSession) else leg.contact


def _secure(leg: SipLeg) -> str | None:
    flow = leg.session.flow
    return None if flow is None else str(int(flow.transport.lower() in SECURE_TRANSPORTS))


_PJSIP: dict[str, Reader] = {
    "call-id": lambda leg: leg.protocol_id,
    "secure": _secure,
    "target_uri": _dialog("target"),
    "local_uri": _dialog("local"),
    "local_tag": _tag("local"),
    "remote_uri": _dialog("remote"),
    "remote_tag": _tag("remote"),
    "request_uri": _request_uri,
    "t38state": lambda _leg: "DISABLED",
    "local_addr": _address("local"),
    "remote_addr": _address("remote"),
}
_PLAIN: dict[str, Reader] = {
    "endpoint": lambda leg: leg.endpoint.name,
    "contact": lambda leg: leg.contact,
    "aor": lambda leg: leg.aor,
    "accountcode": lambda leg: leg.endpoint.accountcode,
    "context": lambda leg: leg.endpoint.context,
    "callgroup": lambda leg: leg.endpoint.call_group,
    "pickupgroup": lambda leg: leg.endpoint.pickup_group,
    "namedcallgroup": lambda leg: leg.endpoint.named_call_group,
    "namedpickupgroup": lambda leg: leg.endpoint.named_pickup_group,
    "useragent": _user_agent,
    "codec": lambda leg: leg.stream.codec,
}
_RTP: dict[str, Reader] = {
    "src": lambda leg: f"{leg.stream.host}:{leg.stream.port}",
    "dest": lambda leg: f"{leg.stream.remote[0]}:{leg.stream.remote[1]}",
    "direct": lambda _leg: "",  # media always passes through here
    "secure": lambda _leg: "0",
    "hold": lambda leg: str(int(leg.session.is_held)),
}

# Statistics, under the names that Asterisk has for what we measure and for what the peer reports.

_Statistics = Callable[[StreamStats], str]


def media_score(jitter_s: float, round_trip_s: float, packets: int, lost: int) -> float:
    """Return how good a direction sounds, 0 to 100: the usual short form of the E-model's R.

    Delay counts little up to 160 ms and much beyond, jitter twice, each percent of loss by 2.5.
    """
    delay_ms = round_trip_s * 500 + jitter_s * 2000 + 10
    score = 93.2 - (delay_ms / 40 if delay_ms < 160 else (delay_ms - 120) / 10)
    if packets + lost > 0:
        score -= 250 * lost / (packets + lost)
    return min(100.0, max(0.0, score))


def _value(read: Callable[[StreamStats], float]) -> _Statistics:
    return lambda stats: f"{read(stats):f}"


def _count(read: Callable[[StreamStats], float]) -> _Statistics:
    return lambda stats: str(round(read(stats)))


def _spread(pattern: str, series: Callable[[StreamStats], StatsSeries]) -> dict[str, _Statistics]:
    """The extremes, mean and deviation of a series, ``{}`` in *pattern* being which of them."""
    return {
        pattern.format("max"): _value(lambda stats: series(stats).maximum),
        pattern.format("min"): _value(lambda stats: series(stats).minimum),
        pattern.format("normdev"): _value(lambda stats: series(stats).mean),
        pattern.format("stdev"): _value(lambda stats: series(stats).deviation),
    }


def _summary(fields: dict[str, _Statistics]) -> _Statistics:
    return lambda stats: "".join(f"{name}={read(stats)};" for name, read in fields.items())


def _four(names: str, series: Callable[[StreamStats], StatsSeries]) -> dict[str, _Statistics]:
    least, most, mean, deviation = names.split()
    return {
        least: _value(lambda stats: series(stats).minimum),
        most: _value(lambda stats: series(stats).maximum),
        mean: _value(lambda stats: series(stats).mean),
        deviation: _value(lambda stats: series(stats).deviation),
    }


_ALL: dict[str, _Statistics] = {
    "ssrc": _count(lambda stats: stats.local_ssrc),
    "themssrc": _count(lambda stats: stats.remote_ssrc),
    "lp": _count(lambda stats: stats.rx_lost),
    "rxjitter": _value(lambda stats: stats.local_jitter.last),
    "rxcount": _count(lambda stats: stats.rx_packets),
    "txjitter": _value(lambda stats: stats.remote_jitter.last),
    "txcount": _count(lambda stats: stats.tx_packets),
    "rlp": _count(lambda stats: stats.tx_lost),
    "rtt": _value(lambda stats: stats.rtt.last),
    "txmes": _value(
        lambda s: media_score(s.remote_jitter.last, s.rtt.last, s.tx_packets, s.tx_lost)
    ),
    "rxmes": _value(
        lambda s: media_score(s.local_jitter.last, s.rtt.last, s.rx_packets, s.rx_lost)
    ),
}
_RTCP: dict[str, _Statistics] = {
    **{name: _ALL[name] for name in _ALL if name not in ("ssrc", "themssrc", "lp", "rlp")},
    "rxploss": _ALL["lp"],
    "txploss": _ALL["rlp"],
    "local_ssrc": _ALL["ssrc"],
    "remote_ssrc": _ALL["themssrc"],
    **_spread("local_{}jitter", lambda stats: stats.local_jitter),
    **_spread("remote_{}jitter", lambda stats: stats.remote_jitter),
    **_spread("local_{}rxploss", lambda stats: stats.local_loss),
    **_spread("remote_{}rxploss", lambda stats: stats.remote_loss),
    **_spread("{}rtt", lambda stats: stats.rtt),
    "all": _summary(_ALL),
    "all_jitter": _summary(
        _four("minrxjitter maxrxjitter avgrxjitter stdevrxjitter", lambda s: s.local_jitter)
        | _four(
            "reported_minjitter reported_maxjitter reported_avgjitter reported_stdevjitter",
            lambda s: s.remote_jitter,
        )
    ),
    "all_loss": _summary(
        _four("minrxlost maxrxlost avgrxlost stdevrxlost", lambda s: s.local_loss)
        | _four(
            "reported_minlost reported_maxlost reported_avglost reported_stdevlost",
            lambda s: s.remote_loss,
        )
    ),
    "all_rtt": _summary(_four("minrtt maxrtt avgrtt stdevrtt", lambda s: s.rtt)),
}
