"""The route that explains a signal."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.detection.contracts import Direction
from app.detection.why import service
from app.detection.why.contracts import Cause
from app.detection.why.links import link_of
from app.http import PROJECT, Caller, Db
from app.kernel.clock import as_utc
from app.metrics.contracts import ScopeType, SeriesKey

router = APIRouter(tags=["detection"])


class ExplanationResponse(BaseModel):
    """One explanation; `figures` are the numbers behind the sentence, `link` leads to the thing in the user interface."""

    rank: int
    cause: Cause
    title: str
    sentence: str
    strength: float
    link: str
    figures: dict[str, float | str]


class SignalWhyResponse(BaseModel):
    """What accounts for a signal, strongest first. `is_unknown` with a reason when nothing does."""

    scan_config_id: str
    scope_type: ScopeType
    scope_ref: str
    scope_name: str
    bucket: datetime
    last_bucket: datetime
    direction: Direction
    actual_count: int
    expected_count: float
    is_unknown: bool
    reason: str
    explanations: list[ExplanationResponse]


@router.get(PROJECT + "/anomalies/signals/why", operation_id="explain_signal")
def explain_signal(
    slug: str,
    session: Db,
    actor: Caller,
    scan_config_id: UUID,
    scope_type: ScopeType,
    scope_ref: UUID,
    bucket: Annotated[datetime | None, Query(description="A bucket of the anomaly; the newest anomaly without it")] = None,
) -> SignalWhyResponse:
    """Why the series departed from what was expected: values, releases, plan changes, notes, drifts, the source, error lines."""
    key = SeriesKey(str(scan_config_id), scope_type, str(scope_ref))
    found = service.explain(session, actor, slug, key, None if bucket is None else as_utc(bucket))
    subject = found.subject
    return SignalWhyResponse(
        scan_config_id=key.scan_config_id,
        scope_type=key.scope_type,
        scope_ref=key.ref,
        scope_name=found.scope_name,
        bucket=subject.bucket,
        last_bucket=subject.last_bucket,
        direction=subject.direction,
        actual_count=round(subject.actual),
        expected_count=subject.expected,
        is_unknown=found.ranking.is_unknown,
        reason=found.ranking.reason,
        explanations=[
            ExplanationResponse(
                rank=place,
                cause=one.cause,
                title=one.title,
                sentence=one.sentence,
                strength=round(one.strength, 3),
                link=link_of(slug, subject, one),
                figures=dict(one.figures),
            )
            for place, one in enumerate(found.ranking.explanations, 1)
        ],
    )
