"""Routes on the values of a column: breakdowns and app versions (contract 5.4, 5.5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.detection.shapes import SignalScope
from app.http import PROJECT, Caller, Db
from app.metrics import breakdowns, version_charts
from app.metrics import shapes as wire
from app.metrics.contracts import ScopeType
from app.metrics.point_json import answer, plain_points, point_lists
from app.metrics.route_inputs import SCAN, From, To, scope_of

router = APIRouter(tags=["metrics"])


@router.get(
    PROJECT + "/events/{event_id}/metrics/breakdowns",
    operation_id="get_event_metric_breakdowns",
    response_model=wire.EventMetricBreakdownsResponse,
)
def get_event_metric_breakdowns(
    slug: str, event_id: UUID, session: Db, actor: Caller, column: str | None = None, start: From = None, stop: To = None
) -> Response:
    """An event by the values of one column, the first one when none is named."""
    chart = breakdowns.event_breakdowns(session, actor, slug, str(event_id), column or None, start, stop)
    return answer(
        wire.EventMetricBreakdownsResponse,
        event_id=str(event_id),
        scan_config_id=chart.config_id,
        interval=chart.interval,
        columns=chart.columns,
        selected_column=chart.selected_column,
        series=[
            {"breakdown_value": one.value, "is_other": one.is_other, "total_count": one.total_count, "data": data}
            for one, data in zip(chart.series, point_lists(one.points for one in chart.series), strict=True)
        ],
    )


@router.get(SCAN + "/breakdown-timeline", operation_id="get_breakdown_timeline", response_model=wire.BreakdownTimelineResponse)
def get_breakdown_timeline(
    slug: str,
    scan_config_id: UUID,
    session: Db,
    actor: Caller,
    scope_type: SignalScope,
    scope_ref: str,
    breakdown_column: str,
    breakdown_value: str,
    is_other: bool = False,
    start: From = None,
    stop: To = None,
) -> Response:
    """The counts of one value of one column."""
    scope, ref = scope_of(scope_type, scope_ref)
    chart = breakdowns.breakdown_timeline(
        session, actor, slug, str(scan_config_id), scope, ref, breakdown_column.replace("\x00", ""),
        breakdown_value.replace("\x00", ""), is_other=is_other, start=start, stop=stop,
    )  # fmt: skip
    return answer(
        wire.BreakdownTimelineResponse,
        scan_config_id=str(scan_config_id),
        scope_type=scope_type,
        scope_ref=scope_ref,
        breakdown_column=breakdown_column,
        breakdown_value=breakdown_value,
        is_other=is_other,
        interval=chart.interval,
        data=plain_points(chart.points),
    )


@router.get(SCAN + "/app-versions", operation_id="get_app_version_series", response_model=wire.AppVersionSeriesResponse)
def get_app_version_series(
    slug: str,
    scan_config_id: UUID,
    session: Db,
    actor: Caller,
    scope_type: SignalScope = SignalScope.PROJECT_TOTAL,
    scope_ref: str | None = None,
    start: From = None,
    stop: To = None,
) -> Response:
    """Counts of a scope per app version."""
    scope, ref = scope_of(scope_type, scope_ref)
    chart = version_charts.app_versions(session, actor, slug, str(scan_config_id), scope, ref or None, start, stop)
    return answer(wire.AppVersionSeriesResponse, **_versions(chart, scope, ref))


@router.get(SCAN + "/version-adoption", operation_id="get_app_version_adoption", response_model=wire.AppVersionAdoptionResponse)
def get_app_version_adoption(
    slug: str, scan_config_id: UUID, session: Db, actor: Caller, start: From = None, stop: To = None
) -> Response:
    """Counts of the whole project per app version, with their sums."""
    chart = version_charts.app_versions(session, actor, slug, str(scan_config_id), start=start, stop=stop)
    fields = _versions(chart, ScopeType.PROJECT_TOTAL, "")
    return answer(wire.AppVersionAdoptionResponse, **fields, totals=plain_points(chart.totals))


def _versions(chart: version_charts.VersionChart, scope: ScopeType, ref: str) -> dict[str, Any]:
    series = [
        {
            "version": one.value, "is_other": one.is_other, "is_latest": one.is_latest, "total_count": one.total_count,
            "data": data,
        }
        for one, data in zip(chart.series, point_lists(one.points for one in chart.series), strict=True)
    ]  # fmt: skip
    return {
        "scan_config_id": chart.config_id,
        "scope_type": scope.value,
        "scope_ref": chart.config_id if scope is ScopeType.PROJECT_TOTAL else ref,
        "event_id": ref if scope is ScopeType.EVENT else None,
        "event_type_id": ref if scope is ScopeType.EVENT_TYPE else None,
        "app_version_column": chart.app_version_column,
        "interval": chart.interval,
        "latest_version": chart.latest_version,
        "versions": [{name: one[name] for name in wire.AppVersionInfo.model_fields} for one in series],
        "series": series,
    }
