"""Routes tagged metrics, except signals, drifts and regressions, which detection has (contract 5.7)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from app.detection import service as detection
from app.detection.api import signal_response
from app.detection.shapes import SignalScope
from app.http import Caller, Db
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput
from app.metrics import breakdowns, charts, movers, service, version_charts
from app.metrics import shapes as wire
from app.metrics.contracts import ScopeType
from app.metrics.point_json import answer, answers, plain_points, point_list, point_lists
from app.plan.shapes.value_types import Moment

router = APIRouter(tags=["metrics"])

PROJECT = "/api/v1/projects/{slug}"
SCAN = PROJECT + "/scans/{scan_config_id}"
From = Annotated[Moment | None, Query(alias="from", description="Inclusive")]
To = Annotated[Moment | None, Query(alias="to", description="Exclusive")]
SERIES_SCOPES = frozenset(ScopeType)


@router.get(PROJECT + "/events-metrics", operation_id="get_events_metrics", response_model=wire.EventMetricsResponse)
def get_events_metrics(
    slug: str,
    session: Db,
    actor: Caller,
    event_type_id: UUID | None = None,
    search: str | None = None,
    tag: str | None = None,
    status: Annotated[list[str] | None, Query()] = None,
    start: From = None,
    stop: To = None,
) -> Response:
    """Volume of the events that meet the conditions, per bucket of the project's newest scan."""
    chart = charts.events_total(
        session, actor, slug, event_type_id=_text(event_type_id), search=_clean(search), tag=_clean(tag),
        statuses=[one.replace("\x00", "") for one in status or ()], start=start, stop=stop,
    )  # fmt: skip
    return answer(
        wire.EventMetricsResponse,
        scope=chart.scope,
        scan_config_id=chart.config_id,
        event_id=None,
        event_type_id=_text(event_type_id),
        interval=chart.interval,
        latest_signal=None,
        data=point_list(chart.points),
        forecast=[],
    )


@router.post(
    PROJECT + "/events/window-metrics",
    operation_id="get_events_window_metrics",
    response_model=list[wire.EventWindowMetricsResponse],
)
def get_events_window_metrics(slug: str, body: wire.EventWindowMetricsRequest, session: Db, actor: Caller) -> Response:
    """Volume of each event in a window, by default the last 48 hours; unknown events are left out."""
    found = charts.window_charts(session, actor, slug, [str(one) for one in body.event_ids], body.time_from, body.time_to)
    return answers(
        wire.EventWindowMetricsResponse,
        (
            {
                "event_id": event_id,
                "scan_config_id": chart.config_id,
                "interval": chart.interval,
                "total_count": sum(chart.points.counts),
                "data": point_list(chart.points),
            }
            for event_id, chart in found
        ),
    )


@router.get(PROJECT + "/overview/kpi-series", operation_id="get_overview_kpi_series")
def get_overview_kpi_series(
    slug: str, session: Db, actor: Caller, days: Annotated[int, Query(ge=1, le=365)] = 14
) -> wire.OverviewKpiSeriesResponse:
    """Events created per UTC day."""
    return wire.OverviewKpiSeriesResponse(days=days, active_events=charts.created_per_day(session, actor, slug, days))


@router.get(PROJECT + "/overview/top-events", operation_id="get_overview_top_events")
def get_overview_top_events(
    slug: str,
    session: Db,
    actor: Caller,
    window_hours: Annotated[int, Query(ge=1, le=720)] = 48,
    limit: Annotated[int, Query(ge=1, le=100)] = 6,
) -> list[wire.TopEventResponse]:
    """Events with the most volume in the last hours."""
    found = service.top_events(session, actor, slug, window_hours, limit)
    return [
        wire.TopEventResponse(
            event_id=event.event_id, name=event.name, event_type_id=event.event_type_id, total_count=event.total_count
        )
        for event in found
    ]


@router.get(PROJECT + "/metrics/total", operation_id="get_project_total_metrics", response_model=wire.EventMetricsResponse)
def get_project_total_metrics(
    slug: str, session: Db, actor: Caller, scan_config_id: UUID | None = None, start: From = None, stop: To = None
) -> Response:
    """The project's total as one scan counts it, by default the newest."""
    chart = charts.scope_chart(
        session, actor, slug, ScopeType.PROJECT_TOTAL, scan_config_id=_text(scan_config_id), start=start, stop=stop
    )
    return _series(session, actor, slug, ScopeType.PROJECT_TOTAL, None, chart)


