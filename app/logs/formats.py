"""Answers in the formats clients ask for: JSON with its columns, CSV, NDJSON, TSV (contract B.4, B.5). Pure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from app.logs.columns import Column

_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv; charset=utf-8"
_TSV: Final = "text/tab-separated-values; charset=utf-8"
_TSV_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their columns. `total` is how many there are without the limit, at least; `elapsed` is in seconds."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    total: int
    elapsed: float


def write_table(table: Table, output_format: str) -> tuple[bytes, str] | None:
    """The answer's body and its content type; None for a format that is not known."""
    writer = _WRITERS.get(output_format.lower())
    return writer(table) if writer is not None else None


def json_value(value: object) -> Any:  # noqa: PLR0911 - one line per type
    """A value as JSON has it: times as `YYYY-MM-DD HH:MM:SS`, numbers as numbers, what is no number as null."""
    match value:
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.isoformat()
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return float(value)
        case bytes():
            return value.decode(errors="replace")
        case str():
            return value.encode(errors="replace").decode()
        case None | bool() | int():
            return value
        case UUID():
            return str(value)
        case dict():
            return {str(key): json_value(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [json_value(item) for item in value]
        case _:
            return str(value)


def _json(table: Table) -> tuple[bytes, str]:
    data = list(_objects(table))
    content = {
        "meta": [{"name": column.name, "type": column.type} for column in table.columns],
        "data": data,
        "rows": len(data),
        "rows_before_limit_at_least": table.total,
        "statistics": {"elapsed": round(table.elapsed, 6), "rows_read": table.total, "bytes_read": 0},
    }
    content["statistics"] = {**content["statistics"], "bytes_read": len(msgspec.json.encode(data))}  # type: ignore[dict-item]
    return msgspec.json.encode(content), "application/json"


def _ndjson(table: Table) -> tuple[bytes, str]:
    return msgspec.json.Encoder().encode_lines(list(_objects(table))), _NDJSON


def _objects(table: Table) -> Iterable[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return ({name: json_value(value) for name, value in zip(names, row, strict=True)} for row in table.rows)


def _csv(table: Table, *, is_headed: bool) -> tuple[bytes, str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    if is_headed:
        writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode(), _CSV


def _tsv(table: Table, *, is_headed: bool) -> tuple[bytes, str]:
    lines = [[column.name for column in table.columns]] if is_headed else []
    lines += [[str(_cell(value)).translate(_TSV_ESCAPES) if value is not None else "\\N" for value in row] for row in table.rows]
    return "".join("\t".join(line) + "\n" for line in lines).encode(), _TSV


def _cell(value: object) -> str | int | float:
    known = json_value(value)
    if known is None:
        return ""
    if isinstance(known, bool):
        return int(known)
    return known if isinstance(known, str | int | float) else msgspec.json.encode(known).decode()


_WRITERS: Final[dict[str, Callable[[Table], tuple[bytes, str]]]] = {
    "json": _json,
    "ndjson": _ndjson,
    "jsoneachrow": _ndjson,
    "csv": lambda table: _csv(table, is_headed=False),
    "csvwithnames": lambda table: _csv(table, is_headed=True),
    "tsv": lambda table: _tsv(table, is_headed=False),
    "tabseparated": lambda table: _tsv(table, is_headed=False),
    "tsvwithnames": lambda table: _tsv(table, is_headed=True),
    "tabseparatedwithnames": lambda table: _tsv(table, is_headed=True),
}
PIPE_FORMATS: Final = {"json": "json", "csv": "csvwithnames", "ndjson": "ndjson"}
