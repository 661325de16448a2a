"""Moments of a search: of the viewer's clock on the page, in its address instants that are the same for whoever opens it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

MOMENT: Final = "%Y-%m-%dT%H:%M"
_INSTANT: Final = f"{MOMENT}Z"
_NAMES: Final = ("from", "from_", "to")


def to_instants(words: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """The words of a search as its address holds them."""
    return {name: _moved(text, MOMENT, zone, _INSTANT, UTC) if name in _NAMES else text for name, text in words.items()}


def to_local(words: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """The words of an address as the page shows them; a moment without a zone is one of the viewer's already."""
    return {name: _moved(text, _INSTANT, UTC, MOMENT, zone) if name in _NAMES else text for name, text in words.items()}


def _moved(text: str, form: str, zone: tzinfo, other_form: str, other: tzinfo) -> str:
    """The moment in the other zone's form; what is no moment of the first stays as it is."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=zone).astimezone(other).strftime(other_form)
    except (ValueError, OverflowError):
        return text


def checked_moment(text: str) -> str:
    """The moment as an address may hold it; empty for what is none."""
    return text[:16] if moment_of(text[:16], ZoneInfo("UTC")) is not None else ""


def moment_of(text: str, zone: ZoneInfo) -> datetime | None:
    """A time of the zone as an instant; None for what is none."""
    try:
        return datetime.strptime(text, MOMENT).replace(tzinfo=zone).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