@router.get(PROJECT + "/events/{event_id}/metrics", operation_id="get_event_metrics", response_model=wire.EventMetricsResponse)
def get_event_metrics(slug: str, event_id: UUID, session: Db, actor: Caller, start: From = None, stop: To = None) -> Response:
    """An event's series, of the scan that counted it last."""
    chart = charts.scope_chart(session, actor, slug, ScopeType.EVENT, str(event_id), start=start, stop=stop)
    return _series(session, actor, slug, ScopeType.EVENT, str(event_id), chart)


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


@router.get(
    PROJECT + "/event-types/{event_type_id}/metrics",
    operation_id="get_event_type_metrics",
    response_model=wire.EventMetricsResponse,
)
def get_event_type_metrics(
    slug: str, event_type_id: UUID, session: Db, actor: Caller, start: From = None, stop: To = None
) -> Response:
    """An event type's series, of the scan that counted it last."""
    chart = charts.scope_chart(session, actor, slug, ScopeType.EVENT_TYPE, str(event_type_id), start=start, stop=stop)
    return _series(session, actor, slug, ScopeType.EVENT_TYPE, str(event_type_id), chart)


@router.get(SCAN + "/top-movers", operation_id="get_top_movers")
def get_top_movers(
    slug: str,
    scan_config_id: UUID,
    session: Db,
    actor: Caller,
    scope_type: SignalScope,
    scope_ref: str,
    bucket: Moment,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[wire.TopMoverItem]:
    """Values of the scope's breakdowns that were anomalous in the bucket, largest absolute score first."""
    scope, ref = _scope(scope_type, scope_ref)
    found = movers.top_movers(session, actor, slug, str(scan_config_id), scope, ref, bucket, limit)
    return [wire.TopMoverItem.model_validate(mover, from_attributes=True) for mover in found]


@router.get(SCAN + "/seasonality", operation_id="get_seasonality_heatmap")
def get_seasonality_heatmap(
    slug: str,
    scan_config_id: UUID,
    session: Db,
    actor: Caller,
    scope_type: SignalScope,
    scope_ref: str,
    start: From = None,
    stop: To = None,
) -> wire.SeasonalityHeatmapResponse:
    """Volume and anomalies by UTC weekday and hour."""
    scope, ref = _scope(scope_type, scope_ref)
    found = charts.heatmap_of(session, actor, slug, str(scan_config_id), scope, ref, start, stop)
    return wire.SeasonalityHeatmapResponse(
        scan_config_id=str(scan_config_id),
        scope_type=scope_type,
        scope_ref=scope_ref,
        cells=[wire.SeasonalityCell.model_validate(cell, from_attributes=True) for cell in found.cells],
        max_count=found.max_count,
        total_count=found.total_count,
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
    scope, ref = _scope(scope_type, scope_ref)
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
    scope, ref = _scope(scope_type, scope_ref)
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


def _series(session: Session, actor: Actor, slug: str, scope: ScopeType, ref: str | None, chart: charts.ScopeChart) -> Response:
    signals = detection.list_signals(session, actor, slug, expanded=True) if chart.config_id else []
    wanted = (chart.config_id, scope, ref or chart.config_id)
    latest = next((one for one in signals if (one.scan_config_id, one.scope_type, one.scope_ref) == wanted), None)
    coming = detection.forecast(session, actor, slug, scope, ref, scan_config_id=chart.config_id) if chart.config_id else []
    return answer(
        wire.EventMetricsResponse,
        scope=chart.scope,
        scan_config_id=chart.config_id,
        event_id=ref if scope is ScopeType.EVENT else None,
        event_type_id=ref if scope is ScopeType.EVENT_TYPE else None,
        interval=chart.interval,
        latest_signal=signal_response(latest) if latest else None,
        data=point_list(chart.points),
        forecast=[{"bucket": one.bucket, "expected_count": one.expected_count, "stddev": one.stddev} for one in coming],
    )


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


def _scope(scope_type: SignalScope, scope_ref: str | None) -> tuple[ScopeType, str]:
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


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _clean(value: str | None) -> str | None:
    return (value or "").replace("\x00", "").strip() or None
