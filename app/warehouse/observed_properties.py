"""Which properties the events of the product's own store carry. Names, figures and a sample travel, no rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.eventstore.contracts import EventStore

# Names can be data (an id for a key); more than these say nothing about what an event looks like.
MOST_PROPERTIES = 5_000
LONGEST_SAMPLE = 255
# Numbers are of several types.
_WORDS = {"String": "string", "Bool": "boolean", "Object": "object", "Array": "array"}


@dataclass(frozen=True, slots=True)
class ObservedProperty:
    """A property with a value in some event of the type: the JSON types of its values in their order, and a sample."""

    event_type: str
    name: str
    json_types: tuple[str, ...]
    sample: str

    @property
    def is_object(self) -> bool:
        """Whether all values are objects."""
        return self.json_types == ("Object",)

    @property
    def is_structured(self) -> bool:
        """Whether all values are objects or arrays."""
        return set(self.json_types) <= {"Object", "Array"}

    @property
    def type_name(self) -> str:
        """The types in JSON's own words, which no warehouse's type shares: `JSON number`, `JSON number or string`."""
        return f"JSON {' or '.join(dict.fromkeys(_WORDS.get(one, 'number') for one in self.json_types))}"


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
        "SELECT source, pair.1 AS name, arraySort(groupUniqArray(toString(JSONType(pair.2)))), "
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
    return [ObservedProperty(str(row[0]), str(row[1]), tuple(map(str, row[2])), str(row[3])) for row in rows]
