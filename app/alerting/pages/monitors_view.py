"""What the page of monitors shows: every rule with its state, since when, and what it sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.contracts import MonitorView
from app.alerting.pages.words import channel_title
from app.alerting.service import ActiveScope
from app.alerting.vocabulary import SCOPE_LABELS, SERIES_SCOPES, AlertScope, MonitorStatus
from app.detection import service as detection
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from components.format import ago, iso_utc, local_time

MOST_SCOPES = 5
MOST_INCIDENTS = 500
_ORDER = {MonitorStatus.FIRING: 0, MonitorStatus.WARNING: 1, MonitorStatus.HEALTHY: 2}
_Starts = Mapping[tuple[str, str, str, str], datetime]


@dataclass(frozen=True)
class SeenRow:
    """Something the rule sees: with a link to its series, when it is one."""

    name: str
    kind: str
    direction: str
    since: str
    iso: str
    href: str


@dataclass(frozen=True)
class MonitorRow:
    """One rule as something that watches."""

    id: str
    status: str
    name: str
    href: str
    destination: str
    since: str
    since_iso: str
    told: str
    told_iso: str
    muted: str
    is_off: bool
    seen: list[SeenRow] = field(default_factory=list)
    more: str = ""


@dataclass(frozen=True)
class MonitorsView:
    """All rules of the chosen state, those that fire first, and how many there are of each state."""

    rows: list[MonitorRow] = field(default_factory=list)
    firing: int = 0
    warning: int = 0
    healthy: int = 0


def monitors_view(session: Session, actor: Actor, slug: str, status: str, zone: ZoneInfo) -> MonitorsView:
    """The monitors of one status, or all without one. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    found = alerting.list_monitors(session, actor, slug, now=now)
    seen = alerting.active_scopes(session, actor, slug, now=now)
    starts = _starts(session, actor, slug)
    shown = sorted(
        (view for view in found if not status or view.status == status),
        key=lambda view: (_ORDER[view.status], -_seconds(view.last_anomaly_at), view.rule.spec.name.lower(), view.rule.id),
    )
    return MonitorsView(
        rows=[_row(view, seen.get(view.rule.id, ()), starts, slug, zone, now) for view in shown],
        firing=sum(view.status is MonitorStatus.FIRING for view in found),
        warning=sum(view.status is MonitorStatus.WARNING for view in found),
        healthy=sum(view.status is MonitorStatus.HEALTHY for view in found),
    )


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def _starts(session: Session, actor: Actor, slug: str) -> _Starts:
    """When the incidents that last began, by scan, scope and direction."""
    found = detection.list_incidents(session, actor, slug, limit=MOST_INCIDENTS, offset=0).items
    return {
        (one.scan_config_id, one.scope_type.value, one.scope_ref, one.direction.value): one.started_at
        for one in reversed(found)
        if one.is_active
    }


def _row(view: MonitorView, seen: Sequence[ActiveScope], starts: _Starts, slug: str, zone: ZoneInfo, now: datetime) -> MonitorRow:
    wanted = [one for one in seen if one.is_firing] if view.status is MonitorStatus.FIRING else seen
    since = min((_start(one, starts) for one in wanted), default=None)
    muted = f"muted until {local_time(view.rule.muted_until, zone, now=now)}" if view.muted else ""
    more = len(seen) - MOST_SCOPES
    return MonitorRow(
        id=view.rule.id,
        status=view.status.value,
        name=view.rule.spec.name,
        href=ui_paths.project_rule(slug, view.rule.id),
        destination=f"{view.destination_name} ({channel_title(view.destination_type)})",
        since="" if since is None else ago(since, now),
        since_iso=iso_utc(since),
        told="never" if view.last_notified_at is None else ago(view.last_notified_at, now),
        told_iso=iso_utc(view.last_notified_at),
        muted=muted,
        is_off=not (view.rule.spec.enabled and view.destination_enabled),
        seen=[_seen(one, starts, slug, now) for one in seen[:MOST_SCOPES]],
        more=f"and {more} more" if more > 0 else "",
    )


def _start(one: ActiveScope, starts: _Starts) -> datetime:
    return starts.get((one.scan_config_id, one.scope_type.value, one.scope_ref, one.direction.value), one.bucket)


def _seen(one: ActiveScope, starts: _Starts, slug: str, now: datetime) -> SeenRow:
    start = _start(one, starts)
    ref = "all" if one.scope_type is AlertScope.PROJECT_TOTAL else one.scope_ref
    is_series = one.scope_type in SERIES_SCOPES and one.name is not None
    return SeenRow(
        name=one.name or SCOPE_LABELS[one.scope_type],
        kind=SCOPE_LABELS[one.scope_type] if one.name else "",
        direction=one.direction.value,
        since=ago(start, now),
        iso=iso_utc(start),
        href=ui_paths.project_monitoring(slug, series=f"{one.scope_type.value}/{ref}")
        if is_series
        else ui_paths.project_drifts(slug),
    )
