"""The access lists of pjsip.conf (``type=acl``): from where anything may come at all."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from server.base.errors import RemoteProtocolError
from server.sip.message import Request
from server.sip.settings import AccessList
from server.sip.strangers import StrangerWatch
from server.sip.transaction import Flow

logger = logging.getLogger(__name__)


def check_address(
    lists: Iterable[AccessList], request: Request, flow: Flow, strangers: StrangerWatch, now: float
) -> None:
    """Refuse a request from an address that one of the lists does not permit.

    :param strangers: says which refusals are worth a warning.
    :raises RemoteProtocolError: it is refused (403).
    """
    address, port = flow.remote
    is_registration = request.method == "REGISTER"
    for rules in lists:
        if rules.permits(address, is_registration=is_registration):
            continue
        level = logging.WARNING if strangers.note(address, now) else logging.DEBUG
        text = "%s from %s:%s: not permitted by [%s]"
        logger.log(level, text, request.method, address, port, rules.name)
        raise RemoteProtocolError("address not permitted", 403)
