"""Hints: the state of an extension, which is that of the devices and the person behind it.

``exten => 100,hint,PJSIP/a&Custom:b,CustomPresence:c`` maps an extension to devices and to a
presence. :class:`Hints` keeps what each amounts to, and tells who follows it of every change. A
hint of a pattern becomes one of its own for each extension that is asked for.

States are computed when they are first asked for or one of their devices reports, so that loading
a dialplan with many hints costs nothing.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.dialplan.pattern import is_pattern
from server.dialplan.scope import Scope
from server.resources import device_states as devices
from server.resources.presence_states import Presence

if TYPE_CHECKING:
    from server.dialplan.plan import Extension
    from server.dialplan.port import Dialplan

logger = logging.getLogger(__name__)

MAX_DYNAMIC = 10_000  # hints that patterns may have made
REMOVED = -2

IDLE = 0
IN_USE = 1
BUSY = 2
UNAVAILABLE = 4
RINGING = 8
ON_HOLD = 16

STATUS_TEXTS = {
    IDLE: "Idle",
    IN_USE: "InUse",
    BUSY: "Busy",
    UNAVAILABLE: "Unavailable",
    RINGING: "Ringing",
    IN_USE | RINGING: "InUse&Ringing",
    ON_HOLD: "Hold",
    IN_USE | ON_HOLD: "InUse&Hold",
}

_OF_DEVICE = {
    devices.UNKNOWN: IDLE,
    devices.NOT_INUSE: IDLE,
    devices.INUSE: IN_USE,
    devices.BUSY: BUSY,
    devices.INVALID: UNAVAILABLE,
    devices.UNAVAILABLE: UNAVAILABLE,
    devices.RINGING: RINGING,
    devices.RINGINUSE: IN_USE | RINGING,
    devices.ONHOLD: ON_HOLD,
}
_NAME = re.compile(r"(?P<what>[^()]*)\((?P<name>[^()]*)\)\s*\Z")


@dataclass(slots=True)
class Hint:
    """An extension's hint.

    :param text: devices and presence with variables substituted: ``PJSIP/a&PJSIP/b,…``.
    :param name: what stood in parentheses after it.
    :param status: bits as AMI's ExtensionStatus has them; ``None`` until somebody asks.
    """

    exten: str
    context: str
    text: str
    name: str = ""
    status: int | None = None
    presence: Presence | None = None
    watchers: list[Callable[[Hint], None]] = field(default_factory=list)

    @property
    def devices(self) -> list[str]:
        """The devices by name."""
        return [name for name in map(str.strip, self.text.partition(",")[0].split("&")) if name]

    @property
    def presentity(self) -> str:
        """Whose presence belongs to it, empty if there is none."""
        return self.text.partition(",")[2].strip()

    @property
    def status_text(self) -> str:
        """The status in AMI's words."""
        return STATUS_TEXTS.get(IDLE if self.status is None else self.status, "Unknown")


