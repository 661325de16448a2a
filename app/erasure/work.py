"""Carrying out an erasure: drain, count, remove, count again, sign.

Every step can be repeated, so an erasure that was cut off by a restart is simply carried out again by whoever claims it. Opens its
own transactions, none of them around a call to the event store.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session

from app.audit_chain import service as audit_chain
from app.erasure import repository
from app.erasure.certificate import signed
from app.erasure.identities import forms_of, pattern_of
from app.eventstore.contracts import EventStore
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.crypto import SecretBox
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Unavailable
from app.kernel.settings import get_settings
from models.erasure import Erasure
from models.projects import Project

LEASE: Final = timedelta(minutes=5)
SETTLED_AFTER: Final = timedelta(seconds=5)
"""Other processes with folders of their own have drained what they received before a request by then."""
DRAIN_SECONDS: Final = 120.0
RETRY_AFTER: Final = timedelta(seconds=30)
ROUNDS: Final = 3
KINDS: Final = ("event", "log", "security")
KEPT_AUDIT: Final = (
    "Ingested audit records are evidence under a chain of hashes; one that is taken out or changed could not be told from "
    "tampering. They go with their retention."
)
KEPT_TRAIL: Final = "This instance's own audit trail says who asked for the erasure, and names the person by the keyed hash only."
KEPT_TEXT: Final = (
    "Free text, such as a log line that mentions the id, is not searched; records that name the person as theirs are."
)
KEPT_BACKUPS: Final = "Backups made before still hold what was removed."
KEPT_COUNTS: Final = "Counts of events by minute and hour hold no ids and stay as they are."

log = logging.getLogger("plumbline.erasure")
Transaction = Callable[..., AbstractContextManager[Session]]


class Stopped(Exception):
    """The process ends, or somebody else has the erasure."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the work is done with; tests bring others."""

    store: Callable[[], EventStore]
    transaction: Transaction = session_scope
    clock: Clock = SYSTEM_CLOCK
    is_stopping: Callable[[], bool] = lambda: False
    settled_after: timedelta = SETTLED_AFTER
    drain_seconds: float = DRAIN_SECONDS


@dataclass(slots=True)
class _Person:
    """Whose records are removed from where; `until` bounds their reception."""

    erasure_id: str
    tenant_id: str
    project_id: str
    slug: str
    ids: tuple[str, ...]
    requested_at: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        until = int(self.requested_at.timestamp() * 1000)
        return {"ids": list(self.ids), "forms": sorted(forms_of(self.ids)), "pattern": pattern_of(self.ids), "until": until}


def carry_out(erasure_id: str, holder: str, tools: Tools) -> bool:
    """Do the work of a claimed erasure; whether it is completed. What fails is noted and tried again by whoever claims it next."""
    try:
        _Work(erasure_id, holder, tools).run()
    except Stopped:
        _give_back(erasure_id, holder, tools, None)
    except AppError as obstacle:
        _give_back(erasure_id, holder, tools, obstacle.message)
    except Exception:
        log.exception("erasure %s met a fault", erasure_id)
        _give_back(erasure_id, holder, tools, "A fault in Plumbline; its log says more")
    else:
        return True
    return False


def _give_back(erasure_id: str, holder: str, tools: Tools, obstacle: str | None) -> None:
    with tools.transaction() as session:
        row = repository.claimed(session, erasure_id, holder)
        if row is None or row.status == "failed":
            return
        row.claimed_by = row.claimed_until = None
        if obstacle is not None:
            row.error_message, row.next_attempt_at = obstacle[:500], tools.clock.now() + RETRY_AFTER
        repository.save(session, row)


