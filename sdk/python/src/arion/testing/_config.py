"""The configuration of a server for tests: loopback only, as few files as will do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_ASTERISK = """\
[directories]
astetcdir => {root}/etc
astvarlibdir => {root}/lib
astdbdir => {root}/lib
astdatadir => {data}
astspooldir => {root}/spool
astrundir => {root}/run
astlogdir => {root}/log

[options]
verbose = 3
defaultlanguage = en
"""

_HTTP = """\
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {http_port}
"""

_ARI = """\
[general]
enabled = yes

[{user}]
type = user
password = {password}
"""

_LOGGER = """\
[logfiles]
messages.log => notice,warning,error,verbose
"""

_RTP = """\
[general]
rtpstart = 30000
rtpend = 34000
"""

_PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip_port}

[phone](!)
type = endpoint
context = phones
disallow = all
allow = ulaw,alaw
dtmf_mode = rfc4733
rtp_symmetric = yes
force_rport = yes
rewrite_contact = yes
direct_media = no
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
"""

_PHONE = """
[{name}](phone)
auth = {name}
aors = {name}
callerid = {title} <{number}>
[{name}]
type = auth
auth_type = userpass
username = {name}
password = {password}
[{name}]
type = aor
max_contacts = 5
remove_existing = yes
"""

_MUSIC = """\
[default]
mode = files
directory = {data}/sounds/en
"""

_FIRST_NUMBER = 101  # of the phones, in their order


def texts(
    *,
    root: Path,
    data: Path,
    sip_port: int,
    http_port: int,
    user: str,
    password: str,
    phones: Mapping[str, str],
    dialplan: Mapping[str, str] | str,
) -> dict[str, str]:
    """Return the text of each file by its name.

    :param data: the folder that holds the folder of sounds.
    :param phones: names and passwords.
    """
    entries = [
        _PHONE.format(name=name, title=name.title(), number=_FIRST_NUMBER + n, password=secret)
        for n, (name, secret) in enumerate(phones.items())
    ]
    return {
        "asterisk.conf": _ASTERISK.format(root=root, data=data),
        "ari.conf": _ARI.format(user=user, password=password),
        "extensions.conf": dialplan if isinstance(dialplan, str) else _extensions(dialplan),
        "http.conf": _HTTP.format(http_port=http_port),
        "logger.conf": _LOGGER,
        "musiconhold.conf": _MUSIC.format(data=data),
        "pjsip.conf": _PJSIP.format(sip_port=sip_port) + "".join(entries),
        "rtp.conf": _RTP,
    }


def _extensions(numbers: Mapping[str, str]) -> str:
    lines = ["[phones]"]
    for number, application in numbers.items():
        lines += [f"exten => {number},1,{application}", " same => n,Hangup()"]
    lines += ["exten => _[a-z].,1,Dial(PJSIP/${EXTEN},30)", " same => n,Hangup()"]
    return "\n".join(lines) + "\n"
