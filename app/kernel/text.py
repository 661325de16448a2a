"""Text that both databases and every encoder can keep."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def storable(value: str) -> str:
    """The text itself; ValueError when it holds a NUL (PostgreSQL keeps none) or half of a surrogate pair (not encodable)."""
    if "\x00" in value:
        raise ValueError("The text must not hold a NUL character")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("The text must not hold half of a surrogate pair")
    return value


PlainText = Annotated[str, AfterValidator(storable)]
"""Text of a request body."""
