"""The keys that the demo shop's senders use, and how much came with each in the last days.

The tokens are nobody's: they are shown only when a key is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlmodel import Session

from app.demo import watch_repository as repository
from app.demo.log_story import log_records
from app.demo.story import EVENTS, Timeline, counts
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, Actor, IngestKind
from app.projects.contracts import ProjectView

HOURS: Final = 72
_PER_REQUEST: Final = 20
SHOP, WAREHOUSE, LOGS, SIGN_INS, AUDIT = (
    "Shop front end", "Warehouse scanners", "Service logs", "Back office sign-ins", "Back office audit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sender:
    """A key and what it may send; `days` until it expires, None for never."""

    name: str
    kind: IngestKind
    days: int | None = None


SENDERS: Final = (
    Sender(SHOP, IngestKind.EVENTS),
    Sender(WAREHOUSE, IngestKind.EVENTS, 60),
    Sender(LOGS, IngestKind.LOGS),
    Sender(SIGN_INS, IngestKind.SECURITY),
    Sender(AUDIT, IngestKind.AUDIT, 180),
)


def write(session: Session, project: ProjectView, author: Actor, timeline: Timeline) -> None:
    """A key for each sender that has none, and what came with it."""
    sent = _sent(timeline)
    known = {key.name: key.id for key in identity.list_ingest_keys(session, SYSTEM_ACTOR, project.slug)}
    for sender in SENDERS:
        key_id = known.get(sender.name)
        if key_id is None:
            view, _ = identity.create_ingest_key(
                session, author, project.slug,
                kind=sender.kind, name=sender.name, expires_in_days=sender.days, now=timeline.now,
            )  # fmt: skip
            key_id = view.id
        repository.note_key_use(session, key_id, sent.get(sender.name, {}), timeline.now - timedelta(minutes=2), _PER_REQUEST)


def _sent(timeline: Timeline) -> Mapping[str, Mapping[datetime, int]]:
    """Records by sender and hour; what the back office sends is too little to tell."""
    hours = timeline.hours[-HOURS:]
    of_events = {True: np.zeros(len(hours), dtype=np.int64), False: np.zeros(len(hours), dtype=np.int64)}
    for event in EVENTS:
        of_events[event.source == "fulfilment"] += counts(event, timeline)[-HOURS:]
    of_logs = dict.fromkeys(hours, 0)
    for record in log_records(timeline):
        hour = record.time.replace(minute=0, second=0, microsecond=0)
        if hour in of_logs:
            of_logs[hour] += 1
    return {
        SHOP: dict(zip(hours, of_events[False].tolist(), strict=True)),
        WAREHOUSE: dict(zip(hours, of_events[True].tolist(), strict=True)),
        LOGS: of_logs,
        SIGN_INS: dict.fromkeys((hour for hour in hours if 6 <= hour.hour < 18), 2),
        AUDIT: dict.fromkeys((hour for hour in hours if 6 <= hour.hour < 18), 3),
    }
