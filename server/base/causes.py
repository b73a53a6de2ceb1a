"""Hangup causes (ITU-T Q.850), their texts, and how they map to SIP statuses and ARI reasons."""

from __future__ import annotations

from enum import IntEnum


class Cause(IntEnum):
    """Why a call ended. Names as in Asterisk, without ``AST_CAUSE_``."""

    NOTDEFINED = 0
    UNALLOCATED = 1
    NO_ROUTE_TRANSIT_NET = 2
    NO_ROUTE_DESTINATION = 3
    MISDIALLED_TRUNK_PREFIX = 5
    CHANNEL_UNACCEPTABLE = 6
    CALL_AWARDED_DELIVERED = 7
    PRE_EMPTED = 8
    NUMBER_PORTED_NOT_HERE = 14
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONSE = 18
    NO_ANSWER = 19
    SUBSCRIBER_ABSENT = 20
    CALL_REJECTED = 21
    NUMBER_CHANGED = 22
    REDIRECTED_TO_NEW_DESTINATION = 23
    ANSWERED_ELSEWHERE = 26
    DESTINATION_OUT_OF_ORDER = 27
    INVALID_NUMBER_FORMAT = 28
    FACILITY_REJECTED = 29
    RESPONSE_TO_STATUS_ENQUIRY = 30
    NORMAL_UNSPECIFIED = 31
    NORMAL_CIRCUIT_CONGESTION = 34
    NETWORK_OUT_OF_ORDER = 38
    NORMAL_TEMPORARY_FAILURE = 41
    SWITCH_CONGESTION = 42
    ACCESS_INFO_DISCARDED = 43
    REQUESTED_CHAN_UNAVAIL = 44
    FACILITY_NOT_SUBSCRIBED = 50
    OUTGOING_CALL_BARRED = 52
    INCOMING_CALL_BARRED = 54
    BEARERCAPABILITY_NOTAUTH = 57
    BEARERCAPABILITY_NOTAVAIL = 58
    BEARERCAPABILITY_NOTIMPL = 65
    CHAN_NOT_IMPLEMENTED = 66
    FACILITY_NOT_IMPLEMENTED = 69
    INVALID_CALL_REFERENCE = 81
    INCOMPATIBLE_DESTINATION = 88
    INVALID_MSG_UNSPECIFIED = 95
    MANDATORY_IE_MISSING = 96
    MESSAGE_TYPE_NONEXIST = 97
    WRONG_MESSAGE = 98
    IE_NONEXIST = 99
    INVALID_IE_CONTENTS = 100
    WRONG_CALL_STATE = 101
    RECOVERY_ON_TIMER_EXPIRE = 102
    MANDATORY_IE_LENGTH_ERROR = 103
    PROTOCOL_ERROR = 111
    INTERWORKING = 127

    # Other names of the same causes, as dialplans write them.
    NORMAL = 16
    BUSY = 17
    NOANSWER = 19
    UNREGISTERED = 20
    CONGESTION = 34
    FAILURE = 38
    NOSUCHDRIVER = 66


# What ChannelDestroyed's ``cause_txt`` and the CLI show; clients compare these texts.
_TEXTS = {
    1: "Unallocated (unassigned) number",
    2: "No route to specified transmit network",
    3: "No route to destination",
    5: "Misdialed trunk prefix",
    6: "Channel unacceptable",
    7: "Call awarded and being delivered in an established channel",
    8: "Pre-empted",
    14: "Number ported elsewhere",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    22: "Number changed",
    23: "Redirected to new destination",
    26: "Answered elsewhere",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    30: "Response to STATus ENQuiry",
    31: "Normal, unspecified",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    43: "Access information discarded",
    44: "Requested channel not available",
    50: "Facility not subscribed",
    52: "Outgoing call barred",
    54: "Incoming call barred",
    57: "Bearer capability not authorized",
    58: "Bearer capability not available",
    65: "Bearer capability not implemented",
    66: "Channel not implemented",
    69: "Facility not implemented",
    81: "Invalid call reference value",
    88: "Incompatible destination",
    95: "Invalid message unspecified",
    96: "Mandatory information element is missing",
    97: "Message type nonexist.",
    98: "Wrong message",
    99: "Info. element nonexist or not implemented",
    100: "Invalid information element contents",
    101: "Message not compatible with call state",
    102: "Recover on timer expiry",
    103: "Mandatory IE length error",
    111: "Protocol error, unspecified",
    127: "Interworking, unspecified",
}

_CAUSE_TO_SIP = {
    1: 404,
    2: 404,
    3: 404,
    17: 486,
    18: 408,
    19: 480,
    20: 480,
    21: 403,
    22: 410,
    23: 302,
    27: 502,
    28: 484,
    29: 501,
    31: 480,
    34: 503,
    38: 500,
    42: 503,
    58: 488,
    66: 503,
    127: 500,
}

_SIP_TO_CAUSE = {
    302: 23,
    401: 21,
    403: 21,
    404: 1,
    405: 127,
    407: 21,
    408: 18,
    409: 41,
    410: 22,
    411: 127,
    413: 127,
    414: 127,
    415: 127,
    420: 3,
    480: 19,
    481: 127,
    482: 127,
    483: 19,
    484: 28,
    485: 1,
    486: 17,
    487: 127,
    488: 58,
    491: 127,
    493: 127,
    500: 38,
    501: 29,
    502: 27,
    503: 34,
    504: 102,
    505: 127,
    600: 17,
    603: 21,
    604: 1,
    606: 58,
}

ARI_REASONS = {
    "normal": Cause.NORMAL_CLEARING,
    "busy": Cause.USER_BUSY,
    "congestion": Cause.NORMAL_CIRCUIT_CONGESTION,
    "no_answer": Cause.NO_ANSWER,
    "timeout": Cause.NO_USER_RESPONSE,
    "rejected": Cause.CALL_REJECTED,
    "unallocated": Cause.UNALLOCATED,
    "normal_unspecified": Cause.NORMAL_UNSPECIFIED,
    "number_incomplete": Cause.INVALID_NUMBER_FORMAT,
    "codec_mismatch": Cause.BEARERCAPABILITY_NOTAVAIL,
    "interworking": Cause.INTERWORKING,
    "failure": Cause.NETWORK_OUT_OF_ORDER,
    "answered_elsewhere": Cause.ANSWERED_ELSEWHERE,
}
"""The ``reason`` words of ARI's hang-up operation."""


def cause_text(cause: int) -> str:
    """Return the text of a cause, such as ``Normal Clearing``; ``Unknown`` for an odd number."""
    return _TEXTS.get(cause, "Unknown")


def cause_to_sip(cause: int) -> int:
    """Return the final status that refuses a call for *cause*, 0 when none says it."""
    return _CAUSE_TO_SIP.get(cause, 0)


def sip_to_cause(status: int) -> int:
    """Return the cause that a SIP final *status* stands for."""
    cause = _SIP_TO_CAUSE.get(status)
    if cause is not None:
        return cause
    if 400 <= status <= 499 or 600 <= status <= 699:
        return Cause.INTERWORKING
    if 500 <= status <= 599:
        return Cause.NORMAL_CIRCUIT_CONGESTION
    return Cause.NORMAL_CLEARING


def parse_cause(text: str) -> int | None:
    """Read a cause as dialplans write it: a number or a name, with or without ``AST_CAUSE_``.

    :returns: the Q.850 number, or ``None`` when *text* names no cause.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 3:
        value = int(text)
        return value if value <= 127 else None
    member = Cause.__members__.get(text.upper().removeprefix("AST_CAUSE_"))
    return None if member is None else int(member)
