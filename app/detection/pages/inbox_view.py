"""The inbox's data: incidents by correlation, what could not be judged, and what is watched at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.alerting.service.told import told_scopes
from app.alerting.vocabulary import SERIES_SCOPES, AlertScope
from app.detection import service as detection
from app.detection.contracts import Direction, Incident, Outcome
from app.detection.pages.inbox_rows import SignalRow, lead_places, signal_rows
from app.detection.pages.other_alerts import OtherAlert, other_alerts
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.pagination import Page
from app.metrics.contracts import ScopeType
from app.presentation import SCOPE_WORDS, judged_chart
from components import ChartData
from components.format import full_number, iso_utc, local_time

PAGE_SIZE = 50
REACH = 75  # how many lines beyond the page are looked at for the rest of a group
BEFORE, AFTER = timedelta(days=3), timedelta(days=1)
MOST_UNKNOWN = 50
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True)
class UnknownRow:
    """A series whose newest bucket could not be judged."""

    scope_kind: str
    scope_name: str
    reason: str
    when: str
    iso: str


@dataclass(frozen=True)
class InboxView:
    """Everything the page shows. `watching` says what is compared at all, `quiet` since when nothing departed, `before` how many
    incidents stand on earlier pages. `is_live`: nothing was judged yet, which may change at any moment."""

    rows: list[SignalRow] = field(default_factory=list)
    total: int = 0
    before: int = 0
    others: list[OtherAlert] = field(default_factory=list)
    unknown: list[UnknownRow] = field(default_factory=list)
    unknown_count: int = 0
    watching: str = ""
    quiet: str = ""
    has_any: bool = False
    is_on: bool = True
    is_live: bool = False
    viewer_id: str = ""
    members: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the viewer asked for."""

    direction: Direction | None
    scope: ScopeType | None
    days: int | None
    offset: int
    is_mine: bool = False

    @classmethod
    def of(cls, direction: str, scope: str, days: str, page_number: int, *, is_mine: bool = False) -> Filters:
        """From the checked parts of the address."""
        return cls(
            Direction(direction) if direction else None,
            ScopeType(scope) if scope else None,
            int(days) if days else None,
            (page_number - 1) * PAGE_SIZE,
            is_mine,
        )


def inbox_view(
    session: Session, actor: Actor, slug: str, filters: Filters, zone: ZoneInfo, now: datetime | None = None
) -> tuple[InboxView, dict[str, Incident]]:
    """The page's data in one read, and the incidents behind its lines by key. Errors: NotFound."""
    now = now or SYSTEM_CLOCK.now()
    found = _mine(session, actor, slug, filters, now) if filters.is_mine else _incidents(session, actor, slug, filters, now)
    settings = detection.get_settings(session, actor, slug)
    evaluations = detection.list_evaluations(session, actor, slug)
    unknown = [item for item in evaluations if item.outcome is Outcome.UNKNOWN]
    latest = next(iter(detection.list_incidents(session, actor, slug, limit=1).items), None)
    rows = signal_rows(session, actor, slug, found.items, zone, now)
    view = InboxView(
        rows=[row for row, _ in rows],
        total=found.total,
        before=found.offset,
        others=other_alerts(session, actor, slug, zone, now, assignee_id=actor.user_id if filters.is_mine else None),
        unknown=[
            UnknownRow(
                SCOPE_WORDS[item.scope_type],
                item.scope_name,
                item.reason,
                local_time(item.bucket, zone, now=now),
                iso_utc(item.bucket),
            )
            for item in unknown[:MOST_UNKNOWN]
        ],
        unknown_count=len(unknown),
        watching=_watching([item.scope_type for item in evaluations]),
        quiet=_quiet(latest, zone, now),
        has_any=latest is not None,
        is_on=settings.anomaly_detection_enabled,
        is_live=settings.anomaly_detection_enabled and not evaluations and not rows,
        viewer_id=actor.user_id or "",
        members=[["", "Nobody"], *([user.id, user.name or user.email] for user in identity.list_users(session, actor))],
    )
    return view, {row.key: incident for row, incident in rows}


def _incidents(session: Session, actor: Actor, slug: str, filters: Filters, now: datetime) -> Page[Incident]:
    """The groups whose newest incident falls on the page, each whole; the offset says how many incidents came before them."""
    start = max(0, filters.offset - REACH)
    around = detection.list_incidents(
        session,
        actor,
        slug,
        direction=filters.direction,
        scope=filters.scope,
        since=now - timedelta(days=filters.days) if filters.days else None,
        limit=filters.offset + PAGE_SIZE + REACH - start,
        offset=start,
    )
    begins: dict[int, int] = {}
    leads = lead_places(around.items)
    for place, lead in enumerate(leads):
        begins.setdefault(lead, place + start)
    first_places = [begins[lead] for lead in leads]
    page = range(filters.offset, filters.offset + PAGE_SIZE)
    items = [one for one, place in zip(around.items, first_places, strict=True) if place in page]
    shown_before = start + sum(place < filters.offset for place in first_places)
    return Page(items, around.total, PAGE_SIZE, shown_before)


def _mine(session: Session, actor: Actor, slug: str, filters: Filters, now: datetime) -> Page[Incident]:
    """Incidents about which the viewer has an alert, newest start first, at most a page of them."""
    found: dict[tuple[str, str, str, datetime], Incident] = {}
    for (scan_id, scope_type, ref, way), told in told_scopes(session, actor, slug, now=now).items():
        is_series = AlertScope(scope_type) in SERIES_SCOPES and told.group.assignee_id == actor.user_id
        if not is_series or filters.direction not in (None, way) or filters.scope not in (None, scope_type):
            continue
        about = {"direction": Direction(way), "scope": ScopeType(scope_type), "scope_ref": ref}
        span = {"since": told.bucket, "until": told.bucket + _MOMENT}
        for one in detection.list_incidents(session, actor, slug, **about, **span).items:  # type: ignore[arg-type]
            if one.scan_config_id == scan_id:
                found[scan_id, scope_type, ref, one.started_at] = one
        if len(found) >= PAGE_SIZE:
            break
    since = now - timedelta(days=filters.days) if filters.days else None
    items = [one for one in found.values() if since is None or one.ended_at >= since]
    return Page(sorted(items, key=lambda one: one.started_at, reverse=True), len(items), PAGE_SIZE, 0)


def _watching(scopes: list[ScopeType]) -> str:
    words = (
        (ScopeType.PROJECT_TOTAL, "the project total", "project totals"),
        (ScopeType.EVENT_TYPE, "1 event type", "event types"),
        (ScopeType.EVENT, "1 event", "events"),
    )
    counts = [(scopes.count(scope), one, many) for scope, one, many in words]
    parts = [one if count == 1 else f"{full_number(count)} {many}" for count, one, many in counts if count]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _quiet(latest: Incident | None, zone: ZoneInfo, now: datetime) -> str:
    return "Quiet so far" if latest is None else f"Quiet since {local_time(latest.ended_at, zone, now=now)}"


def incident_chart(session: Session, actor: Actor, slug: str, incident: Incident, zone: ZoneInfo) -> ChartData:
    """The incident's series from three days before to one day after it."""
    chart, _ = judged_chart(
        session,
        actor,
        slug,
        incident.scope_type,
        incident.scope_ref,
        start=incident.started_at - BEFORE,
        stop=incident.ended_at + AFTER,
        zone=zone,
        subject=incident.scope_name,
    )
    return chart
