"""Rows as clients send them: NDJSON, JSON or CSV becomes checked values or a refusal with its reason (contract B.2, B.3). Pure."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from app.kernel.errors import BadRequest, PayloadTooLarge
from app.logs.columns import MOST_COLUMNS, Column, is_name

MOST_ROWS: Final = 200_000
LONGEST_TEXT: Final = 64 * 1024
_SMALLEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, tzinfo=UTC)
_DATE_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}):(\d{2})(?:[.,]\d{1,9})?\s?(Z|z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)

Value = str | float | int | datetime
Values = dict[str, Value]
Read = tuple[bytes, object | None]


class Misfit(Exception):
    """A row or value that does not fit its column; `reason` is for the owner of the data source."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Sorted:
    """The rows of one request: those that fit, and the raw text of the others with the reason."""

    rows: list[Values] = field(default_factory=list)
    refused: list[tuple[bytes, str]] = field(default_factory=list)


def sort_rows(columns: tuple[Column, ...], read: Iterable[Read]) -> Sorted:
    """Hold each row against the columns."""
    result = Sorted()
    for raw, item in read:
        try:
            result.rows.append(fitted(columns, item))
        except Misfit as misfit:
            result.refused.append((raw, misfit.reason))
    return result


def read_rows(body: bytes) -> list[Read]:
    """The objects of a body: one JSON document, an array of objects, or NDJSON. A line that is not JSON has None for its object.

    Errors: BadRequest for a body without rows, PayloadTooLarge for more than MOST_ROWS.
    """
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise BadRequest("the body holds no rows")
    whole = _parsed(body)
    if isinstance(whole, dict):
        return [(body, whole)]
    if isinstance(whole, list):
        if len(whole) > MOST_ROWS:
            raise _too_many()
        return [(_encoded(item), item) for item in whole]
    if body.count(b"\n") >= MOST_ROWS:
        raise _too_many()
    lines = (line.strip() for line in body.split(b"\n"))
    return [(line, _parsed(line)) for line in lines if line]


def read_csv(body: bytes, columns: tuple[Column, ...]) -> list[Read]:
    """Rows of CSV; a first line of column names is taken as such. Numbers are read from their text. Errors: BadRequest."""
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode()
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
    except (UnicodeDecodeError, csv.Error):
        raise BadRequest("the body is not CSV in UTF-8") from None
    if not lines:
        raise BadRequest("the body holds no rows")
    if len(lines) > MOST_ROWS:
        raise _too_many()
    names = [column.name for column in columns]
    if not names or set(lines[0]) & set(names):
        names, lines = lines[0], lines[1:]
    types = {column.name: column.type for column in columns}
    return [(",".join(line).encode(), dict(_csv_values(zip(names, line, strict=False), types))) for line in lines]


def _csv_values(pairs: Iterable[tuple[str, str]], types: dict[str, str]) -> Iterator[tuple[str, object]]:
    for name, text in pairs:
        # Without columns yet, what reads as a number is one.
        is_text = types.get(name, "" if not types else "String") in ("String", "DateTime")
        yield name, text if is_text else _number_or_text(text)


def _number_or_text(text: str) -> object:
    for reader in (int, float):
        try:
            return reader(text)
        except ValueError:
            continue
    return text


def inferred_columns(read: list[Read]) -> tuple[Column, ...]:
    """Columns for a data source that is still to be made: DateTime, Float64, else String. BadRequest when none can be told."""
    seen: dict[str, set[str]] = {}
    for _, item in read[:1000]:
        if isinstance(item, dict):
            for name, value in item.items():
                if is_name(name):
                    seen.setdefault(name, set()).add(_type_of(value))
    columns = tuple(Column(name, kinds.pop() if len(kinds) == 1 else "String") for name, kinds in seen.items())
    if not columns or len(columns) > MOST_COLUMNS:
        raise BadRequest("no columns can be told from these rows")
    return columns


def fitted(columns: tuple[Column, ...], item: object) -> Values:
    """The row's values by column; keys without a column are dropped. Misfit with the first reason."""
    if not isinstance(item, dict):
        raise Misfit("not a JSON object" if item is not None else "not valid JSON")
    values: Values = {}
    for column in columns:
        if item.get(column.name) is None:
            raise Misfit(f"{column.name}: missing")
        try:
            values[column.name] = _value(column.type, item[column.name])
        except Misfit as misfit:
            raise Misfit(f"{column.name}: {misfit.reason}") from None
    return values


def instant(text: str) -> datetime | None:
    """A DateTime as clients write it, in whole seconds of UTC; None when it is none."""
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        moment = datetime.fromisoformat(
            f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:{second or '00'}{'Z' if zone in (None, 'z') else zone}"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _SMALLEST <= moment < _LATEST else None


def _value(kind: str, value: object) -> Value:
    match kind:
        case "String":
            return _text(value)
        case "DateTime":
            moment = instant(value) if isinstance(value, str) else None
            if moment is None:
                raise Misfit("not a DateTime (YYYY-MM-DD HH:MM:SS)")
            return moment
        case "UInt8":
            if value in (0, 1) and isinstance(value, int | float):
                return int(value)
            raise Misfit("neither 0 nor 1")
        case _:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Misfit("not a number")
            try:
                number = float(value)
            except OverflowError:
                raise Misfit("not a number this column can hold") from None
            if not math.isfinite(number):
                raise Misfit("not a number this column can hold")
            return number


def _text(value: object) -> str:
    match value:
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case int() | float():
            text = str(value)
        case _:  # an object in a text column, as metadata often is, is kept as the JSON it was
            text = _encoded(value).decode(errors="replace")
    if len(text) > LONGEST_TEXT:
        raise Misfit(f"longer than {LONGEST_TEXT} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Misfit("holds half of a surrogate pair") from None
    return text


def _type_of(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "Float64"
    return "DateTime" if isinstance(value, str) and instant(value) is not None else "String"


def _parsed(text: bytes) -> object | None:
    try:
        decoded: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return decoded


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError, ValueError):
        raise Misfit("not a value that JSON can hold") from None


def _too_many() -> PayloadTooLarge:
    return PayloadTooLarge(f"more than {MOST_ROWS} rows in one request")
