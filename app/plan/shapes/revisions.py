"""Bodies of the routes tagged plan-revisions, field by field as the contract has them.

A snapshot carries more than the contract lists, such as the values of events; those keys pass through.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.text import PlainText
from app.plan.branching.views import RevisionDetail
from app.plan.shapes.branches import PlanDiffEntry, PlanDiffSummary
from app.plan.shapes.value_types import Response


class PlanRevisionCreate(BaseModel):
    """A revision to make."""

    summary: PlainText = Field("", max_length=2000)


class PlanRevisionEntityCounts(Response):
    """How much the plan held."""

    event_types: int
    fields: int
    events: int
    variables: int
    meta_fields: int
    relations: int


class PlanRevisionSummary(Response):
    """A revision without its payload."""

    id: str
    project_id: str
    summary: str
    created_at: datetime
    created_by: str | None
    entity_counts: PlanRevisionEntityCounts


class PlanRevisionList(Response):
    """One page of revisions."""

    items: list[PlanRevisionSummary]
    total: int


class _Snapshot(BaseModel):
    model_config = ConfigDict(extra="allow")


class SnapshotField(_Snapshot):
    """A field as it was."""

    id: str
    name: str
    display_name: str
    field_type: str
    is_required: bool
    enum_options: list[object] | None
    description: str
    order: int
    sensitivity: str
    contract_required_max_null_rate: float | None
    contract_regex: str | None
    contract_min_value: float | None
    contract_max_value: float | None
    contract_max_bad_rate: float


class SnapshotEventType(_Snapshot):
    """An event type as it was, with its fields."""

    id: str
    name: str
    display_name: str
    description: str
    color: str
    order: int
    field_definitions: list[SnapshotField]


class SnapshotEvent(_Snapshot):
    """An event as it was."""

    id: str
    event_type_id: str
    event_type_name: str
    name: str
    description: str
    order: int
    status: str
    sunset_at: str | None


class SnapshotVariable(_Snapshot):
    """A variable as it was."""

    id: str
    name: str
    source_name: str | None
    variable_type: str
    description: str


class SnapshotMetaField(_Snapshot):
    """A meta field as it was."""

    id: str
    name: str
    display_name: str
    field_type: str
    is_required: bool
    enum_options: list[object] | None
    default_value: str | None
    link_template: str | None
    order: int
    sensitivity: str


class SnapshotRelation(_Snapshot):
    """A relation as it was."""

    id: str
    source_event_type_id: str
    source_event_type_name: str
    target_event_type_id: str
    target_event_type_name: str
    source_field_name: str
    target_field_name: str
    relation_type: str
    description: str


class PlanSnapshot(_Snapshot):
    """The whole plan as it was."""

    event_types: list[SnapshotEventType]
    events: list[SnapshotEvent]
    variables: list[SnapshotVariable]
    meta_fields: list[SnapshotMetaField]
    relations: list[SnapshotRelation]


class PlanRevisionDetail(PlanRevisionSummary):
    """A revision with its payload."""

    payload: PlanSnapshot


class PlanDiff(Response):
    """What changed from one revision, the old side, to another."""

    revision_id: str
    compare_to: str
    entries: list[PlanDiffEntry]
    summary: PlanDiffSummary


def revision_detail(found: RevisionDetail) -> PlanRevisionDetail:
    """The wire form of a revision."""
    return PlanRevisionDetail(
        **PlanRevisionSummary.model_validate(found.summary).model_dump(),
        payload=PlanSnapshot.model_validate(found.payload),
    )
