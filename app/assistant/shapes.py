"""Bodies and answers of the search and assistant routes, as the contract names them."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.assistant.contracts import EntityType
from app.plan.vocabulary import ValueKind


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class SearchEventVariableValue(_Answer):
    """Values of a variable in one field of an event."""

    id: UUID
    variable_id: UUID
    variable_name: str
    field_definition_id: UUID
    field_name: str
    field_display_name: str
    source_column: str
    value_kind: ValueKind
    observed_count: int
    values: list[str] = []


class SearchResult(_Answer):
    """One entity that was found."""

    id: UUID
    entity_type: EntityType
    entity_id: UUID
    parent_event_id: UUID | None
    event_id: UUID | None
    name: str | None
    implemented: bool | None
    variable_values: list[SearchEventVariableValue] = []
    title: str
    subtitle: str = ""
    description: str = ""
    snippet: str = ""
    route_path: str
    score: float
    confidence: float = Field(0, ge=0, le=1)
    highlights: list[str] = []
    semantic_used: bool = False


class SearchResponse(_Answer):
    """The best hits and how many there are."""

    items: list[SearchResult]
    total: int
    semantic_used: bool = False


class SearchReindexResponse(_Answer):
    """What a rebuilding did."""

    documents_indexed: int = Field(ge=0)
    embeddings_scheduled: bool = False


class AiStatusResponse(_Answer):
    """Whether a model can be asked."""

    enabled: bool


class AiDescribeEventRequest(BaseModel):
    """The event to describe."""

    event_id: UUID


class AiDescribeEventTypeRequest(BaseModel):
    """The event type to describe."""

    event_type_id: UUID


class AiFieldSuggestion(_Answer):
    """A description for a field."""

    field_name: str
    description: str


class AiDescribeResponse(_Answer):
    """Suggestions; nothing is written."""

    description: str
    field_suggestions: list[AiFieldSuggestion]


class AiAskRequest(BaseModel):
    """A question about the plan."""

    question: str = Field(min_length=3, max_length=500)


class AiAskSource(_Answer):
    """A part of the plan the answer may rest on."""

    title: str
    entity_type: str
    route_path: str


class AiAskResponse(_Answer):
    """The answer with its sources."""

    answer: str
    sources: list[AiAskSource]
    semantic_used: bool
