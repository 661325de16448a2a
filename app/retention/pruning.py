"""The pass that removes what is too old, in steps short enough for others to work between them.

Every step can be repeated, so a pass that was cut off leaves nothing to repair. Records that are acknowledged and not yet in the
event store are not looked at. Opens its own transactions, none of them around a call to the event store.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.audit_chain import service as audit_chain
from app.eventstore.contracts import EventStore
from app.kernel.errors import AppError
from app.kernel.setting_groups import RetentionSettings
from app.kernel.telemetry import RETENTION_REMOVED
from app.retention import repository
from app.retention.contracts import Kind
from app.retention.repository import Place
from app.security.plans import plan_of

BATCH: Final = 500
COUNTS_SPAN: Final = timedelta(days=1)
"""How much of a scan's counts one transaction deletes."""
SEALED_FOR: Final = timedelta(minutes=10)
"""Audit records are removed so long after they were received at the earliest, when they have been chained."""

Transaction = Callable[..., AbstractContextManager[Session]]
log = logging.getLogger("plumbline.retention")


class TimeIsUp(Exception):
    """The pass has used its time; the next one goes on."""


@dataclass(slots=True)
class Pruning:
    """One pass. `removed` and `errors` fill up by kind."""

    store: EventStore
    transaction: Transaction
    bounds: RetentionSettings
    now: datetime
    until: float
    removed: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)
    is_cut_off: bool = False

    def run(self) -> None:
        """Prune kind by kind; one that fails does not hold the others back."""
        for kind in Kind:
            try:
                self._prune(kind)
            except TimeIsUp:
                self.is_cut_off = True
                return
            except AppError as fault:
                self.errors[kind.value] = fault.message
            except SQLAlchemyError as fault:
                log.exception("the retention of %s failed", kind.value)
                self.errors[kind.value] = f"The database refused ({type(fault).__name__})"

    def _prune(self, kind: Kind) -> None:
        days = int(getattr(self.bounds, kind.setting))
        if kind is Kind.SECURITY:
            self._prune_security(days)
        elif days:
            before = self.now - timedelta(days=days)
            match kind:
                case Kind.EVENT | Kind.LOG:
                    for place in self._places():
                        self._remove_events(kind, place, before)
                case Kind.AUDIT:
                    self._prune_audit(before)
                case Kind.QUARANTINE:
                    self._prune_quarantine(before)
                case Kind.METRIC:
                    self._prune_counts(before)
                case Kind.DELIVERY:
                    self._in_batches(kind, lambda session: repository.delete_deliveries(session, before, BATCH))
                case Kind.JOB:
                    self._in_batches(kind, lambda session: repository.delete_scan_jobs(session, before, BATCH))
                    self._in_batches(kind, lambda session: repository.delete_looks(session, before, BATCH))

    def _prune_security(self, days: int) -> None:
        """What the plan hides for good (contract C.7), and what the setting keeps for a shorter time."""
        for place in self._places():
            most = plan_of(place.tenant_plan).retention_days
            before = self.now - timedelta(days=min(days, most) if days else most)
            self._remove_events(Kind.SECURITY, place, before)
            with self.transaction() as session:
                self._count(Kind.SECURITY, repository.delete_security(session, place.project_id, before))

    def _prune_audit(self, before: datetime) -> None:
        """Records that are chained; the chain keeps their entries, and the own trail says that they may be absent."""
        with self.transaction(write=False) as session:
            places = audit_chain.sealed_places(session)
        parameters = {"before": _milliseconds(before), "sealed": _milliseconds(self.now - SEALED_FOR)}
        due = {}
        for (tenant_id, project_id), is_sealed in places.items():
            months = self.store.count_by_month("events", tenant_id, project_id, repository.AUDIT_BEFORE, parameters)
            if months and is_sealed:
                due[tenant_id, project_id] = months
            elif months:
                self.errors[Kind.AUDIT.value] = "Records wait to be sealed; what is not sealed is not removed"
        if not due:
            return
        with self.transaction() as session:
            audit_chain.note_pruned(session, before, sum(sum(months.values()) for months in due.values()))
        for tenant_id, project_id in due:
            self._remove(Kind.AUDIT, "events", tenant_id, project_id, repository.AUDIT_BEFORE, parameters)
            self._remove(None, "audit_facts", tenant_id, project_id, repository.FACTS_BEFORE, parameters)
            self._remove(None, "audit_hours", tenant_id, project_id, repository.HOURS_BEFORE, parameters)

    def _prune_quarantine(self, before: datetime) -> None:
        parameters = {"before": _milliseconds(before)}
        for place in self._places():
            self._remove(Kind.QUARANTINE, "quarantine", place.tenant_id, place.project_id, repository.QUARANTINE_BEFORE, parameters)
        with self.transaction() as session:
            repository.delete_replayed(session, before)

    def _prune_counts(self, before: datetime) -> None:
        with self.transaction(write=False) as session:
            scans = repository.scan_ids(session)
        for scan_id in scans:
            for table in repository.METRIC_TABLES:
                count: int | None = 0
                while count is not None:
                    self._check_time()
                    with self.transaction() as session:
                        count = repository.delete_oldest_counts(session, table, scan_id, before, COUNTS_SPAN)
                    self._count(Kind.METRIC, count or 0)
        parameters = {"before": _milliseconds(before)}
        for place in self._places():
            self._remove(Kind.METRIC, "events_1m", place.tenant_id, place.project_id, repository.ROLLUP_BEFORE, parameters)

    def _remove_events(self, kind: Kind, place: Place, before: datetime) -> None:
        parameters = {"kind": kind.value, "before": _milliseconds(before)}
        self._remove(kind, "events", place.tenant_id, place.project_id, repository.EVENTS_BEFORE, parameters)

    def _remove(
        self,
        kind: Kind | None,
        table: str,
        tenant_id: str,
        project_id: str,
        condition: str,
        parameters: Mapping[str, object],
    ) -> None:
        """Remove rows month by month; they count under the kind, or not at all when they only accompany others."""
        self._check_time()
        for month, count in self.store.count_by_month(table, tenant_id, project_id, condition, parameters).items():
            self._check_time()
            self.store.remove_month(table, month, tenant_id, project_id, condition, parameters)
            if kind is not None:
                self._count(kind, count)

    def _in_batches(self, kind: Kind, delete: Callable[[Session], int]) -> None:
        count = BATCH
        while count == BATCH:
            self._check_time()
            with self.transaction() as session:
                count = delete(session)
            self._count(kind, count)

    def _places(self) -> Iterator[Place]:
        with self.transaction(write=False) as session:
            found = repository.places(session)
        yield from found

    def _count(self, kind: Kind, rows: int) -> None:
        if rows:
            self.removed[kind.value] += rows
            RETENTION_REMOVED.labels(kind=kind.value).inc(rows)

    def _check_time(self) -> None:
        if time.monotonic() >= self.until:
            raise TimeIsUp


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
