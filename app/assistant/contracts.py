"""Search results as other areas see them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class EntityType(StrEnum):
    """What search may be limited to. A plan holds no metrics and no fact tables of its own; nothing is found under them."""

    EVENT = "event"
    EVENT_TYPE = "event_type"
    FIELD = "field"
    META_FIELD = "meta_field"
    VARIABLE = "variable"
    RELATION = "relation"
    TAG = "tag"
    METRIC = "metric"
    FACT_TABLE = "fact_table"


KIND_WORDS: Final = {
    EntityType.EVENT: "Event",
    EntityType.EVENT_TYPE: "Event type",
    EntityType.FIELD: "Field",
    EntityType.META_FIELD: "Meta field",
    EntityType.VARIABLE: "Variable",
    EntityType.RELATION: "Relation",
    EntityType.TAG: "Tag",
}
"""What pages call them."""


@dataclass(frozen=True, slots=True)
class ObservedValues:
    """Values of a variable in one field of an event."""

    id: str
    variable_id: str
    variable_name: str
    field_definition_id: str
    field_name: str
    field_display_name: str
    source_column: str
    value_kind: str
    observed_count: int
    values: list[str]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One entity that was found. `event_id`, `name`, `implemented` and `variable_values` are those of an event."""

    id: str
    entity_type: str
    entity_id: str
    parent_event_id: str | None
    event_id: str | None
    name: str | None
    implemented: bool | None
    variable_values: list[ObservedValues]
    title: str
    subtitle: str
    description: str
    snippet: str
    route_path: str
    score: float
    confidence: float
    highlights: list[str]
    semantic_used: bool = False


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The best hits and how many there are in all."""

    items: list[SearchHit]
    total: int
    semantic_used: bool = False


@dataclass(frozen=True, slots=True)
class IndexState:
    """What search holds of a branch. `meanings` of its `texts` can be compared; None where meanings are not compared at all."""

    documents: int
    texts: int
    meanings: int | None


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a rebuilding of the index did."""

    documents_indexed: int
    embeddings_scheduled: bool = False
