"""Requests and their answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote as _quote

import aiohttp

from arion._errors import ConnectionFailed, TimedOut, api_error

Parameters = Mapping[str, Any]


def quote(segment: str) -> str:
    """Encode a segment of a path."""
    return _quote(segment, safe="")


class Http:
    """A pool of connections to one server.

    :param url: with the path ``/ari``.
    :param timeout: seconds for a whole request.
    """

    def __init__(self, url: str, user: str, password: str, timeout: float) -> None:
        self.url = url.rstrip("/")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, made when it is first needed: it belongs to the running loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        whole: Any = None,
    ) -> bytes:
        """Send a request and return the body of its answer.

        :param whole: the JSON body, if it is no set of parameters.
        :raises ApiError: the server refused it.
        :raises ConnectionFailed: there was no answer.
        :raises TimedOut: there was none in time.
        """
        options = _options(method, parameters, whole)
        try:
            async with self.session.request(method, self.url + path, **options) as response:
                body = await response.read()
        except TimeoutError as failure:
            raise TimedOut(f"{operation}: no answer within {self._timeout.total} s") from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise ConnectionFailed(f"{operation}: {failure or type(failure).__name__}") from failure
        if response.status >= 400:
            data = _object(body)
            message = str(data.get("message") or response.reason or "no reason given")
            raise api_error(response.status, message, operation, data)
        return body


def _options(method: str, parameters: Parameters | None, whole: Any) -> dict[str, Any]:
    """Place parameters: in the body where one is usual, so that lists may contain commas."""
    given = {name: value for name, value in (parameters or {}).items() if value is not None}
    options: dict[str, Any] = {}
    if whole is not None:
        options["json"] = _jsonable(whole)
    elif given and method in ("POST", "PUT"):
        return {"json": {name: _jsonable(value) for name, value in given.items()}}
    if given:
        options["params"] = {name: _text(value) for name, value in given.items()}
    return options


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [_jsonable(item) for item in value]
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return ",".join(map(str, value))


def _object(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object, empty if it is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
