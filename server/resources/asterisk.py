"""The verbs of ``/asterisk``: what this server is, and its global variables."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from server import __version__, model
from server.base.clock import ari_timestamp
from server.base.errors import InvalidArgument
from server.resources.node import Node

INFO_PARTS = ("build", "system", "config", "status")


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What the composition root knows of this process.

    :param started: when it started, seconds since the epoch.
    :param reloaded: when its configuration was last read.
    :param user: that it runs as.
    :param group: that it runs as.
    :param built: when its binary part was built, seconds since the epoch; 0 if that is not known.
    :param builder: who built it.
    """

    started: float
    reloaded: float
    system_name: str = ""
    user: str = ""
    group: str = ""
    max_load: float = 0.0
    built: float = 0.0
    builder: str = ""


class Asterisk:
    """The server as a whole. The resource has its name from the interface it is compatible with."""

    def __init__(self, node: Node, facts: SystemFacts) -> None:
        self._node = node
        self.facts = facts

    def ping(self) -> model.AsteriskPing:
        """Answer a ping."""
        return model.AsteriskPing(
            asterisk_id=self._node.bus.asterisk_id,
            ping="pong",
            timestamp=ari_timestamp(self._node.clock.wall()),
        )

    def info(self, *, only: Sequence[str] = ()) -> model.AsteriskInfo:
        """Describe the server.

        :param only: which of :data:`INFO_PARTS` are wanted; none means all.
        :raises InvalidArgument: an unknown part.
        """
        unknown = [part for part in only if part not in INFO_PARTS]
        if unknown:
            raise InvalidArgument("only", f"{unknown[0]!r} is none of {', '.join(INFO_PARTS)}")
        wanted = set(only) or set(INFO_PARTS)
        return model.AsteriskInfo(
            build=self._build() if "build" in wanted else None,
            system=self._system() if "system" in wanted else None,
            config=self._config() if "config" in wanted else None,
            status=self._status() if "status" in wanted else None,
        )

    def get_global_var(self, *, variable: str) -> model.Variable:
        """Read a global variable or a function.

        One that is not set is empty, as in Asterisk.

        :raises InvalidArgument: no name is given, or the function is unknown.
        """
        if not variable:
            raise InvalidArgument("variable", "a name is needed")
        return model.Variable(value=self._node.dialplan.read(None, variable) or "")

    def set_global_var(self, *, variable: str, value: str | None = None) -> None:
        """Write a global variable or a function.

        :raises InvalidArgument: no name is given, or the function can't be written.
        """
        if not variable:
            raise InvalidArgument("variable", "a name is needed")
        self._node.dialplan.write(None, variable, value or "")

    # for other parts of the server

    def reloaded(self, wall: float) -> None:
        """Note that the configuration was read again.

        :param wall: when, seconds since the epoch.
        """
        self.facts = replace(self.facts, reloaded=wall)

    # private

    def _build(self) -> model.BuildInfo:
        system = platform.uname()
        return model.BuildInfo(
            os=system.system,
            kernel=system.release,
            options="",
            machine=system.machine,
            date=self._build_date(),
            user=self.facts.builder,
        )

    def _build_date(self) -> str:
        if not self.facts.built:
            return ""
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.facts.built))

    def _system(self) -> model.SystemInfo:
        return model.SystemInfo(version=__version__, entity_id=self._node.bus.asterisk_id)

    def _config(self) -> model.ConfigInfo:
        settings = self._node.settings
        return model.ConfigInfo(
            name=self.facts.system_name,
            default_language=settings.default_language,
            max_channels=settings.max_calls or None,
            max_open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            max_load=self.facts.max_load or None,
            setid=model.SetId(user=self.facts.user, group=self.facts.group),
        )

    def _status(self) -> model.StatusInfo:
        return model.StatusInfo(
            startup_time=ari_timestamp(self.facts.started),
            last_reload_time=ari_timestamp(self.facts.reloaded),
        )
