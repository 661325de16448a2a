"""Bodies of the routes on drifts, as the contract has them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from app.kernel.text import PlainText
from app.plan.contracts import DriftType
from app.plan.shapes.value_types import Moment, Response
from app.plan.vocabulary import DriftAction, DriftStatus


class SchemaDriftActionRequest(BaseModel):
    """What to decide about a drift; a snooze needs its end."""

    action: DriftAction
    note: PlainText | None = Field(None, max_length=2000)
    snoozed_until: Moment | None = None


class SchemaDriftResponse(Response):
    """A departure of the data from the plan."""

    id: str
    event_type_id: str
    scan_config_id: str | None
    field_name: str
    drift_type: DriftType
    observed_type: str | None
    declared_type: str | None
    sample_value: str | None
    status: DriftStatus
    resolution_note: str | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    detected_at: datetime


class SchemaDriftListResponse(BaseModel):
    """The drifts of one event type."""

    items: list[SchemaDriftResponse]
    total: int
