"""CURLOPT(): how CURL() asks, set for one channel or, without one, for all."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

from server.base.errors import InvalidArgument
from server.config.types import TRUE_WORDS
from server.dialplan.encoding import encode_text
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.port import Dialplan
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources.channel import Channel

MAX_HEADERS = 64
CONNECT_TIMEOUT = 300.0  # seconds, libcurl's own
ANSWER_TIMEOUT = 600.0  # seconds; libcurl would wait for ever, and h can't be hung up

_FLAGS = frozenset({"followlocation", "ftptext", "header", "ssl_verifypeer", "ssl_verifyhost"})
_CHOICES = {
    "httpauth": ("basic", "digest"),
    "proxytype": ("http", "socks4", "socks5"),
    "ssl_certtype": ("PEM", "DER"),
    "ssl_keytype": ("PEM", "DER", "ENG"),
}
_DEFAULTS = {
    "conntimeout": "0", "cookie": "", "dnstimeout": "0", "failurecodes": "",
    "followlocation": "0", "ftptext": "0", "ftptimeout": "0", "hashcompat": "no", "header": "0",
    "httpauth": "basic", "httpheader": "", "httptimeout": "0", "maxredirs": "0", "proxy": "",
    "proxyport": "0", "proxytype": "http", "proxyuserpwd": "", "referer": "",
    "ssl_cainfo": "", "ssl_capath": "", "ssl_cert": "", "ssl_certtype": "PEM", "ssl_key": "",
    "ssl_keypasswd": "", "ssl_keytype": "PEM", "ssl_verifyhost": "1", "ssl_verifypeer": "1",
    "useragent": "asterisk-libcurl-agent/1.0", "userpwd": "",
}  # fmt: skip


@dataclass(slots=True)
class CurlOptions:
    """Options as they were set."""

    values: dict[str, str] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)

    def merged(self, over: CurlOptions | None) -> CurlOptions:
        """Return these options with those of *over* in front of them."""
        if over is None:
            return self
        return CurlOptions({**self.values, **over.values}, [*self.headers, *over.headers])

    def get(self, name: str) -> str:
        """Return an option's value."""
        if name == "httpheader":
            return ",".join(self.headers)
        return self.values.get(name, _DEFAULTS[name])

    def is_on(self, name: str) -> bool:
        """Return an option that is a flag."""
        return self.get(name) == "1"

    def timeouts(self) -> aiohttp.ClientTimeout:
        """Return how long to wait for what."""
        return aiohttp.ClientTimeout(
            total=parse_seconds(self.get("httptimeout")) or ANSWER_TIMEOUT,
            sock_connect=parse_seconds(self.get("conntimeout")) or CONNECT_TIMEOUT,
        )

    def request(self) -> dict[str, Any]:
        """Return what else aiohttp needs for a request.

        :raises InvalidArgument: an option can't be used.
        """
        if self.get("proxytype") != "http" and self.get("proxy"):
            raise InvalidArgument("proxytype", "only http proxies are supported")
        redirects = parse_integer(self.get("maxredirs"))
        follows = self.is_on("followlocation")
        asked: dict[str, Any] = {
            "headers": list(self._headers()),
            "allow_redirects": follows,
            "ssl": self._tls(),
        }
        if follows:
            asked["max_redirects"] = redirects if redirects > 0 else 50
        if self.get("proxy"):
            asked["proxy"] = self._proxy()
            if self.get("proxyuserpwd"):  # aiohttp makes Proxy-Authorization of it
                asked["proxy_headers"] = {"Authorization": _basic(self.get("proxyuserpwd"))}
        if self._is_digest:
            login, _, password = self.get("userpwd").partition(":")
            asked["middlewares"] = (aiohttp.DigestAuthMiddleware(login, password),)
        return asked

    def fails_with(self, status: int) -> bool:
        """Whether an answer of this status counts as a failure."""
        return str(status) in [code.strip() for code in self.get("failurecodes").split(",")]

    @property
    def _is_digest(self) -> bool:
        return bool(self.get("userpwd")) and self.get("httpauth") == "digest"

    def _headers(self) -> Iterable[tuple[str, str]]:
        yield "User-Agent", self.get("useragent")
        if self.get("referer"):
            yield "Referer", self.get("referer")
        if self.get("cookie"):
            yield "Cookie", self.get("cookie")
        if self.get("userpwd") and not self._is_digest:
            yield "Authorization", _basic(self.get("userpwd"))
        for header in self.headers:
            name, _, value = header.partition(":")
            yield name.strip(), value.strip()

    def _proxy(self) -> str:
        proxy, port = self.get("proxy"), parse_integer(self.get("proxyport"))
        if "://" not in proxy:
            proxy = f"http://{proxy}"
        return f"{proxy}:{port}" if port > 0 else proxy

    def _tls(self) -> ssl.SSLContext | bool:
        files = ("ssl_cainfo", "ssl_capath", "ssl_cert")
        if not any(self.get(name) for name in files):
            if not self.is_on("ssl_verifypeer"):
                return False
            if self.is_on("ssl_verifyhost"):
                return True
        try:
            context = ssl.create_default_context(
                cafile=self.get("ssl_cainfo") or None, capath=self.get("ssl_capath") or None
            )
            if self.get("ssl_cert"):
                key = self.get("ssl_key") or None
                context.load_cert_chain(self.get("ssl_cert"), key, self.get("ssl_keypasswd"))
        except OSError as error:  # SSLError among them
            raise InvalidArgument("ssl", str(error)) from None
        if not (self.is_on("ssl_verifyhost") and self.is_on("ssl_verifypeer")):
            context.check_hostname = False
        if not self.is_on("ssl_verifypeer"):
            context.verify_mode = ssl.CERT_NONE
        return context