class Hints:
    """The hints of the running dialplan.

    :ivar observers: called with each hint whose state or presence changed; its status is
        :data:`REMOVED` if it is there no more.
    """

    def __init__(self, dialplan: Dialplan) -> None:
        self._dialplan = dialplan
        self._hints: dict[tuple[str, str], Hint] = {}
        self._by_device: dict[str, list[Hint]] = {}
        self._by_presentity: dict[str, list[Hint]] = {}
        self._dynamic: set[tuple[str, str]] = set()
        self.observers: list[Callable[[Hint], None]] = []
        if dialplan.devices is not None:
            dialplan.devices.observers.append(self._on_device)
        if dialplan.presences is not None:
            dialplan.presences.observers.append(self._on_presence)

    def all(self) -> list[Hint]:
        """Return every hint with its present state, patterns included."""
        return [self._current(hint) for hint in self._hints.values()]

    def get(self, exten: str, context: str) -> Hint | None:
        """Return an extension's hint with its present state, ``None`` if it has none."""
        hint = self._hints.get((context, exten))
        if hint is None:
            found = self._find(exten, context)
            if found is None:
                return None
            where, extension = found
            name = exten if is_pattern(extension.name) else extension.name
            hint = self._hints.get((where, name)) or self._add_dynamic(name, where, extension)
        return self._current(hint)

    def describe(self, exten: str, context: str) -> tuple[str, str]:
        """Return an extension's hint and the hint's name, without asking for the state."""
        found = self._find(exten, context)
        if found is None:
            return "", ""
        hint = self._make(exten, found[0], found[1].hint)
        return hint.text, hint.name

    def watch(
        self, exten: str, context: str, watcher: Callable[[Hint], None]
    ) -> tuple[Hint, Callable[[], None]] | None:
        """Follow an extension's hint; ``None`` if it has none.

        :returns: the hint as it is, and a function that ends it.
        """
        hint = self.get(exten, context)
        if hint is None:
            return None
        watchers = hint.watchers
        watchers.append(watcher)

        def stop() -> None:
            if watcher in watchers:
                watchers.remove(watcher)

        return hint, stop

    def rebuild(self) -> None:
        """Read the hints of a plan that is new or was changed; report what became of the old."""
        former, former_dynamic = self._hints, self._dynamic
        self._hints, self._dynamic = {}, set()
        self._by_device, self._by_presentity = defaultdict(list), defaultdict(list)
        for context in self._dialplan.plan.contexts.values():
            for extension in context.with_hints():
                self._add(self._make(extension.name, context.name, extension.hint))
        for where, exten in former_dynamic:
            found = self._find(exten, where)
            if found is not None and found[0] == where and (where, exten) not in self._hints:
                self._add_dynamic(exten, where, found[1])
        for key, old in former.items():
            self._replace(old, self._hints.get(key))

    # private

    def _find(self, exten: str, context: str) -> tuple[str, Extension] | None:
        wall = self._dialplan.node.clock.wall()
        for where, extension, _timed in self._dialplan.plan.extensions(context, exten, "", wall):
            if extension.hint:
                return where.name, extension
        return None

    def _make(self, exten: str, context: str, source: str) -> Hint:
        text = _HintScope(self._dialplan, exten, context).substitute(source).strip()
        match = _NAME.match(text)
        if match is not None:
            return Hint(exten, context, match["what"].strip(), match["name"].strip())
        return Hint(exten, context, text)

    def _add_dynamic(self, exten: str, context: str, extension: Extension) -> Hint:
        hint = self._make(exten, context, extension.hint)
        if len(self._dynamic) < MAX_DYNAMIC:
            self._dynamic.add((context, exten))
            self._add(hint)
        return hint

    def _add(self, hint: Hint) -> None:
        self._hints[hint.context, hint.exten] = hint
        if is_pattern(hint.exten):
            return
        for device in hint.devices:
            self._by_device.setdefault(device.lower(), []).append(hint)
        if hint.presentity:
            self._by_presentity.setdefault(hint.presentity.lower(), []).append(hint)

    def _replace(self, old: Hint, new: Hint | None) -> None:
        if new is None:
            old.status = REMOVED
            if not is_pattern(old.exten):
                self._tell(old)
            return
        new.watchers = old.watchers
        if old.status is None:
            return
        self._current(new)
        if (new.status, new.presence) != (old.status, old.presence):
            self._tell(new)

    def _current(self, hint: Hint) -> Hint:
        if hint.status is None:
            self._compute(hint)
        return hint

    def _compute(self, hint: Hint) -> None:
        states = self._dialplan.devices
        known = [] if states is None else [states.state(device) for device in hint.devices]
        hint.status = _OF_DEVICE[devices.aggregate(known)]
        presences = self._dialplan.presences
        if presences is not None and hint.presentity:
            hint.presence = presences.get(hint.presentity)

    def _on_device(self, device: str, _state: str) -> None:
        self._refresh(self._by_device.get(device.lower(), ()))

    def _on_presence(self, entity: str, _presence: Presence) -> None:
        self._refresh(self._by_presentity.get(entity.lower(), ()))

    def _refresh(self, hints: Iterable[Hint]) -> None:
        for hint in hints:
            former = hint.status, hint.presence
            self._compute(hint)
            if (hint.status, hint.presence) != former:
                self._tell(hint)

    def _tell(self, hint: Hint) -> None:
        for observer in (*self.observers, *hint.watchers):
            try:
                observer(hint)
            except Exception:
                logger.exception("hint %s@%s: an observer failed", hint.exten, hint.context)


class _HintScope(Scope):
    """What a hint's text may name: global variables, functions, and its own place."""

    def __init__(self, dialplan: Dialplan, exten: str, context: str) -> None:
        super().__init__(dialplan, None)
        self._own = {"EXTEN": exten, "CONTEXT": context}

    def get(self, name: str) -> str | None:
        value = self._own.get(name)
        return super().get(name) if value is None else value
