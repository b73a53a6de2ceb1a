"""What the SDK's generators do: the sync form of source text, and methods for all operations."""

from __future__ import annotations

import inspect
from pathlib import Path

import arion
import pytest
import unasync
from apispec import Spec
from arion import _bound, _types
from emit_sdk_operations import RESOURCES, operations_of, snake_case, type_of

SPEC = Spec(Path(__file__).parents[3] / "api-spec")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("async def f() -> None:\n    await g()\n", "def f() -> None:\n    g()\n"),
        ("async with a as b, c:\n    pass\n", "with a as b, c:\n    pass\n"),
        ("x = [y async for y in z]\n", "x = [y for y in z]\n"),
        ("H = Callable[[A], Awaitable[dict[str, B]]]\n", "H = Callable[[A], dict[str, B]]\n"),
        ("from m import Awaitable, Callable\n", "from m import  Callable\n"),
        ("from arion._types import X\n", "from arion.sync._types import X\n"),
        ("from arion._errors import X\n", "from arion._errors import X\n"),
        ("from arion import _types\n", "from arion.sync import _types\n"),
        ('"""Say ``await x.y()``; arion.Client."""\n', '"""Say ``x.y()``; arion.sync.Client."""\n'),
        ("await_ = is_async = 1\n", "await_ = is_async = 1\n"),
        ("async def __anext__(self): ...\n", "def __next__(self): ...\n"),
    ],
)
def test_the_sync_form(source: str, expected: str) -> None:
    assert unasync.derive(source, "arion/x.py").split("noqa\n", 1)[1] == expected


@pytest.mark.parametrize(
    ("wire", "name"),
    [("channelId", "channel_id"), ("sendDTMF", "send_dtmf"), ("getRTPStats", "get_rtp_stats"),
     ("transfer_progress", "transfer_progress"), ("x", "x")],
)  # fmt: skip
def test_python_names(wire: str, name: str) -> None:
    assert snake_case(wire) == name


def test_types_of_parameters() -> None:
    assert type_of({"type": "string", "enum": ["in", "out"]}) == 'Literal["in", "out"]'
    assert type_of({"type": "array", "items": {"type": "string"}}) == "str | Sequence[str]"
    assert type_of({"type": "object", "additionalProperties": {"type": "string"}}) == (
        "Mapping[str, str]"
    )
    assert type_of({"oneOf": []}) == "Any"


def test_every_operation_is_there_by_its_tag() -> None:
    client = arion.Client("http://127.0.0.1:1/ari", "a", "b")
    for operation in operations_of(SPEC):
        tag = "user_events" if operation.tag == "events" else snake_case(operation.tag)
        assert inspect.iscoroutinefunction(getattr(getattr(client, tag), operation.name))


def test_things_have_the_attributes_that_their_methods_use() -> None:
    for name, attributes in RESOURCES.values():
        if hasattr(_bound, f"Bound{name}"):
            kind = getattr(_types, name)
            assert issubclass(kind, getattr(_bound, f"Bound{name}"))
            assert set(attributes) <= set(kind.__dataclass_fields__)
