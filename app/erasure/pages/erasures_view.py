"""What the page of erasures shows, as finished texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.erasure import service
from app.erasure.contracts import ErasureStatus, ErasureView
from app.identity.contracts import Actor
from components.format import full_number, iso_utc, local_time

_STATES: Final[Mapping[ErasureStatus, tuple[str, str]]] = {
    ErasureStatus.PENDING: ("waiting", "neutral"),
    ErasureStatus.RUNNING: ("running", "accent"),
    ErasureStatus.COMPLETED: ("erased", "ok"),
    ErasureStatus.FAILED: ("failed", "bad"),
}
_KINDS: Final = {
    "event": "event",
    "log": "log line",
    "security": "security event",
    "quarantine": "refused record",
    "actor_scores": "score",
    "security_alerts": "security alert",
    "counts": "count",
    "samples": "sample",
}
SHOWN: Final = 100


@dataclass(frozen=True)
class ErasureRow:
    """One erasure. The person is known by the first digits of the keyed hash."""

    id: str
    person: str
    asked_at: str
    asked_iso: str
    asked_by: str
    state: str
    tone: str
    detail: str
    proof_href: str


@dataclass(frozen=True)
class ErasuresView:
    """Erasures of a project, and how far the one that runs is."""

    rows: list[ErasureRow] = field(default_factory=list)
    is_live: bool = False
    percent: int = 0
    phase: str = ""


def erasures_view(session: Session, actor: Actor, slug: str, zone: ZoneInfo, now: datetime) -> ErasuresView:
    """The newest erasures. Owners only. Errors: NotFound."""
    found, _ = service.list_erasures(session, actor, slug, limit=SHOWN)
    live = [one for one in found if one.status in (ErasureStatus.PENDING, ErasureStatus.RUNNING)]
    running = next((one for one in live if one.status is ErasureStatus.RUNNING), live[0] if live else None)
    return ErasuresView(
        rows=[_row(one, slug, zone, now) for one in found],
        is_live=bool(live),
        percent=running.progress_percent if running else 0,
        phase=(running.phase or "Waiting for a worker") if running else "",
    )


def _row(erasure: ErasureView, slug: str, zone: ZoneInfo, now: datetime) -> ErasureRow:
    state, tone = _STATES[erasure.status]
    href = f"/api/v1/projects/{slug}/erasures/{erasure.id}/certificate" if erasure.has_certificate else ""
    return ErasureRow(
        id=erasure.id,
        person=erasure.user_hash[:8],
        asked_at=local_time(erasure.requested_at, zone, now=now),
        asked_iso=iso_utc(erasure.requested_at),
        asked_by=erasure.requested_by,
        state=state,
        tone=tone,
        detail=_detail(erasure),
        proof_href=href,
    )


def _detail(erasure: ErasureView) -> str:
    if erasure.error_message:
        is_over = erasure.status is ErasureStatus.FAILED
        return erasure.error_message if is_over else f"{erasure.error_message} It is tried again by itself."
    if erasure.status is not ErasureStatus.COMPLETED:
        return erasure.phase
    parts = [
        f"{full_number(count)} {_KINDS.get(kind, kind)}{'' if count == 1 else 's'}"
        for kind, count in erasure.removed.items()
        if count
    ]
    return f"{', '.join(parts)}; none left" if parts else "Nothing was stored about this id"
