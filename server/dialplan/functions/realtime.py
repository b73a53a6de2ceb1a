"""Functions on families of extconfig.conf."""

from __future__ import annotations

from collections.abc import Sequence

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.databases import realtime_of, set_status
from server.dialplan.functions.hashes import set_columns
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.realtime.realtime import Row
from server.store.sql.rows import Criterion, read_criterion

MAX_FIELDS = 30  # of REALTIME_STORE, as in Asterisk


@function("REALTIME")
async def read(scope: Scope, data: str) -> str:
    """REALTIME(family,fieldmatch,matchvalue,delim1,delim2): a row, as ``name=value,``…"""
    return _joined(await _row(scope, data), data)


@function_write("REALTIME")
async def write(scope: Scope, data: str, value: str) -> None:
    """REALTIME(family,fieldmatch,matchvalue,field)=value: change a field of what matches."""
    arguments = split_arguments(data, 4)
    field = argument(arguments, 3)
    if not field:
        raise InvalidArgument("field", "the name of a field is needed to write")
    await realtime_of(scope).update(arguments[0], [_criterion(arguments)], {field: value})


@function("REALTIME_FIELD")
async def read_field(scope: Scope, data: str) -> str:
    """REALTIME_FIELD(family,fieldmatch,matchvalue,fieldname): one field of a row."""
    name = argument(split_arguments(data, 4), 3)
    if not name:
        raise InvalidArgument("fieldname", "the name of a field is needed")
    row = await _row(scope, data)
    return next((value for column, value in row if column.lower() == name.lower()), "")


@function_write("REALTIME_FIELD")
async def write_field(scope: Scope, data: str, value: str) -> None:
    """Write one field, as REALTIME()= does."""
    await write(scope, data, value)


@function("REALTIME_HASH")
async def read_hash(scope: Scope, data: str) -> str:
    """REALTIME_HASH(family,fieldmatch,matchvalue): a row that HASH() can be set to."""
    row = await _row(scope, data)
    set_columns(scope, (name for name, _value in row))
    return ",".join(escape_commas(value) for _name, value in row)


@function_write("REALTIME_STORE")
async def store(scope: Scope, data: str, value: str) -> None:
    """REALTIME_STORE(family,field1,…)=value1,…: add a row; RTSTOREID is the key it drew."""
    family, *fields = split_arguments(data, MAX_FIELDS + 1) or [""]
    if not family:
        raise InvalidArgument("REALTIME_STORE", "expected a family and fields")
    values = split_arguments(value)
    pairs = {name: argument(values, index) for index, name in enumerate(fields)}
    last_id = await realtime_of(scope).store(family, pairs)
    if last_id is not None:
        set_status(scope, {"RTSTOREID": last_id})


@function("REALTIME_DESTROY", escalates=True)
async def destroy(scope: Scope, data: str) -> str:
    """REALTIME_DESTROY(family,fieldmatch,matchvalue,delim1,delim2): read a row, and delete it."""
    row = await _row(scope, data)
    await write_destroy(scope, data, "")
    return _joined(row, data)


@function_write("REALTIME_DESTROY")
async def write_destroy(scope: Scope, data: str, value: str) -> None:
    """Delete without reading."""
    arguments = split_arguments(data, 5)
    await realtime_of(scope).destroy(argument(arguments, 0), [_criterion(arguments)])


def escape_commas(value: str) -> str:
    """Return a value that stays one when it is split at commas."""
    return value.replace("\\", "\\\\").replace(",", "\\,")


async def _row(scope: Scope, data: str) -> Row:
    arguments = split_arguments(data, 5)
    criterion = _criterion(arguments)
    found = await realtime_of(scope).find(arguments[0], [criterion], limit=1)
    return found[0] if found else ()


def _criterion(arguments: Sequence[str]) -> Criterion:
    if len(arguments) < 2 or not arguments[0]:
        raise InvalidArgument("REALTIME", "expected a family and a field to match")
    return read_criterion(arguments[1], argument(list(arguments), 2))


def _joined(row: Row, data: str) -> str:
    arguments = split_arguments(data, 5)
    first, second = argument(arguments, 3, ","), argument(arguments, 4, "=")
    return "".join(f"{name}{second}{value}{first}" for name, value in row)
