"""Instants as whole milliseconds since 1970 in UTC, the precision of the event store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds_of(moment: datetime) -> int:
    """The last whole millisecond not after the instant, which has a zone."""
    return (moment - EPOCH) // MILLISECOND


def stored_time(milliseconds: int) -> str:
    """The instant as text, `YYYY-MM-DDTHH:MM:SS.mmmZ`. OverflowError beyond the years 1 to 9999."""
    return (EPOCH + milliseconds * MILLISECOND).isoformat(timespec="milliseconds")[:-6] + "Z"
