"""Routes of drift and regression reports, tagged metrics (contract sections 7 and 8.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.detection import service
from app.detection.drifts import DriftPoint
from app.detection.engine.distribution import Band
from app.detection.engine.releases import RegressionKind
from app.detection.regressions import Regression
from app.detection.shapes import SignalScope
from app.http import PROJECT, Caller, Db
from app.metrics.contracts import ScopeType
from app.plan.shapes.value_types import Moment

router = APIRouter(tags=["metrics"])


class DistributionDriftTopMover(BaseModel):
    """A value whose share moved."""

    value: str
    baseline_share: float
    current_share: float
    contribution: float


class DistributionDriftPoint(BaseModel):
    """The drift of one field in one bucket."""

    id: str
    scan_config_id: str
    event_type_id: str | None
    field_name: str
    bucket: datetime
    psi: float
    band: Band
    baseline_total: int
    current_total: int
    top_movers: list[DistributionDriftTopMover]


class DistributionDriftsResponse(BaseModel):
    """The drifts of a scope."""

    scope: ScopeType
    scan_config_id: str | None
    event_type_id: str | None
    fields: list[str]
    data: list[DistributionDriftPoint]


class ReleaseRegressionItem(BaseModel):
    """A scope that the newest release counts too little of."""

    scope_type: SignalScope
    scope_ref: str
    scope_name: str
    event_id: str | None
    event_type_id: str | None
    kind: RegressionKind
    version: str
    previous_version: str
    observed_count: int
    expected_count: float
    ratio: float
    share_prev: float
    share_new: float
    release_share: float
    window_from: datetime
    window_to: datetime


class ReleaseRegressionsResponse(BaseModel):
    """A scan's regressions."""

    scan_config_id: str
    app_version_column: str | None
    latest_version: str | None
    items: list[ReleaseRegressionItem]


@router.get(PROJECT + "/distribution-drifts", operation_id="get_distribution_drifts")
def get_distribution_drifts(
    slug: str,
    session: Db,
    actor: Caller,
    scope_type: str,
    scope_ref: str,
    scan_config_id: UUID | None = None,
    start: Annotated[Moment | None, Query(alias="from", description="Inclusive")] = None,
    stop: Annotated[Moment | None, Query(alias="to", description="Exclusive")] = None,
) -> DistributionDriftsResponse:
    """How the values of watched fields moved; by bucket, then by field."""
    scan_id = None if scan_config_id is None else str(scan_config_id)
    found = service.distribution_drifts(session, actor, slug, scope_type, scope_ref, scan_config_id=scan_id, start=start, stop=stop)
    return DistributionDriftsResponse(
        scope=found.scope,
        scan_config_id=found.scan_config_id,
        event_type_id=found.event_type_id,
        fields=found.fields,
        data=[_point(point) for point in found.points],
    )


@router.get(PROJECT + "/scans/{scan_config_id}/release-regressions", operation_id="get_release_regressions")
def get_release_regressions(
    slug: str, scan_config_id: UUID, session: Db, actor: Caller, scope_type: str | None = None
) -> ReleaseRegressionsResponse:
    """What the newest active release counts too little of; missing scopes first, then by ratio."""
    found = service.release_regressions(session, actor, slug, str(scan_config_id))
    return ReleaseRegressionsResponse(
        scan_config_id=found.scan_config_id,
        app_version_column=found.app_version_column,
        latest_version=found.latest_version,
        items=[_item(item) for item in found.items if scope_type is None or item.scope_type.value == scope_type],
    )


def _point(point: DriftPoint) -> DistributionDriftPoint:
    drift = point.drift
    return DistributionDriftPoint(
        id=point.id,
        scan_config_id=point.scan_config_id,
        event_type_id=point.event_type_id,
        field_name=point.field_name,
        bucket=point.bucket,
        psi=drift.psi,
        band=drift.band,
        baseline_total=drift.baseline_total,
        current_total=drift.current_total,
        top_movers=[DistributionDriftTopMover.model_validate(mover, from_attributes=True) for mover in drift.top_movers],
    )


def _item(item: Regression) -> ReleaseRegressionItem:
    return ReleaseRegressionItem(
        scope_type=SignalScope(item.scope_type.value),
        scope_ref=item.scope_ref,
        scope_name=item.scope_name,
        event_id=item.event_id,
        event_type_id=item.event_type_id,
        kind=item.deficit.kind,
        version=item.version,
        previous_version=item.previous_version,
        observed_count=item.deficit.observed,
        expected_count=item.deficit.expected,
        ratio=item.deficit.ratio,
        share_prev=item.deficit.share_prev,
        share_new=item.deficit.share_new,
        release_share=item.release_share,
        window_from=item.window_from,
        window_to=item.window_to,
    )
