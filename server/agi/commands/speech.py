"""Commands for speech recognition, of which there is no engine: each says that it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.agi.commands.registry import command

if TYPE_CHECKING:
    from server.agi.session import Session

NOTHING = "200 result=0"


def _declare(
    name: str, syntax: str, summary: str, least: int, most: int | None, dead: bool
) -> None:
    def run(session: Session, _args: list[str]) -> str:
        session.call.report(f"{name}: there is no speech recognition engine")
        return NOTHING

    run.__doc__ = summary
    command(name, syntax, least=least, most=most, runs_dead=dead)(run)


for _row in (
    ("SPEECH CREATE", "<engine>", "Begins to use a recognition engine.", 1, None, False),
    ("SPEECH SET", "<name> <value>", "Changes a setting of the engine.", 2, 2, False),
    ("SPEECH DESTROY", "", "Ends the use of the engine.", 0, None, True),
    ("SPEECH LOAD GRAMMAR", "<grammar name> <path to grammar>", "Loads a grammar.", 2, 2, False),
    ("SPEECH UNLOAD GRAMMAR", "<grammar name>", "Forgets a grammar.", 1, 1, True),
    ("SPEECH ACTIVATE GRAMMAR", "<grammar name>", "Lets a grammar be recognised.", 1, 1, False),
    ("SPEECH DEACTIVATE GRAMMAR", "<grammar name>", "Takes that back.", 1, 1, False),
    ("SPEECH RECOGNIZE", "<prompt> <timeout> [offset]", "Plays, and listens.", 2, 3, False),
):
    _declare(*_row)
