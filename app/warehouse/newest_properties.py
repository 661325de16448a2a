"""What the newest events of one type carry, for a page that somebody waits for: bounded in events, names and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.eventstore.contracts import EventStore

MOST_EVENTS = 50_000
MOST_NAMES = 2_000
LONGEST_SAMPLE = 255
LONGEST_SECONDS = 15


@dataclass(frozen=True, slots=True)
class CarriedProperty:
    """A property, how many of the events carry it with a value, the JSON types of its values in their order, and a sample."""

    name: str
    count: int
    json_types: tuple[str, ...]
    sample: str


@dataclass(frozen=True, slots=True)
class NewestProperties:
    """The events that were looked at (`is_all`: the window has no others), and what they carry, most frequent first."""

    event_count: int
    is_all: bool
    properties: tuple[CarriedProperty, ...]


def observe_newest(
    store: EventStore, tenant_id: str, project_id: str, kind: str, event_type: str, start: datetime, stop: datetime
) -> NewestProperties:
    """The properties of the newest events of the type in [start, stop), ends on whole minutes; null is no value.

    Errors: Unavailable.
    """
    given = {"kind": kind, "source": event_type, "start": start, "stop": stop}
    since, counted = _reach(store.select(_MINUTES, tenant_id, project_id, given), start)
    if not counted:
        return NewestProperties(0, True, ())
    rows = store.select(_PROPERTIES, tenant_id, project_id, {**given, "start": since})
    found = tuple(CarriedProperty(str(row[0]), int(row[1]), tuple(map(str, row[2])), str(row[3])) for row in rows)
    return NewestProperties(min(counted, MOST_EVENTS), counted <= MOST_EVENTS and since == start, found)


def _reach(minutes: Iterable[Sequence[Any]], start: datetime) -> tuple[datetime, int]:
    """The minute, newest first, up to which enough events are found, and how many they are; the start for all there are."""
    counted = 0
    for minute, count in minutes:
        counted += int(count)
        if counted >= MOST_EVENTS:
            return datetime.fromtimestamp(int(minute), UTC), counted
    return start, counted


_LIMITED = (
    "tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = {{kind:String}} AND source = {{source:String}}"
)

# The roll-up tells without a look at any event how far back one has to read.
_MINUTES = (
    "SELECT toInt64(toUnixTimestamp64Second(minute)) AS at, sum(n) FROM {database}.events_1m "
    f"WHERE {_LIMITED} AND minute >= {{{{start:DateTime64(3)}}}} AND minute < {{{{stop:DateTime64(3)}}}} "
    "GROUP BY at ORDER BY at DESC"
)

_PROPERTIES = (
    "SELECT pair.1 AS name, count() AS n, arraySort(groupUniqArray(toString(JSONType(pair.2)))), "
    "substringUTF8(anyIf(if(JSONType(pair.2) = 'String', JSONExtractString(pair.2), pair.2), pair.2 != '\"\"'), "
    f"1, {LONGEST_SAMPLE}) "
    "FROM (SELECT arrayJoin(JSONExtractKeysAndValuesRaw(properties)) AS pair FROM "
    f"(SELECT properties FROM {{database}}.events WHERE {_LIMITED} "
    "AND time >= {{start:DateTime64(3)}} AND time < {{stop:DateTime64(3)}} "
    f"LIMIT {MOST_EVENTS})) "
    f"WHERE pair.2 != 'null' GROUP BY name ORDER BY n DESC, name LIMIT {MOST_NAMES} "
    f"SETTINGS max_execution_time = {LONGEST_SECONDS}"
)
