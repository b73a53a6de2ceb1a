"""External media on the real server: the example of the documentation answers plain RTP."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from first_config import ROOT

from tests.media.rtp_phone import RtpPhone, level, tone
from tests.support.server_process import ServerProcess

GUIDE = ROOT / "docs/external-media.md"


def write_example(server: ServerProcess, folder: Path) -> Path:
    """Write the guide's program, for this server."""
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    user, password = next(iter(server.access.users.items()))
    path = folder / "bot.py"
    source = found[1].replace("localhost:8088", f"127.0.0.1:{server.access.http_port}")
    path.write_text(source.replace("demo:secret", f"{user}:{password}"), encoding="utf-8")
    return path


async def test_the_guides_bot_echoes_what_an_rtp_application_says(
    server: ServerProcess, tmp_path: Path
) -> None:
    app = await server.connect_app("tests", subscribeAll="true")
    phone = RtpPhone()
    bot = await asyncio.create_subprocess_exec(sys.executable, write_example(server, tmp_path))
    try:
        echo = (await app.wait_for("ChannelStateChange"))["channel"]
        assert echo["name"].startswith("WebSocket/INCOMING/")
        host, port = phone.address
        rtp = await server.post(
            "/channels/externalMedia", app="tests", external_host=f"{host}:{port}", format="ulaw"
        )
        await app.wait_for("StasisStart", application="tests")
        where = await server.get(
            f"/channels/{rtp['id']}/variable", variable="UNICASTRTP_LOCAL_PORT"
        )
        phone.to = ("127.0.0.1", int(where["value"]))
        bridge = await server.post("/bridges", type="mixing")
        path = f"/bridges/{bridge['id']}/addChannel"
        await server.post(path, channel=f"{rtp['id']},{echo['id']}")
        await phone.talk(tone(600, 1200))
        assert level(phone.audio()[-3200:], 600) > 6000
        await server.delete(f"/channels/{echo['id']}")
        assert await asyncio.wait_for(bot.wait(), 5) == 0
        await server.delete(f"/channels/{rtp['id']}")
        await server.delete(f"/bridges/{bridge['id']}")
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.wait()
        phone.close()
        await app.close()
