"""Bodies of the routes on reconciliation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.plan.contracts import EventStatus
from app.plan.shapes.value_types import Id, Response
from app.reconciliation.contracts import ShadowStatus


class ShadowEventCandidateResponse(Response):
    """An identity that data has and the plan does not."""

    id: str
    scan_config_id: str
    scan_config_name: str
    event_type_id: str | None
    event_type_name: str | None
    event_name: str
    observed_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    status: ShadowStatus
    accepted_event_id: str | None


class ShadowEventListResponse(Response):
    """Candidates; `total` follows the filter, `new_count` does not."""

    items: list[ShadowEventCandidateResponse]
    total: int
    new_count: int


class ShadowEventAcceptRequest(BaseModel):
    """Both may be left out: the data named them."""

    event_type_id: Id | None = None
    name: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class ShadowEventAcceptResponse(Response):
    """The event that the candidate became."""

    candidate_id: str
    event_id: str
    status: ShadowStatus


class ShadowEventDismissResponse(Response):
    """The candidate's status."""

    candidate_id: str
    status: ShadowStatus


class ShadowEventReopenResponse(ShadowEventDismissResponse):
    """The candidate's status, which is new again."""


class DeadEventItem(Response):
    """A planned event that data is silent about."""

    event_id: str
    name: str
    event_type_id: str
    event_type_name: str
    last_seen_at: datetime | None
    created_at: datetime


class DeadEventListResponse(Response):
    """Silent events."""

    items: list[DeadEventItem]
    total: int
    days: int


class DeadEventArchiveRequest(BaseModel):
    """Events and the status they are to have."""

    event_ids: Annotated[list[Id], Field(min_length=1)]
    status: EventStatus = EventStatus.ARCHIVED


class DeadEventRestoreRequest(BaseModel):
    """Archived events and the status they get back."""

    event_ids: Annotated[list[Id], Field(min_length=1)]
    status: Literal[EventStatus.IMPLEMENTED, EventStatus.LIVE] = EventStatus.LIVE


class DeadEventRestoreResponse(Response):
    """The events that have the status now."""

    event_ids: list[str]
    status: EventStatus
    restored_count: int


class DeadEventArchiveResponse(Response):
    """The events that have the status now."""

    event_ids: list[str]
    status: EventStatus
    archived_count: int


class CoverageBucket(Response):
    """Rows of a bucket, and those of planned events."""

    bucket: datetime
    total_count: int
    matched_count: int


class CoverageSummary(Response):
    """Sums over the buckets; the share is computed from them."""

    total_count: int
    matched_count: int
    coverage_pct: float


class CoverageResponse(Response):
    """Coverage of the last days."""

    items: list[CoverageBucket]
    summary: CoverageSummary
    days: int
