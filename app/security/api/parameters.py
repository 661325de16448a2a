"""Query parameters as clients send them: bounds are kept to, words that mean nothing are refused."""

from __future__ import annotations

from datetime import datetime

from app.kernel.clock import as_utc
from app.kernel.errors import BadRequest

_MOST_OFFSET = 1_000_000_000


def bounded(name: str, text: str | None, *, default: int, least: int, most: int) -> int:
    """The number, moved into its bounds. BadRequest when it is none."""
    if text is None or not text.strip():
        return default
    try:
        return max(least, min(int(text), most))
    except ValueError:
        raise BadRequest(f"'{name}' must be a whole number") from None


def offset_of(text: str | None) -> int:
    """How many rows to skip. BadRequest."""
    return bounded("offset", text, default=0, least=0, most=_MOST_OFFSET)


def moment(name: str, text: str | None) -> datetime | None:
    """An instant in ISO 8601; UTC when it names no zone. BadRequest."""
    if text is None or not text.strip():
        return None
    try:
        # A plus sign that was not escaped arrives as a blank.
        found = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        return as_utc(found)
    except (ValueError, OverflowError):
        raise BadRequest(f"'{name}' must be a time in ISO 8601") from None
