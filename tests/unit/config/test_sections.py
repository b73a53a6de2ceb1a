"""What the options of each file come to."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.acl import Acl, build_acls
from server.config.ini import parse_text
from server.config.objects import ConfigFile, ConfigWarning
from server.config.sections.amd import build_amd
from server.config.sections.ari import Scope, build_ari
from server.config.sections.asterisk import build_asterisk
from server.config.sections.features import build_features
from server.config.sections.http import build_http
from server.config.sections.indications import build_indications, builtin_zones, tone_list
from server.config.sections.logger import build_logger
from server.config.sections.modules import build_modules
from server.config.sections.musiconhold import MusicClass, build_musiconhold, music_files
from server.config.sections.pjsip import build_pjsip
from server.config.sections.rtp import build_rtp
from server.config.sections.statsd import build_statsd
from server.config.sections.websocket_client import build_websocket_clients
from server.config.types import SocketAddress

DOCUMENTED = json.loads(
    (Path(__file__).parents[2] / "data" / "config" / "options.json").read_text()
)
ACLS = {"local": Acl()}
BUILDERS: dict[str, Callable[[ConfigFile, list[ConfigWarning]], object]] = {
    "asterisk.conf": build_asterisk,
    "http.conf": lambda file, warnings: build_http(file, warnings, ACLS),
    "ari.conf": lambda file, warnings: build_ari(file, warnings, ACLS),
    "rtp.conf": lambda file, warnings: build_rtp(file, warnings, ACLS),
    "logger.conf": build_logger,
    "features.conf": build_features,
    "indications.conf": build_indications,
    "musiconhold.conf": build_musiconhold,
    "acl.conf": build_acls,
    "amd.conf": build_amd,
    "modules.conf": build_modules,
    "statsd.conf": build_statsd,
    "websocket_client.conf": build_websocket_clients,
}
WITHOUT_GENERAL = {"acl.conf", "indications.conf", "musiconhold.conf", "websocket_client.conf"}
VALUES = {  # of types whose documented default, if any, says nothing
    "acl": "10.0.0.0/8",
    "address": "192.0.2.1",
    "bool": "yes",
    "yesno": "yes",
    "int": "10",
    "uint": "2000",
    "ms": "1000",
    "ms list": "1000,4000",
    "samples": "100",
    "float": "1.5",
    "digits": "*1",
    "tonelist": "440+480/2000,0/4000",
    "levels": "[json]debug,notice,warning,error,verbose(3),dtmf,fax,security,trace",
}
NEEDED = {
    ("ari.conf", "user"): "type=user\npassword=x\n",
    ("ari.conf", "outbound_websocket"): "type=outbound_websocket\n",
    ("http.conf", "<restriction section>"): "type=restriction\npath=/ari\n",
    ("websocket_client.conf", "websocket_client"): "type=websocket_client\nuri=ws://h/\n",
    ("musiconhold.conf", "<class>"): "mode=files\ndirectory=moh\n",
}


def build(name: str, text: str) -> tuple[object, list[str]]:
    warnings: list[ConfigWarning] = []
    file = parse_text(text, path=name)
    return BUILDERS[name](file, warnings), [str(warning) for warning in warnings]


def sample(row: dict[str, object]) -> str:
    if row["option"] in ("acl", "ice_acl", "stun_acl"):
        return "local"
    if row["option"] == "redirect":
        return "/a /b"
    if row["option"] == "uri":
        return "wss://h/path"
    if row["option"] == "astctlpermissions":
        return "0660"
    if enumeration := row.get("enum"):
        assert isinstance(enumeration, list)
        return str(enumeration[0])
    return str(row.get("default") or VALUES.get(str(row["type"]), "10.0.0.0"))


@pytest.mark.parametrize(
    "row", DOCUMENTED, ids=lambda row: f"{row['file']}-{row['section']}-{row['option']}"
)
def test_every_documented_option_is_known(row: dict[str, object]) -> None:
    name, section = str(row["file"]), str(row["section"])
    needed = NEEDED.get((name, section), "")
    text = f"[{section}]\n{needed}{row['option']} = {sample(row)}\n"
    _, warnings = build(name, text)
    assert not [warning for warning in warnings if "unknown" in warning]


@pytest.mark.parametrize("name", BUILDERS)
def test_documented_defaults_are_ours(name: str) -> None:
    """A default that is written out changes nothing. Exceptions are decisions of ours."""
    bare, _ = build(name, "[general]\n")
    ours = {"servername"}  # says who we are
    lines = [
        f"{row['option']} = {row['default']}"
        for row in DOCUMENTED
        if row["file"] == name and row["section"] == "general" and row.get("default")
        if row["option"] not in ours
    ]
    written, _ = build(name, "[general]\n" + "\n".join(lines))
    assert written == bare


def test_asterisk_documented_defaults_are_ours() -> None:
    text = ""
    for section in ("directories", "options", "files"):
        text += f"[{section}]\n" + "".join(
            f"{row['option']} = {row['default']}\n"
            for row in DOCUMENTED
            if row["file"] == "asterisk.conf"
            if row["section"] == section and row.get("default")
        )
    assert build("asterisk.conf", text)[0] == build("asterisk.conf", "")[0]


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - WITHOUT_GENERAL))
def test_unknown_options_are_reported(name: str) -> None:
    section = {"asterisk.conf": "options", "modules.conf": "modules"}.get(name, "general")
    assert build(name, f"[{section}]\nbogus = 1")[1] == [f"{name}:2: unknown option 'bogus'"]


# asterisk.conf


def test_directories_follow_those_they_are_part_of() -> None:
    conf = build_asterisk(parse_text("[directories]\nastvarlibdir=/v\nastdatadir=/d"), [])
    assert (conf.directories.astdbdir, conf.directories.astkeydir) == ("/v", "/d")
    conf = build_asterisk(parse_text("[directories]\nastvarlibdir=/v\nastdbdir=/x"), [])
    assert conf.directories.astdbdir == "/x"


def test_autosystemname_is_the_machines_name() -> None:
    conf = build_asterisk(parse_text("[options]\nautosystemname=yes"), [])
    assert conf.options.systemname == os.uname().nodename
    conf = build_asterisk(parse_text("[options]\nautosystemname=yes\nsystemname=a"), [])
    assert conf.options.systemname == "a"


def test_control_socket_is_in_the_run_directory() -> None:
    text = "[directories]\nastrundir => /run/a\n[files]\nastctl=x.ctl\nastctlpermissions=0660"
    conf = build_asterisk(parse_text(text), [])
    assert conf.control_socket == "/run/a/x.ctl"
    assert conf.files.astctlpermissions == 0o660


def test_directories_of_a_template_section_do_not_count() -> None:
    conf = build_asterisk(parse_text("[directories](!)\nastetcdir=/x"), [])
    assert conf.directories.astetcdir == "/etc/asterisk"


# http.conf


def test_http_listens_on_loopback_until_told_otherwise() -> None:
    http = build_http(parse_text("[general]\nenabled=yes"), [], {})
    assert (http.enabled, http.bindaddr, http.bindport) == (True, "127.0.0.1", 8088)
    assert http.tls_address == SocketAddress("127.0.0.1", 8089)


@pytest.mark.parametrize("prefix", ["asterisk", "/asterisk", "/asterisk/"])
def test_http_prefix_begins_with_a_slash(prefix: str) -> None:
    http = build_http(parse_text(f"[general]\nprefix={prefix}"), [], {})
    assert http.prefix == "/asterisk"


def test_http_old_names_of_tls_options() -> None:
    text = "[general]\nsslenable=yes\nsslbindaddr=0.0.0.0:9000\nsslcert=/c.pem\nsslprivatekey=/k"
    http = build_http(parse_text(text), [], {})
    assert http.tlsenable
    assert http.tls_address == SocketAddress("0.0.0.0", 9000)
    assert (http.tlscertfile, http.tlsprivatekey) == ("/c.pem", "/k")


def test_http_3_is_off_unless_asked_for_and_needs_tls() -> None:
    warnings: list[ConfigWarning] = []
    assert not build_http(parse_text("[general]\ntlsenable=yes"), warnings, {}).http3
    assert build_http(parse_text("[general]\ntlsenable=yes\nhttp3=yes"), warnings, {}).http3
    assert warnings == []
    assert build_http(parse_text("[general]\nhttp3=yes"), warnings, {}).http3
    assert [warning.message for warning in warnings] == ["http3 has no effect without tlsenable"]


def test_http_restrictions_and_redirects() -> None:
    text = "[general]\nredirect=/ /x\nredirect=/y /z\n[r]\ntype=restriction\npath=/ari\n"
    http = build_http(parse_text(text + "deny=0.0.0.0/0\npermit=127.0.0.1"), [], {})
    assert http.redirects == (("/", "/x"), ("/y", "/z"))
    assert http.restrictions[0].path == "/ari"
    assert not http.restrictions[0].acl.permits("192.0.2.1")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[general]\nredirect=/x", "f:2: redirect: expected two paths"),
        ("[r]\ntype=restriction", "f:1: restriction [r] needs a path"),
        ("[general]\nbindport=70000", "f:2: bindport: expected a whole number"),
    ],
)
def test_http_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_http(parse_text(text, path="f"), [], {})
    assert str(caught.value).startswith(error)


# ari.conf


def test_ari_users() -> None:
    text = (
        "[general]\nallowed_origins=https://a.example, *\nchannelvars=A,B\n"
        "[tmpl](!)\ntype=user\nread_only=yes\n"
        "[alice](tmpl)\npassword=$6$x\npassword_format=crypt\n"
        "[bob]\ntype=user\npassword=p\npermit=127.0.0.1\n"
    )
    ari = build_ari(parse_text(text), [], {})
    assert ari.enabled
    assert ari.allowed_origins == ("https://a.example", "*")
    assert ari.channelvars == ("A", "B")
    assert list(ari.users) == ["alice", "bob"]
    assert ari.users["alice"].read_only
    assert ari.users["alice"].password_format == "crypt"
    assert not ari.users["bob"].read_only


def test_ari_user_without_password_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"f:1: user \[alice\] needs a password"):
        build_ari(parse_text("[alice]\ntype=user", path="f"), [], {})


def test_ari_tokens() -> None:
    text = "[desk]\ntype=token\ntoken=a long enough secret\napps=a,b\nread_only=yes\n"
    token = build_ari(parse_text(f"{text}expires=2026-01-01\npermit=10.0.0.0/8\n"), [], {}).tokens
    desk = token["desk"]
    assert desk.digest == hashlib.sha256(b"a long enough secret").digest()
    assert desk.expires == 1767225600.0
    assert desk.user.name == "desk"
    assert desk.user.read_only
    assert desk.user.scope == Scope(apps=("a", "b"))
    assert desk.user.acl.permits("10.1.1.1")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("", r"f:1: token \[t\] needs a token"),
        ("token=short\n", r"f:3: token: expected sha256"),
        ("token=sha256:12\n", r"f:3: token: expected 64 hex"),
        ("token=sha256:" + "x" * 64 + "\n", r"f:3: token: "),
        ("token=0123456789abcdef\nexpires=soon\n", r"f:4: expires: expected a date"),
    ],
)
def test_ari_token_that_can_not_be_used_is_refused(options: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        build_ari(parse_text(f"[t]\ntype=token\n{options}", path="f"), [], {})


def test_ari_section_of_no_known_type_is_reported() -> None:
    _, warnings = build("ari.conf", "[x]\na=b")
    assert warnings == ["ari.conf:1: [x] is ignored: expected type=user or token"]


# websocket_client.conf


def test_websocket_clients() -> None:
    text = (
        "[ai](!)\ntype=websocket_client\nprotocols=media,other\nconnection_type=per_call_config\n"
        "[one](ai)\nuri=ws://media.example:8765/in?x=1\nusername=u\npassword=p\n"
        "[two](ai)\nuri=wss://[2001:db8::1]/\nreconnect_attempts=0\n"
        "[three](ai)\nuri=ws://h\ntls_enabled=yes\n"
    )
    warnings: list[ConfigWarning] = []
    clients = build_websocket_clients(parse_text(text), warnings).clients
    assert warnings == []
    assert list(clients) == ["one", "two", "three"]
    assert clients["one"].protocols == ("media", "other")
    assert clients["one"].connection_type == "per_call_config"
    assert (clients["one"].connection_timeout, clients["one"].reconnect_interval) == (500, 500)
    assert not clients["one"].is_secure
    assert [client.address for client in clients.values()] == [
        ("media.example", 8765),
        ("2001:db8::1", 443),
        ("h", 443),
    ]
    assert clients["two"].is_secure
    assert clients["three"].is_secure


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "f:1: [a] needs a uri"),
        ("uri=http://h/", "f:3: uri: expected ws://"),
        ("uri=ws://", "f:3: uri: expected ws://"),
        ("uri=ws://h:99999/", "f:3: uri: expected ws://"),
        ("uri=ws://h/#x", "f:3: uri: expected ws://"),
        ("uri=ws://h/a b", "f:3: uri: expected ws://"),
        ("connection_type=sometimes", "f:3: connection_type: expected one of persistent"),
        ("connection_timeout=0", "f:3: connection_timeout: expected a whole number"),
    ],
)
def test_websocket_client_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_websocket_clients(parse_text(f"[a]\ntype=websocket_client\n{text}", path="f"), [])
    assert str(caught.value).startswith(error)


def test_websocket_client_section_of_another_type_is_reported() -> None:
    _, warnings = build("websocket_client.conf", "[x]\na=b")
    assert warnings == ["websocket_client.conf:1: [x] is ignored: expected type=websocket_client"]


# rtp.conf


@pytest.mark.parametrize(("word", "mode"), [("yes", "yes"), ("0", "no"), ("seqno", "seqno")])
def test_strictrtp(word: str, mode: str) -> None:
    assert build_rtp(parse_text(f"[general]\nstrictrtp={word}"), [], {}).strictrtp == mode


def test_empty_port_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"f:3: rtpend \(10000\) must be above rtpstart"):
        build_rtp(parse_text("[general]\nrtpstart=10000\nrtpend=10000", path="f"), [], {})


# logger.conf


def test_log_channels() -> None:
    text = "[logfiles]\nconsole => notice,warning,verbose(3)\nx.log => [json]*\ny => nonsense\n"
    warnings: list[ConfigWarning] = []
    settings = build_logger(parse_text(text, path="f"), warnings)
    console, everything = settings.channels
    assert console.levels == {"NOTICE", "WARNING", "VERBOSE"}
    assert console.verbose_level == 3
    assert everything.formatter == "json"
    assert everything.levels >= {"DEBUG", "ERROR", "SECURITY", "DTMF"}
    assert [str(warning) for warning in warnings] == ["f:4: y: unknown level 'nonsense'"]


def test_custom_log_levels_are_known() -> None:
    text = "[general]\ncustom_levels=foo,bar\n[logfiles]\nx => foo"
    settings = build_logger(parse_text(text), [])
    assert settings.custom_levels == ("FOO", "BAR")
    assert settings.channels[0].levels == {"FOO"}


@pytest.mark.parametrize(
    "line", ["x => [xml]notice", "x => [json", "[general]\nrotatestrategy=sometimes"]
)
def test_logger_errors(line: str) -> None:
    text = "[logfiles]\n" + line
    if line.endswith("[json"):
        _, warnings = build("logger.conf", text)
        assert "unknown level" in warnings[0]
        return
    with pytest.raises(ConfigError, match="expected one of"):
        build("logger.conf", text)


# indications.conf


def test_builtin_zones_stand_in_for_the_file() -> None:
    indications = build_indications(None, [])
    assert indications.country == "us"
    assert indications.tone("ring") == "440+480/2000,0/4000"
    assert indications.tone("dial", "DE") == "425"
    assert indications.tone("dial", "nowhere") == "350+440"
    assert indications.tone("none") is None
    assert len(builtin_zones()) == 41


def test_builtin_tones_can_be_written_in_a_file() -> None:
    for zone in builtin_zones().values():
        assert zone.tones["dial"]
        for tones in zone.tones.values():
            assert tone_list(tones) == tones


def test_of_three_frequencies_two_sound() -> None:
    assert tone_list("!350+375+400/100 | 425") == "!350+375/100,425"


def test_zones_of_the_file_with_aliases() -> None:
    text = "[general]\ncountry=XX\n[xx]\nalias=yy,zz\nringcadence=1000,4000\ndial => 425\n"
    indications = build_indications(parse_text(text), [])
    assert indications.tone("dial") == "425"
    assert indications.zones["yy"] is indications.zones["xx"]
    assert indications.zones["xx"].ringcadence == (1000, 4000)


@pytest.mark.parametrize("tones", ["x", "425/", "1+", "425,,425", "9" * 9])
def test_bad_tone_list_is_refused(tones: str) -> None:
    with pytest.raises(ConfigError, match="f:2: dial: expected tones such as"):
        build_indications(parse_text(f"[xx]\ndial={tones}", path="f"), [])


def test_unknown_country_is_reported() -> None:
    _, warnings = build("indications.conf", "[general]\ncountry=xx")
    assert warnings == ["indications.conf: country 'xx' has no tones"]


# musiconhold.conf


def test_music_without_a_file() -> None:
    music = build_musiconhold(None, [])
    assert music.classes["default"].directory == "moh"


def test_unsupported_modes_are_reported_where_they_are() -> None:
    text = "[a]\nmode=files\ndirectory=/x\n[b]\nmode=custom\napplication=/bin/x\n[c]\nmode=files"
    warnings: list[ConfigWarning] = []
    music = build_musiconhold(parse_text(text, path="f"), warnings)
    assert list(music.classes) == ["a"]
    messages = [str(warning) for warning in warnings]
    assert "f:5: class [b] is ignored: mode=custom is not supported" in messages
    assert "f:8: class [c] is ignored: it needs a directory" in messages


def test_music_files_one_per_piece_in_alphabetical_order(tmp_path: Path) -> None:
    (tmp_path / "moh").mkdir()
    for name in ("b.wav", "a.gsm", "a.wav", "readme.txt", "c.sln16"):
        (tmp_path / "moh" / name).touch()
    music = MusicClass("x", directory="moh")
    names = [Path(path).name for path in music_files(music, str(tmp_path))]
    assert names == ["a.wav", "b.wav", "c.sln16"]
    assert music_files(MusicClass("x", directory="none"), str(tmp_path)) == []


def test_playlist_in_its_own_order(tmp_path: Path) -> None:
    (tmp_path / "b.wav").touch()
    (tmp_path / "a.ulaw").touch()
    music = MusicClass("x", mode="playlist", entries=(f"{tmp_path}/b", "a", "none"))
    names = [Path(path).name for path in music_files(music, str(tmp_path))]
    assert names == ["b.wav", "a.ulaw"]


# pjsip.conf


def test_pjsip_sections_become_objects() -> None:
    text = "[t](!)\ntype=endpoint\ndisallow=all\n[alice](t)\nallow=ulaw\n[alice]\ntype=AOR\n[x]\n"
    warnings: list[ConfigWarning] = []
    endpoint, aor = build_pjsip(parse_text(text, path="f"), warnings)
    assert (endpoint.type, endpoint.name, endpoint.line) == ("endpoint", "alice", 4)
    assert [option.name for option in endpoint.options] == ["disallow", "allow"]
    assert (aor.type, aor.name) == ("aor", "alice")
    assert [str(warning) for warning in warnings] == ["f:8: [x] is ignored: it has no type"]
