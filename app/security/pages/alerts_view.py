"""What the list of security alerts shows, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.presentation import page_within
from app.security.pages.wording import SEVERITY_TONES, STATUS_TONES, STATUS_WORDS, TYPE_WORDS, Mark, network_marks, place_text
from app.security.service import triage
from app.security.service.triage import AlertView
from components.format import ago, full_number, iso_utc, local_time

PAGE_SIZE: Final = 50
EVERY_STATUS: Final = "all"
STATUSES: Final = {**STATUS_WORDS, EVERY_STATUS: "All"}


@dataclass(frozen=True)
class AlertRow:
    """One alert of the list."""

    title: str
    kind: str
    severity: str
    tone: str
    status: str
    status_tone: str
    actor: str
    address: str
    place: str
    marks: list[Mark]
    occurrences: str
    when: str
    iso: str
    age: str
    href: str


@dataclass(frozen=True)
class AlertsView:
    """A page of alerts. `first` and `last` are places in the whole list."""

    rows: list[AlertRow] = field(default_factory=list)
    total: int = 0
    first: int = 0
    last: int = 0
    page: int = 1


def alerts_view(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    status: str,
    severity: str,
    alert_type: str,
    actor_id: str = "",
    page: int,
    zone: ZoneInfo,
    now: datetime | None = None,
) -> AlertsView:
    """A page of alerts, newest first; `status` all shows every one. Errors: NotFound, PlanRestricted."""
    now = now or SYSTEM_CLOCK.now()

    def listed(number: int) -> tuple[list[AlertView], int]:
        return triage.list_alerts(
            session,
            actor,
            slug,
            now,
            status="" if status == EVERY_STATUS else status,
            severity=severity,
            alert_type=alert_type,
            actor_id=actor_id,
            limit=PAGE_SIZE,
            offset=(number - 1) * PAGE_SIZE,
        )

    alerts, total = listed(page)
    if total and not alerts:
        page = page_within(page, total, PAGE_SIZE)
        alerts, total = listed(page)
    start = (page - 1) * PAGE_SIZE
    rows = [_row(alert, slug, zone, now) for alert in alerts]
    return AlertsView(rows, total, start + 1 if rows else 0, start + len(rows), page)


def _row(alert: AlertView, slug: str, zone: ZoneInfo, now: datetime) -> AlertRow:
    return AlertRow(
        title=alert.title,
        kind=TYPE_WORDS.get(alert.alert_type, alert.alert_type),
        severity=alert.severity,
        tone=SEVERITY_TONES.get(alert.severity, "neutral"),
        status=STATUS_WORDS.get(alert.status, alert.status),
        status_tone=STATUS_TONES.get(alert.status, "neutral"),
        actor=alert.actor_id or "",
        address=alert.source_ip or "",
        place=place_text(alert.location),
        marks=network_marks(alert.network),
        occurrences=full_number(alert.occurrences),
        when=local_time(alert.created_at, zone, now=now),
        iso=iso_utc(alert.created_at),
        age=ago(alert.created_at, now),
        href=security_paths.project_security_alert(slug, alert.id),
    )
