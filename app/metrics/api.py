"""Routes tagged metrics, except signals, drifts and regressions, which detection has (contract 5.7)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from app.detection import service as detection
from app.detection.shapes import SignalScope, signal_response
from app.http import PROJECT, Caller, Db
from app.identity.contracts import Actor
from app.metrics import breakdown_api, charts, movers, service
from app.metrics import shapes as wire
from app.metrics.contracts import ScopeType
from app.metrics.point_json import answer, answers, point_list
from app.metrics.route_inputs import SCAN, From, To, clean, scope_of, text_of
from app.plan.shapes.value_types import Moment

router = APIRouter(tags=["metrics"])
# Flat: the edge reads every route's path.
router.routes.extend(breakdown_api.router.routes)


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
        session, actor, slug, event_type_id=text_of(event_type_id), search=clean(search), tag=clean(tag),
        statuses=[one.replace("\x00", "") for one in status or ()], start=start, stop=stop,
    )  # fmt: skip
    return answer(
        wire.EventMetricsResponse,
        scope=chart.scope,
        scan_config_id=chart.config_id,
        event_id=None,
        event_type_id=text_of(event_type_id),
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
        session, actor, slug, ScopeType.PROJECT_TOTAL, scan_config_id=text_of(scan_config_id), start=start, stop=stop
    )
    return _series(session, actor, slug, ScopeType.PROJECT_TOTAL, None, chart)


@router.get(PROJECT + "/events/{event_id}/metrics", operation_id="get_event_metrics", response_model=wire.EventMetricsResponse)
def get_event_metrics(slug: str, event_id: UUID, session: Db, actor: Caller, start: From = None, stop: To = None) -> Response:
    """An event's series, of the scan that counted it last."""
    chart = charts.scope_chart(session, actor, slug, ScopeType.EVENT, str(event_id), start=start, stop=stop)
    return _series(session, actor, slug, ScopeType.EVENT, str(event_id), chart)


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
    scope, ref = scope_of(scope_type, scope_ref)
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
    scope, ref = scope_of(scope_type, scope_ref)
    found = charts.heatmap_of(session, actor, slug, str(scan_config_id), scope, ref, start, stop)
    return wire.SeasonalityHeatmapResponse(
        scan_config_id=str(scan_config_id),
        scope_type=scope_type,
        scope_ref=scope_ref,
        cells=[wire.SeasonalityCell.model_validate(cell, from_attributes=True) for cell in found.cells],
        max_count=found.max_count,
        total_count=found.total_count,
    )


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
