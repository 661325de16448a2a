"""What the page on unplanned and dead events shows, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.plan import service as plan
from app.reconciliation import service
from app.reconciliation.contracts import DeadEvent, ShadowCandidate, ShadowStatus
from app.reconciliation.pages.comparison import UNKNOWN, Compared, compared_view, silence_doubt
from components.format import full_number, iso_utc, local_time

MOST_ROWS: Final = 500
NEW: Final = ShadowStatus.NEW.value
STATUSES: Final = {NEW: "New", ShadowStatus.ACCEPTED.value: "Accepted", ShadowStatus.DISMISSED.value: "Dismissed", "all": "All"}
PERIODS: Final = {"14": "14 days", "30": "30 days", "90": "90 days"}
DEFAULT_PERIOD: Final = "30"
_TONES: Final = {NEW: "warn", ShadowStatus.ACCEPTED.value: "ok"}


@dataclass(frozen=True)
class UnplannedRow:
    """An event that data has and the plan does not. `event_href` leads to what it became."""

    id: str
    name: str
    event_type: str
    scan: str
    count: str
    first: str
    first_iso: str
    last: str
    last_iso: str
    status: str
    tone: str
    event_href: str
    is_new: bool


@dataclass(frozen=True)
class DeadRow:
    """A planned event that data is silent about."""

    id: str
    name: str
    href: str
    event_type: str
    last: str
    last_iso: str
    lifecycle: str


@dataclass(frozen=True)
class UnplannedView:
    """Both lists; only the one that is looked at is filled, the totals are of both."""

    unplanned: list[UnplannedRow] = field(default_factory=list)
    dead: list[DeadRow] = field(default_factory=list)
    compared: Compared = field(default_factory=Compared)
    is_known: bool = False
    new_total: str = UNKNOWN
    dead_total: str = UNKNOWN
    dead_doubt: str = ""
    left_out: str = ""
    event_types: list[list[str]] = field(default_factory=list)
    is_editor: bool = False


def unplanned_view(session: Session, actor: Actor, slug: str, status: str, days: int, zone: ZoneInfo) -> UnplannedView:
    """Candidates under the status, most frequent first, and events silent for the days. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    wanted = None if status == "all" else ShadowStatus(status)
    found = service.list_shadow_events(session, actor, slug, status=wanted, limit=MOST_ROWS)
    dead = service.list_dead_events(session, actor, slug, days=days, now=now)
    kinds = [[kind.id, f"As {kind.display_name}"] for kind in plan.list_event_types(session, actor, slug)]
    hidden = found.total - len(found.items)
    compared = compared_view(session, actor, slug, zone, now)
    # What was found once was found by a scan, whether or not its runs are still remembered.
    is_known = compared.is_known or service.list_shadow_events(session, actor, slug, limit=1).total > 0
    return UnplannedView(
        unplanned=[_unplanned(one, slug, zone, now) for one in found.items],
        dead=[_dead(one, slug, zone, now) for one in dead[:MOST_ROWS]],
        compared=compared,
        is_known=is_known,
        new_total=full_number(found.new_count) if is_known else UNKNOWN,
        dead_total=full_number(len(dead)) if is_known else UNKNOWN,
        dead_doubt=silence_doubt(session, actor, slug, zone, now, days),
        left_out=f"{full_number(hidden)} less frequent ones are not shown." if hidden > 0 else "",
        event_types=[["", "As the data named it"], *kinds],
        is_editor=actor.role in (UserRole.OWNER, UserRole.EDITOR),
    )


def _unplanned(one: ShadowCandidate, slug: str, zone: ZoneInfo, now: datetime) -> UnplannedRow:
    return UnplannedRow(
        id=one.id,
        name=one.event_name,
        event_type=one.event_type_name or "not named",
        scan=one.scan_config_name,
        count=full_number(one.observed_count),
        first=local_time(one.first_seen_at, zone, now=now),
        first_iso=iso_utc(one.first_seen_at),
        last=local_time(one.last_seen_at, zone, now=now),
        last_iso=iso_utc(one.last_seen_at),
        status=STATUSES[one.status.value],
        tone=_TONES.get(one.status.value, "neutral"),
        event_href=ui_paths.project_event(slug, one.accepted_event_id) if one.accepted_event_id else "",
        is_new=one.status is ShadowStatus.NEW,
    )


def _dead(one: DeadEvent, slug: str, zone: ZoneInfo, now: datetime) -> DeadRow:
    return DeadRow(
        id=one.event_id,
        name=one.name,
        href=ui_paths.project_event(slug, one.event_id),
        event_type=one.event_type_name,
        last="never" if one.last_seen_at is None else local_time(one.last_seen_at, zone, now=now),
        last_iso=iso_utc(one.last_seen_at),
        lifecycle=one.status.value,
    )
