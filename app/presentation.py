"""Contracts in the words and shapes that several pages show. Pages call these inside the thread of their one read.

Everything here returns plain view data with texts in the viewer's zone; no page formats a time or a deviation by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import service as detection
from app.detection.contracts import Incident, Judgement, Outcome
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, NotFound, Unauthorized
from app.kernel.intervals import Interval
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, Series
from app.scans import service as scans
from components.chart_data import ChartData, ChartPoint, chart_data
from components.format import change, day_text, deviation, duration, full_number, iso_utc, local_time, percent

SCOPE_WORDS = {
    ScopeType.PROJECT_TOTAL: "Project total",
    ScopeType.EVENT_TYPE: "Event type",
    ScopeType.EVENT: "Event",
}
STATUS_WORDS = {
    "draft": "Draft",
    "in_review": "In review",
    "ready_for_dev": "Ready for dev",
    "implemented": "Implemented",
    "live": "Live",
    "deprecated": "Deprecated",
    "archived": "Archived",
}
STATUS_TONES = {"in_review": "warn", "live": "ok", "implemented": "ok", "ready_for_dev": "accent"}


class Phase(StrEnum):
    """What a page can say about its content."""

    LOADING = "loading"
    READY = "ready"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    FAILED = "failed"


def phase_of(refusal: AppError) -> Phase:
    """The phase a refused load ends in; an expired session is raised again, the sign-in page answers it."""
    if isinstance(refusal, Unauthorized):
        raise refusal
    if isinstance(refusal, NotFound):
        return Phase.MISSING
    return Phase.FORBIDDEN if refusal.status == 403 else Phase.FAILED


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident as a line. `key` tells it apart on a page, `day` heads the first line of a day, `event_href` is empty when
    its scope is no event."""

    key: str
    day: str
    direction: str
    scope_kind: str
    scope_name: str
    size: str
    when: str
    iso: str
    lasted: str
    related: str
    is_active: bool
    event_href: str


def incident_rows(
    incidents: Sequence[Incident], slug: str, zone: ZoneInfo, now: datetime, widths: Mapping[str, int]
) -> list[IncidentRow]:
    """The incidents in words; the first of each day in the viewer's zone carries the day.

    `widths` maps scans to the seconds of a bucket (`bucket_widths`), since an incident lasts to the end of its last bucket.
    """
    rows, before = [], None
    for incident in incidents:
        day = incident.started_at.astimezone(zone).date()
        width = widths.get(incident.scan_config_id, Interval.HOUR.seconds)
        heading = "" if day == before else day_text(incident.started_at, zone, now)
        rows.append(_incident_row(incident, slug, zone, now, width, heading))
        before = day
    return rows


def bucket_widths(session: Session, actor: Actor, slug: str) -> dict[str, int]:
    """Seconds of a bucket per scan of the project. Errors: NotFound."""
    configs = scans.list_configs(session, actor, slug)
    return {config.id: config.interval.seconds for config in configs if config.interval is not None}


def _incident_row(incident: Incident, slug: str, zone: ZoneInfo, now: datetime, width: int, heading: str) -> IncidentRow:
    seconds = (incident.ended_at - incident.started_at).total_seconds() + width
    related = incident.related_count
    return IncidentRow(
        key=f"{incident.scope_type}:{incident.scope_ref}:{incident.direction}:{iso_utc(incident.started_at)}",
        day=heading,
        direction=str(incident.direction),
        scope_kind=SCOPE_WORDS[incident.scope_type],
        scope_name=incident.scope_name,
        size=deviation(incident.peak_actual, incident.peak_expected),
        when=local_time(incident.started_at, zone, now=now),
        iso=iso_utc(incident.started_at),
        lasted=duration(seconds),
        related="" if related == 0 else f"{related} related",
        is_active=incident.is_active,
        event_href=ui_paths.project_event(slug, incident.event_id) if incident.event_id else "",
    )


def judged_chart(
    session: Session,
    actor: Actor,
    slug: str,
    scope_type: ScopeType,
    ref: str | None,
    *,
    start: datetime,
    stop: datetime | None = None,
    zone: ZoneInfo,
    subject: str,
) -> tuple[ChartData, Series]:
    """A series in [start, stop) with its expected range and anomalies, and the series itself."""
    series = metrics.series_for(session, actor, slug, scope_type, ref, start=start, stop=stop)
    judgements = detection.band(session, actor, slug, series)
    sigma = detection.get_settings(session, actor, slug).sigma_threshold
    points = [_point(count, judgement, sigma) for count, judgement in zip(series.counts, judgements, strict=True)]
    return chart_data(points, zone, series.interval.seconds, subject=subject, now=SYSTEM_CLOCK.now()), series


def _point(count: int | None, judgement: Judgement, sigma: float) -> ChartPoint:
    expected = judgement.expected
    if expected is None:
        return ChartPoint(judgement.bucket, count, note=judgement.reason if judgement.outcome is Outcome.UNKNOWN else "")
    reach = sigma * (judgement.spread or 0.0)
    mark = str(judgement.direction) if judgement.outcome is Outcome.ANOMALY and judgement.direction else ""
    return ChartPoint(judgement.bucket, count, expected, max(0.0, expected - reach), expected + reach, mark)


def change_text(current: int | None, before: int | None) -> str:
    """How a figure moved against the one before: "+12 % vs previous"; empty when it cannot be said."""
    ratio = None if current is None or before is None else change(current, before)
    return "" if ratio is None else percent(ratio, signed=True)


def before_text(before: int | None) -> str:
    """The figure it is compared with."""
    return "no earlier figure" if before is None else f"{full_number(before)} in the 24\u00a0h before"


def page_within(page: int, total: int, size: int) -> int:
    """The page itself, or the last one when the address asks for one beyond the end."""
    return min(page, max(1, -(-total // size)))


def page_number(text: str) -> int:
    """The page that an address asks for; 1 for anything that is none. `isdigit` alone is true of "²", which is no number."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1
