"""Logins: who somebody is, and how those who guess are slowed."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.ami.filters import read_filter
from server.ami.permissions import NAMES
from server.ami.protocol import clean
from server.ami.security import report
from server.base.errors import InvalidArgument
from server.base.log import NOTICE

if TYPE_CHECKING:
    from server.ami.filters import EventFilter
    from server.ami.protocol import Field, Message
    from server.ami.server import AmiServer
    from server.ami.session import Session
    from server.config.sections.manager import Manager, ManagerUser

logger = logging.getLogger(__name__)

FAILURE_DELAY = 1.0  # seconds, as in Asterisk
MAX_DELAY = 10.0  # seconds, for addresses that go on guessing
FORGET_AFTER = 300.0  # seconds without another failure
MAX_ADDRESSES = 10_000


@dataclass(frozen=True, slots=True)
class Account:
    """A user of manager.conf, ready for use."""

    settings: ManagerUser
    read: int
    write: int
    filters: tuple[EventFilter, ...]

    @property
    def name(self) -> str:
        """As the user logs in."""
        return self.settings.name


def make_accounts(manager: Manager) -> tuple[dict[str, Account], list[str]]:
    """Make the accounts of manager.conf; return them and what is wrong with some."""
    warnings: list[str] = []
    accounts = {}
    for user in manager.users.values():
        filters = []
        for line in user.filters:
            try:
                filters.append(read_filter(line.criteria, line.pattern))
            except InvalidArgument as error:
                warnings.append(f"manager.conf: [{user.name}] eventfilter: {error.reason}")
        read, write = (_mask(user.name, names, warnings) for names in (user.read, user.write))
        accounts[user.name.lower()] = Account(user, read, write, tuple(filters))
    return accounts, warnings


def _mask(user: str, names: tuple[str, ...], warnings: list[str]) -> int:
    mask = 0
    for name in names:
        value = NAMES.get(name.lower())
        if value is None:
            warnings.append(f"manager.conf: [{user}] there is no class {name!r}")
        mask |= value or 0
    return mask


class Failures:
    """Failed logins of each address, for as long as they are fresh."""

    def __init__(self) -> None:
        self.total = 0
        self._by_address: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def delay(self, address: str, now: float) -> float:
        """Note a failure; return for how many seconds its answer is to wait."""
        self.total += 1
        count, last = self._by_address.pop(address, (0, now))
        count = 1 if now - last > FORGET_AFTER else count + 1
        self._by_address[address] = (count, now)
        if len(self._by_address) > MAX_ADDRESSES:
            self._by_address.popitem(last=False)
        return min(FAILURE_DELAY * count, MAX_DELAY)

    def forget(self, address: str) -> None:
        """Note that somebody logged in from there."""
        self._by_address.pop(address, None)


def make_challenge() -> str:
    """Return a number that has not been used before."""
    return str(secrets.randbelow(900_000_000) + 100_000_000)


def authenticate(server: AmiServer, session: Session, message: Message) -> Account | None:
    """Check a Login; return the account, or ``None`` and tell why in a security event."""
    session.claimed_name = message.get("Username")
    account = _authenticate(server, session, message)
    if account is None:
        name, where = session.claimed_name, session.peer[0]
        logger.log(NOTICE, "%s failed to authenticate as '%s'", where, clean(name))
    return account


def _authenticate(server: AmiServer, session: Session, message: Message) -> Account | None:
    account = server.accounts.get(session.claimed_name.lower())
    if account is None:
        report(server, session, "InvalidAccountID")
        return None
    if not account.settings.acl.permits(session.peer[0]):
        report(server, session, "FailedACL")
        return None
    failure = _check_secret(account.settings.secret, session, message)
    if failure is not None:
        report(server, session, *failure)
        return None
    uses_password = message.get("AuthType").lower() != "md5"
    report(server, session, "SuccessfulAuth", ("UsingPassword", int(uses_password)))
    return account


def _check_secret(
    secret: str, session: Session, message: Message
) -> tuple[str, *tuple[Field, ...]] | None:
    if message.get("AuthType").lower() == "md5":
        challenge, session.challenge = session.challenge, ""
        key = message.get("Key")
        expected = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
        if challenge and secret and hmac.compare_digest(key.encode(), expected.encode()):
            return None
        return (
            "ChallengeResponseFailed",
            ("Challenge", challenge),
            ("Response", key),
            ("ExpectedResponse", ""),
        )
    given = message.get("Secret")
    if secret and hmac.compare_digest(given.encode(), secret.encode()):
        return None
    return ("InvalidPassword",)
