"""Which properties the events of the product's own store carry. Names, figures and a sample travel, no rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.eventstore.contracts import EventStore

# Names can be data (an id for a key); more than these say nothing about what an event looks like.
MOST_PROPERTIES = 5_000
LONGEST_SAMPLE = 255


@dataclass(frozen=True, slots=True)
class ObservedProperty:
    """A property with a value in some event of the type: its JSON type (of any one value), whether all are objects, a sample."""

    event_type: str
    name: str
    type_name: str
    is_object: bool
    sample: str


def observe_properties(
    store: EventStore,
    tenant_id: str,
    project_id: str,
    kind: str,
    event_types: Iterable[str],
    start: datetime,
    stop: datetime,
) -> list[ObservedProperty]:
    """The properties of events of these types in [start, stop), most frequent first; null is no value. Errors: Unavailable."""
    sql = (
        "SELECT source, pair.1 AS name, any(toString(JSONType(pair.2))), min(JSONType(pair.2) = 'Object'), "
        "substringUTF8(anyIf(if(JSONType(pair.2) = 'String', JSONExtractString(pair.2), pair.2), pair.2 != '\"\"'), "
        f"1, {LONGEST_SAMPLE}) "
        "FROM (SELECT source, arrayJoin(JSONExtractKeysAndValuesRaw(properties)) AS pair FROM {database}.events "
        "WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = {{kind:String}} "
        "AND source IN {{sources:Array(String)}} "
        "AND time >= {{start:DateTime64(3)}} AND time < {{stop:DateTime64(3)}}) "
        f"WHERE pair.2 != 'null' GROUP BY source, name ORDER BY count() DESC, source, name LIMIT {MOST_PROPERTIES}"
    )
    given = {"kind": kind, "sources": sorted(set(event_types)), "start": start, "stop": stop}
    rows = store.select(sql, tenant_id, project_id, given)
    return [ObservedProperty(str(row[0]), str(row[1]), str(row[2]), bool(row[3]), str(row[4])) for row in rows]
