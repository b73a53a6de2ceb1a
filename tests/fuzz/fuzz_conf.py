"""Invariant: whatever the files say, the loader returns a Configuration or raises ConfigError.

Run as ``python tests/fuzz/fuzz_conf.py [seconds]``.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from server.base.errors import ConfigError
from server.config.loader import load_configuration

SEEDS = {
    "asterisk.conf": "[options]\nverbose = 3\nmaxload = 0.9\nsystemname = a\n[files]\n"
    "astctlpermissions = 0660\n",
    "http.conf": "[general]\nenabled=yes\nbindaddr=::1\ntlsbindaddr=[::1]:8089\n"
    "redirect = /a /b\n[r]\ntype=restriction\npath=/ari\ndeny=0.0.0.0/0\n",
    "ari.conf": "[general]\nenabled = yes\n[u](!)\ntype=user\n[alice](u)\npassword=x\n"
    "permit=127.0.0.1/32,!10.0.0.0/8\n",
    "rtp.conf": "[general]\nrtpstart=10000\nrtpend=20000\nstrictrtp=seqno\n",
    "logger.conf": "[general]\ndateformat=%F %T.%3q\n[logfiles]\nconsole => notice,verbose(3)\n"
    "a.log => [json]*\n",
    "indications.conf": "[general]\ncountry=xx\n[xx]\nringcadence=1000,4000\n"
    "dial = 425\nbusy = !425/500,0/500,350+440*2/10\n",
    "musiconhold.conf": "[default]\nmode=files\ndirectory=moh\n[x]\nmode=custom\n",
    "pjsip.conf": "[alice]\ntype=endpoint\nallow=ulaw\n[alice](+type=endpoint)\nx=y\n",
    "acl.conf": "[a]\ndeny=0.0.0.0/0\npermit=127.0.0.1\n",
}
TOKENS = ["\n", "=", "=>", "+=", ";", ";--", "--;", "[", "]", "(!)", "(+)", "(a)", "\\;", ",", "/"]
TOKENS += ["yes", "-1", "99999999999999999999", "::", "[::1", "0.0.0.0/99", "%", "\0", "é", "(+a=["]


def mutate(rng: random.Random, text: str) -> str:
    """Cut, splice and insert."""
    for _ in range(rng.randint(1, 6)):
        at, to = sorted(rng.randint(0, len(text)) for _ in range(2))
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + rng.choice(TOKENS) + text[at:]
            case 2:
                text = text[:at] + text[at:to] * 2 + text[to:]
            case _:
                other = rng.choice(list(SEEDS.values()))
                text = text[:at] + other[rng.randint(0, len(other)) :] + text[to:]
    return text[:5000]


def main(seconds: float, seed: int = 0) -> int:
    """Fuzz for some seconds; returns the number of rounds."""
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    rounds = 0
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        while time.monotonic() < end:
            for file, text in SEEDS.items():
                content = mutate(rng, text) if rng.random() < 0.3 else text
                (directory / file).write_text(content, encoding="utf-8", errors="replace")
            try:
                load_configuration(str(directory / "asterisk.conf"))
            except ConfigError:
                pass
            rounds += 1
    return rounds


if __name__ == "__main__":
    print(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0), "rounds")