def _basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(encode_text(credentials)).decode()


class AllOptions:
    """The options of each channel, and those for all."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.common = CurlOptions()
        self.of_channel: WeakKeyDictionary[Channel, CurlOptions] = WeakKeyDictionary()


def options_of(scope: Scope) -> CurlOptions:
    """Return the options that count for a channel."""
    options = scope.dialplan.part(AllOptions)
    own = options.of_channel.get(scope.channel) if scope.has_channel else None
    return options.common.merged(own)


@function("CURLOPT")
def read_option(scope: Scope, data: str) -> str:
    """CURLOPT(name): an option of CURL()."""
    return options_of(scope).get(_name(data))


@function_write("CURLOPT")
def write_option(scope: Scope, data: str, value: str) -> None:
    """Set an option of CURL(); each ``httpheader`` adds one."""
    name = _name(data)
    options = scope.dialplan.part(AllOptions)
    own = options.common
    if scope.has_channel:
        own = options.of_channel.setdefault(scope.channel, CurlOptions())
    if any(letter in value for letter in "\r\n\0"):
        raise InvalidArgument(name, "can't have line ends in it")
    if name != "httpheader":
        own.values[name] = _checked(name, value)
    elif len(own.headers) >= MAX_HEADERS or ":" not in value:
        raise InvalidArgument(name, f"expected name: value, at most {MAX_HEADERS} of them")
    else:
        own.headers.append(value)


def _name(data: str) -> str:
    name = data.strip().lower()
    if name not in _DEFAULTS:
        raise InvalidArgument("key", f"{data!r} is not known")
    return name


def _checked(name: str, value: str) -> str:
    word = value.strip()
    if name in _FLAGS:
        return "1" if word.lower() in TRUE_WORDS or parse_integer(word) else "0"
    if name == "hashcompat":
        if word.lower() == "legacy":
            return "legacy"
        return "yes" if word.lower() in TRUE_WORDS else "no"
    for choice in _CHOICES.get(name, ()):
        if choice.lower() == word.lower():
            return choice
    if name in _CHOICES:
        raise InvalidArgument(name, f"{value!r} is none of {', '.join(_CHOICES[name])}")
    return value
