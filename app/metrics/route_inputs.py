"""What several routes of metrics read from their addresses."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.detection.shapes import SignalScope
from app.http import PROJECT
from app.kernel.errors import InvalidInput
from app.metrics.contracts import ScopeType
from app.plan.shapes.value_types import Moment

SCAN = PROJECT + "/scans/{scan_config_id}"
From = Annotated[Moment | None, Query(alias="from", description="Inclusive")]
To = Annotated[Moment | None, Query(alias="to", description="Exclusive")]
SERIES_SCOPES = frozenset(ScopeType)


def scope_of(scope_type: SignalScope, scope_ref: str | None) -> tuple[ScopeType, str]:
    """A scope that has a series, and its ref; InvalidInput for another, or when an event or event type is no id."""
    if scope_type.value not in SERIES_SCOPES:
        raise InvalidInput("has no series", field="scope_type")
    scope = ScopeType(scope_type.value)
    if scope is ScopeType.PROJECT_TOTAL:
        return scope, scope_ref or ""
    try:
        return scope, str(UUID(scope_ref or ""))
    except ValueError:
        raise InvalidInput("must be the id of the event or event type", field="scope_ref") from None


def text_of(value: UUID | None) -> str | None:
    """The id as we keep it."""
    return None if value is None else str(value)


def clean(value: str | None) -> str | None:
    """The text without what no database takes; None when nothing is left."""
    return (value or "").replace("\x00", "").strip() or None
