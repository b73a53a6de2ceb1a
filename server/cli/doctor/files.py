"""The files of a server: whether it can write where it has to, and who else can read secrets."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.cli.doctor.findings import Finding, error, ok, warning
from server.config.sections.asterisk import AsteriskConf

SECRET_FILES = (
    "ari.conf", "manager.conf", "pjsip.conf", "prometheus.conf", "voicemail.conf",
    "websocket_client.conf", "res_odbc.conf",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as.

    :param groups: all of its groups' numbers.
    """

    name: str
    uid: int
    groups: Sequence[int]

    def may_write(self, path: Path) -> bool:
        """Tell whether it may make files in a directory."""
        if self.uid == 0:
            return True
        status = path.stat()
        if status.st_uid == self.uid:
            wanted = stat.S_IWUSR | stat.S_IXUSR
        elif status.st_gid in self.groups:
            wanted = stat.S_IWGRP | stat.S_IXGRP
        else:
            wanted = stat.S_IWOTH | stat.S_IXOTH
        return status.st_mode & wanted == wanted


def account_of(asterisk: AsteriskConf) -> Account:
    """Return who the server will be.

    :raises KeyError: there is no such user or group.
    """
    options = asterisk.options
    uid = os.geteuid()
    user = pwd.getpwnam(options.runuser) if options.runuser else pwd.getpwuid(uid)
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    if options.rungroup:
        groups.append(grp.getgrnam(options.rungroup).gr_gid)
    return Account(user.pw_name, user.pw_uid, groups)


def examine_directories(asterisk: AsteriskConf) -> Iterator[Finding]:
    """Tell whether the server can write what it has to."""
    try:
        account = account_of(asterisk)
    except KeyError as missing:
        yield error("user", str(missing.args[0]), "useradd --system, or correct runuser, rungroup")
        return
    troubles = [found for path in written_paths(asterisk) if (found := _examine(path, account))]
    yield from troubles
    if not troubles:
        yield ok("permissions", f"{account.name} can write where it has to")


def written_paths(asterisk: AsteriskConf) -> list[str]:
    """Return the directories that a server writes to."""
    places = asterisk.directories
    found = (places.astrundir, places.astlogdir, places.astdbdir, places.astspooldir)
    return list(dict.fromkeys(found))


def _examine(name: str, account: Account) -> Finding | None:
    path = Path(name)
    missing = path
    while not missing.exists() and missing != missing.parent:
        missing = missing.parent
    if not missing.is_dir():
        return error(
            "permissions", f"{missing} is no directory", f"move it out of the way of {name}"
        )
    if account.may_write(missing):
        return None
    if missing != path:
        remedy = f"install -d -o {account.name} {name}"
        return error("permissions", f"{name} is not there and can't be made", remedy)
    remedy = f"chown {account.name} {name}"
    return error("permissions", f"{account.name} can't write to {name}", remedy)


def examine_secrets(asterisk: AsteriskConf) -> Iterator[Finding]:
    """Name files with passwords that everybody on the machine can read."""
    directory = Path(asterisk.directories.astetcdir)
    exposed = [
        name
        for name in SECRET_FILES
        if (directory / name).is_file() and (directory / name).stat().st_mode & stat.S_IROTH
    ]
    if exposed:
        yield warning(
            "secrets",
            f"everybody can read the passwords in {', '.join(exposed)}",
            f"chmod o-r {' '.join(str(directory / name) for name in exposed)}",
        )
