"""The overview's data: figures, chart, top events and incidents in one read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import service as detection
from app.detection.contracts import Outcome
from app.identity.contracts import Actor
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.presentation import IncidentRow, before_text, bucket_widths, change_text, incident_rows, judged_chart
from components import ChartData, spark_path
from components.format import ago, full_number, iso_utc, local_time

TOP_EVENTS = 8
LATEST_INCIDENTS = 6
DAY = timedelta(days=1)


@dataclass(frozen=True)
class TopRow:
    """An event with its volume and the shape of it."""

    name: str
    href: str
    total: str
    path: str
    shape: str


@dataclass(frozen=True)
class Figures:
    """The figure row, in words."""

    volume: str = ""
    volume_change: str = ""
    volume_note: str = ""
    events: str = ""
    events_note: str = ""
    signals: str = ""
    signals_note: str = ""
    signal_count: int = 0
    collected: str = ""
    collected_note: str = ""


@dataclass(frozen=True)
class Received:
    """What the event store says by itself."""

    quarantined: str = ""
    quarantined_note: str = ""
    quarantined_count: int = 0
    has_records: bool = False
    is_uncounted: bool = False
    """Something came in after the last counted bucket."""


@dataclass(frozen=True)
class OverviewView:
    """Everything the page shows."""

    figures: Figures = field(default_factory=Figures)
    chart: ChartData = field(default_factory=ChartData)
    top: list[TopRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    has_metrics: bool = False
    counted_until: str = ""
    next_count: str = ""
    """When the bucket that runs is over, while nothing was counted in two days."""


def overview_view(session: Session, actor: Actor, slug: str, days: int, zone: ZoneInfo) -> OverviewView:
    """The page's data in one read."""
    now = SYSTEM_CLOCK.now()
    summary = metrics.overview(session, actor, slug, now=now)
    signals = detection.list_signals(session, actor, slug, expanded=True)
    chart, series = judged_chart(
        session,
        actor,
        slug,
        ScopeType.PROJECT_TOTAL,
        None,
        start=summary.volume_until - DAY * days,
        zone=zone,
        subject="Events of the project",
    )
    incidents = detection.list_incidents(session, actor, slug, limit=LATEST_INCIDENTS, offset=0)
    counted_until = summary.last_collected_bucket and summary.last_collected_bucket + series.interval.duration
    has_counts = bool(summary.volume_24h or summary.volume_previous_24h)
    figures = Figures(
        volume=full_number(summary.volume_24h),
        volume_change=change_text(summary.volume_24h, summary.volume_previous_24h),
        volume_note=before_text(summary.volume_previous_24h),
        events=full_number(summary.event_count),
        events_note=f"{full_number(summary.active_event_count)} seen in 14 days",
        signals=full_number(len(signals)),
        signals_note=_signals_note(session, actor, slug, [signal.direction for signal in signals]),
        signal_count=len(signals),
        collected=ago(counted_until, now),
        collected_note=_collected_note(summary.last_collected_bucket, series.interval.duration, zone, now),
    )
    return OverviewView(
        figures=figures,
        chart=chart,
        top=_top_rows(session, actor, slug, summary.total.key.scan_config_id, now),
        incidents=incident_rows(incidents.items, slug, zone, now, bucket_widths(session, actor, slug)),
        has_metrics=summary.last_collected_bucket is not None and summary.event_count > 0,
        counted_until=iso_utc(counted_until) if counted_until else "",
        next_count=local_time(counted_until + series.interval.duration, zone, now=now) if counted_until and not has_counts else "",
    )


def received_view(session: Session, actor: Actor, slug: str, counted_until: str = "") -> Received:
    """What only the event store knows; `counted_until` is the end of the last counted bucket. Errors: Unavailable."""
    count = ingest.quarantined_count(session, actor, slug, SYSTEM_CLOCK.now() - DAY)
    return Received(
        quarantined=full_number(count),
        quarantined_note="refused and kept with the reason" if count else "nothing was refused",
        quarantined_count=count,
        has_records=ingest.has_records(session, actor, slug),
        is_uncounted=bool(counted_until)
        and bool(ingest.recent_records(session, actor, slug, after=datetime.fromisoformat(counted_until), limit=1)),
    )


def _signals_note(session: Session, actor: Actor, slug: str, directions: list[str]) -> str:
    if directions:
        spikes = directions.count("spike")
        return f"{spikes} up, {len(directions) - spikes} down"
    # Where nothing could be judged nothing departed either; that must not read as good news.
    is_judged = any(one.outcome is not Outcome.UNKNOWN for one in detection.list_evaluations(session, actor, slug))
    return "all as expected" if is_judged else "nothing judged yet"


def _collected_note(bucket: datetime | None, width: timedelta, zone: ZoneInfo, now: datetime) -> str:
    return "no run has finished yet" if bucket is None else f"up to {local_time(bucket + width, zone, now=now)}"


def _top_rows(session: Session, actor: Actor, slug: str, config_id: str, now: datetime) -> list[TopRow]:
    top = metrics.top_events(session, actor, slug, limit=TOP_EVENTS, now=now)
    if not top:
        return []
    keys = [SeriesKey(config_id, ScopeType.EVENT, event.event_id) for event in top]
    series = metrics.load_series(session, config_id, keys, now - 2 * DAY)
    return [
        TopRow(
            name=event.name,
            href=ui_paths.project_event(slug, event.event_id),
            total=full_number(event.total_count),
            path=spark_path(shape.counts),
            shape=f"{event.name}: {full_number(event.total_count)} in 48 hours",
        )
        for event, shape in zip(top, series, strict=True)
    ]