class _Work:
    def __init__(self, erasure_id: str, holder: str, tools: Tools) -> None:
        self._id, self._holder, self._tools = erasure_id, holder, tools
        self._phase, self._percent = "", 0

    def run(self) -> None:
        person = self._person()
        self._drain(person)
        before = self._counted_before(person)
        after = before
        for _ in range(ROUNDS):
            self._remove_stored(person)
            self._remove_quoted(person)
            self._tell("Counting what is left", 95)
            after = self._counts(person)
            if not any(after.values()):
                break
        else:
            raise Unavailable(f"{sum(after.values())} records came back while they were removed")
        self._complete(person, before, after)

    def _person(self) -> _Person:
        with self._tools.transaction() as session:
            row = self._mine(session)
            project = session.get_one(Project, row.project_id)
            try:
                user_id = SecretBox(get_settings().encryption_keys()).open(row.sealed_user_id or "")
            except ValueError:
                row.status, row.sealed_user_id, user_id = "failed", None, ""
                row.error_message = "The user id was sealed with an encryption key that is gone; ask again"
            else:
                row.status = "running"
            repository.save(session, row)
        if not user_id:
            raise Stopped
        ids = tuple(dict.fromkeys((user_id, ingest.pseudonym_of(project.id, user_id))))
        return _Person(row.id, project.tenant_id, project.id, project.slug, ids, row.requested_at)

    def _drain(self, person: _Person) -> None:
        """Wait until what was acknowledged before the request is in the event store, where it can be removed."""
        self._tell("Waiting for records that are on their way", 2)
        waiting = ingest.unstored_segments(self._root)
        until = time.monotonic() + self._tools.drain_seconds
        while waiting or self._tools.clock.now() < person.requested_at + self._tools.settled_after:
            if self._tools.is_stopping():
                raise Stopped
            if time.monotonic() > until:
                raise Unavailable("Acknowledged records have not reached the event store yet")
            time.sleep(0.1)
            waiting = waiting & ingest.unstored_segments(self._root)

    @property
    def _root(self) -> Path:
        return get_settings().data_dir / "wal"

    def _counted_before(self, person: _Person) -> Mapping[str, int]:
        self._tell("Counting", 5)
        with self._tools.transaction(write=False) as session:
            known = dict(self._mine(session).before)
        if known:
            return known
        found = self._counts(person)
        with self._tools.transaction() as session:
            row = self._mine(session)
            row.before = found
            repository.save(session, row)
        return found

    def _counts(self, person: _Person) -> dict[str, int]:
        found = {kind: self._stored("events", repository.EVENTS_OF_KIND, person, kind=kind) for kind in KINDS}
        found["quarantine"] = self._stored("quarantine", repository.QUARANTINE, person)
        with self._tools.transaction(write=False) as session:
            return found | self._quoted(session, person, is_removed=False)

    def _stored(self, table: str, condition: str, person: _Person, **more: object) -> int:
        return sum(count for _, count in self._by_month(table, condition, person, **more))

    def _by_month(self, table: str, condition: str, person: _Person, **more: object) -> Iterator[tuple[int, int]]:
        """Months with rows of the person, and how many. Asks month by month, so that no single question takes long."""
        store, owner = self._tools.store(), (person.tenant_id, person.project_id)
        for month in store.count_by_month(table, *owner, "1 = 1", {}):
            self._keep()
            asked = repository.within(condition, table, month)
            yield from store.count_by_month(table, *owner, asked, {**person.parameters, **more}).items()

    def _remove_stored(self, person: _Person) -> None:
        store, owner = self._tools.store(), (person.tenant_id, person.project_id)
        steps = [
            (table, condition, month)
            for table, condition in (("events", repository.EVENTS), ("quarantine", repository.QUARANTINE))
            for month, _ in self._by_month(table, condition, person)
        ]
        for number, (table, condition, month) in enumerate(steps):
            self._tell(f"Removing {table} of {month // 100}-{month % 100:02d}", 10 + 75 * number // len(steps))
            store.remove_month(table, month, *owner, condition, person.parameters, is_rewritten=True)

    def _remove_quoted(self, person: _Person) -> None:
        self._tell("Removing scores, alerts and samples", 88)
        with self._tools.transaction() as session:
            self._quoted(session, person, is_removed=True)

    def _quoted(self, session: Session, person: _Person, *, is_removed: bool) -> dict[str, int]:
        pattern = re.compile(pattern_of(person.ids))
        return {
            "actor_scores": repository.scores(session, person.project_id, person.ids, is_removed=is_removed),
            "security_alerts": repository.alerts(session, person.project_id, person.ids, is_removed=is_removed),
            "counts": repository.counts(session, person.project_id, person.ids, is_removed=is_removed),
            "samples": repository.samples(session, person.project_id, person.ids, pattern, is_removed=is_removed),
        }

    def _complete(self, person: _Person, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        audit = self._stored("events", repository.EVENTS_OF_KIND, person, kind="audit")
        now = self._tools.clock.now()
        with self._tools.transaction() as session:
            row = self._mine(session)
            body = {
                "erasure_id": row.id,
                "project": person.slug,
                "project_id": person.project_id,
                "user_hash": row.user_hash,
                "hash": "HMAC-SHA-256 of the project and the user id under a secret of the instance",
                "requested_at": row.requested_at.isoformat(),
                "completed_at": now.isoformat(),
                "before": dict(before),
                "after": dict(after),
                "kept": [
                    {"what": "audit", "count": audit, "why": KEPT_AUDIT},
                    *({"what": what, "count": None, "why": why} for what, why in _KEPT),
                ],
            }
            row.certificate = signed(body, audit_chain.signing_key(session, now))
            row.status, row.completed_at, row.progress_percent, row.phase = "completed", now, 100, ""
            row.sealed_user_id = row.error_message = row.next_attempt_at = row.claimed_by = row.claimed_until = None
            repository.save(session, row)
            payload = {"user_hash": row.user_hash, "removed": dict(before), "kept_audit_records": audit}
            identity.record_audit(
                session, SYSTEM_ACTOR, "erasure.complete", "erasure", row.id, project_slug=person.slug, payload=payload
            )

    def _tell(self, phase: str, percent: int) -> None:
        """Show where the work is and keep it. Stopped when the process ends or somebody else has it."""
        self._phase, self._percent = phase, percent
        self._keep()

    def _keep(self) -> None:
        if self._tools.is_stopping():
            raise Stopped
        with self._tools.transaction() as session:
            row = self._mine(session)
            row.phase, row.progress_percent = self._phase[:200], self._percent
            row.claimed_until = self._tools.clock.now() + LEASE
            repository.save(session, row)

    def _mine(self, session: Session) -> Erasure:
        row = repository.claimed(session, self._id, self._holder)
        if row is None:
            raise Stopped
        return row


_KEPT: Final = (
    ("own audit trail", KEPT_TRAIL),
    ("counts without ids", KEPT_COUNTS),
    ("free text", KEPT_TEXT),
    ("backups", KEPT_BACKUPS),
)
