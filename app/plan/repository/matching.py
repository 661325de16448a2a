"""Conditions that several queries share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

_ESCAPE = "\\"
# Bound parameters of one statement are limited on both engines.
_MOST_PARAMETERS = 5000


def contains(column: Any, text: str) -> sa.ColumnElement[bool]:
    """Whether the column holds the text somewhere, whatever the case; nothing in the text is a wildcard."""
    lowered = text.lower()
    for special in (_ESCAPE, "%", "_"):
        lowered = lowered.replace(special, _ESCAPE + special)
    return sa.func.lower(column).like(f"%{lowered}%", escape=_ESCAPE)


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids in portions that fit one statement."""
    for start in range(0, len(ids), _MOST_PARAMETERS):
        yield ids[start : start + _MOST_PARAMETERS]
