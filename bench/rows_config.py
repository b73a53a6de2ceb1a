"""A large pjsip.conf: reading it at start, and again while the server runs."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from client import Connection
from host import Server
from results import Result

PHONES = 3334  # of three objects each
PHONES_QUICK = 1000
RELOAD = "/asterisk/modules/res_pjsip.so"
TEMPLATES = """
[many](!)
type = endpoint
context = phones
disallow = all
allow = ulaw,alaw
direct_media = no
rtp_symmetric = yes
[many-auth](!)
type = auth
auth_type = userpass
[many-aor](!)
type = aor
max_contacts = 1
"""
PHONE = """
[many{0}](many)
auth = many{0}
aors = many{0}
[many{0}](many-auth)
username = many{0}
password = secret{0}
[many{0}](many-aor)
"""


async def configuration(*, is_quick: bool) -> list[Result]:
    """Start with ten thousand objects, reload them unchanged and changed."""
    phones = PHONES_QUICK if is_quick else PHONES
    var = Path(tempfile.mkdtemp(prefix="arion-bench-"))
    server = Server(var)
    conf = var / "etc/pjsip.conf"
    try:
        await server.start()
        await server.stop()
        bare = await server.start()
        await server.stop()
        phones_text = "".join(PHONE.format(number) for number in range(phones))
        conf.write_text(conf.read_text("utf-8") + TEMPLATES + phones_text, "utf-8")
        full = await server.start()
        unchanged = await _reload(server)
        conf.write_text(conf.read_text("utf-8") + PHONE.format("-more"), "utf-8")
        changed = await _reload(server)
    finally:
        await server.stop()
        shutil.rmtree(var)
    objects = f"{phones * 3:,} objects"
    scale = phones / PHONES
    return [
        Result("config", f"loading {objects}", "s", full - bare, 5 * scale, 1.5 * scale,
               note=f"start takes {full:.2f} s instead of {bare:.2f}"),
        Result("config", "... reloading them unchanged", "s", unchanged, 2 * scale, scale),
        Result("config", "... with one more phone", "s", changed, 5 * scale, 2 * scale),
    ]  # fmt: skip


async def _reload(server: Server) -> float:
    """Reload pjsip.conf; return the seconds that it took."""
    connection = await Connection(server.http, server.user, server.password).open()
    try:
        begin = time.monotonic()
        await connection.must("PUT", RELOAD)
        return time.monotonic() - begin
    finally:
        connection.close()
