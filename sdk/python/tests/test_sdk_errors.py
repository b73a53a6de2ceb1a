"""The tree of errors is what its docstring draws."""

from __future__ import annotations

import re

import arion
import pytest
from arion import _errors


def test_the_tree_is_drawn_as_it_is() -> None:
    assert _errors.__doc__
    lines = [line for line in _errors.__doc__.splitlines() if "─" in line]
    matches = [re.match(r"^[ │├└─]*([A-Z]\w+)", line) for line in lines]
    drawn = [(match.start(1) // 4, match[1]) for match in matches if match]
    classes = {
        name for name, value in vars(_errors).items()
        if isinstance(value, type) and issubclass(value, arion.ArionError)
    }  # fmt: skip
    assert {name for _, name in drawn} | {"ArionError"} == classes
    parents = {1: "ArionError"}
    for depth, name in drawn:
        assert getattr(_errors, name).__bases__[0].__name__ == parents[depth - 1]
        parents[depth] = name
        assert getattr(arion, name) is getattr(_errors, name)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, arion.NotFound),
        (418, arion.ApiError),
        (503, arion.Unavailable),
        (599, arion.ServerFailed),
    ],
)
def test_each_status_has_a_class(status: int, kind: type[arion.ApiError]) -> None:
    error = _errors.api_error(status, "no", "channels.get", {"message": "no", "more": 1})
    assert type(error) is kind
    assert error.body["more"] == 1
    assert str(error) == f"channels.get: no ({status})"
