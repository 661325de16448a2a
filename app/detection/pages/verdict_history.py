"""What people said about a series, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.detection import feedback
from app.detection.pages.inbox_rows import VERDICT_TONES, VERDICT_WORDS
from app.identity.contracts import Actor
from app.metrics.contracts import SeriesKey
from components.format import local_time


@dataclass(frozen=True)
class VerdictRow:
    """One verdict; `undone` says when it was taken back, empty while it stands."""

    id: str
    verdict: str
    tone: str
    direction: str
    about: str
    who: str
    when: str
    note: str
    undone: str


def verdict_rows(session: Session, actor: Actor, slug: str, key: SeriesKey, zone: ZoneInfo, now: datetime) -> list[VerdictRow]:
    """The newest 50 verdicts on the series, those taken back too. Errors: NotFound."""
    found = feedback.list_verdicts(session, actor, slug, scope_type=key.scope_type, scope_ref=key.ref)
    return [
        VerdictRow(
            id=one.id,
            verdict=VERDICT_WORDS[one.kind],
            tone=VERDICT_TONES.get(one.kind, "neutral") if one.undone_at is None else "unknown",
            direction=one.direction.value,
            about=local_time(one.started_at, zone, now=now),
            who=one.created_by_name,
            when=local_time(one.created_at, zone, now=now),
            note=one.note,
            undone="" if one.undone_at is None else f"taken back {local_time(one.undone_at, zone, now=now)}",
        )
        for one in found
        if one.key == key
    ]
