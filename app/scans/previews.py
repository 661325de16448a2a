"""A preview as its job keeps it: plain JSON of bounded size (contract 4.2). Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.scans.values import text_of
from app.warehouse.contracts import ColumnKind, Preview

LONGEST_CELL = 2000
_LARGEST_EXACT = 2**53


def preview_result(preview: Preview) -> dict[str, object]:
    """Columns, rows and JSON paths in the wire's shape."""
    return {
        "columns": [
            {"name": column.name, "type_name": column.type_name, "is_nullable": column.is_nullable} for column in preview.columns
        ],
        "rows": [{name: cell(value) for name, value in row.items()} for row in preview.rows],
        "json_columns": [
            {
                "column": column.name,
                "paths": [
                    {
                        "full_path": sample.path.full_path,
                        "path": sample.path.path,
                        "sample_values": [value[:LONGEST_CELL].replace("\x00", "") for value in sample.sample_values],
                    }
                    for sample in preview.json_paths.get(column.name, ())
                ],
            }
            for column in preview.columns
            if column.kind is ColumnKind.JSON
        ],
    }


def cell(value: object) -> Any:
    """A value that JSON can hold; long texts are cut, and what JSON has no word for becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping | list | tuple):
        return _nested(value)
    if isinstance(value, Decimal | datetime | date | bytes):
        return text_of(value)[:LONGEST_CELL]
    return str(value)[:LONGEST_CELL].replace("\x00", "")


def _nested(value: Any) -> Any:
    plain = json.loads(json.dumps(value, default=str).replace("\\u0000", ""))
    text = json.dumps(plain, ensure_ascii=False)
    return plain if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "..."
