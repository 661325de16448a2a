"""From decoded events to rows: times, names, ids, properties and the verdict against the plan (contract A.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from typing import Any, Final

import msgspec

from app.ingest.columns import RowBatch, columns_of
from app.ingest.decode import Batch, Event
from app.ingest.fresh_ids import FreshIds
from app.ingest.payloads import EventValues
from app.ingest.places import places_of
from app.ingest.project_plans import ProjectPlan
from app.ingest.quarantine import QuarantineRow, quarantine_lines, raw_text
from app.ingest.single_events import BREAKS_PLAN, EventRules, is_blocked
from app.ingest.times import milliseconds_of, stored_time
from app.ingest.validation import NOT_IN_PLAN, ProjectChecks

DAY: Final = 86_400_000
PLAN_UNAVAILABLE: Final = "plan unavailable"
UNREADABLE: Final = "[left out: it could not be read, so nothing in it could be masked]"


@dataclass(slots=True)
class Cleaned(RowBatch):
    """What became of a batch: rows to store, refused records to keep as NDJSON, and what to tell the producer."""

    flagged: Mapping[str, int]
    blocked: int
    quarantine: bytes
    faults: list[tuple[int, str]]
    has_own_ids: bool = False
    places: Sequence[str] = ()
    """Of every event of a request that may come again, by its position; see `places`."""
    fault_ids: Sequence[str] = ()
    """For each fault the id that the event has nevertheless, or nothing."""
    encoded: bytes = b""
    """The rows where they came into being as columns of the log, without `values`; then `encoded_ids` are theirs."""
    encoded_ids: Sequence[str] = ()

    @property
    def ids(self) -> Sequence[str]:
        """The id of every row to store."""
        ids: Sequence[str] = self.values[EventValues._fields.index("id")] if self.values else self.encoded_ids
        return ids

    @property
    def lasting_ids(self) -> Sequence[str]:
        """What a repetition of the request is recognised by, once it is on disk."""
        ids = self.ids if self.has_own_ids else ()
        return [*ids, *(self.places[position] for position, _ in self.faults)] if self.places else ids

    def joined(self, others: Cleaned) -> Cleaned:
        """The batch with the events of the same request that were looked at apart."""
        values = self.values
        if others.count:
            values = [[*own, *added] for own, added in zip(self.values, others.values, strict=True)]
        return replace(
            others,
            count=self.count + others.count,
            values=values,
            flagged=Counter(self.flagged) + Counter(others.flagged),
            has_own_ids=self.has_own_ids or others.has_own_ids,
        )

    def without(self, left_out: Sequence[bool]) -> Cleaned:
        """The batch without the marked rows."""
        kept = [not mark for mark in left_out]
        values = [list(compress(column, kept)) for column in self.values]
        return replace(self, count=sum(kept), values=values if any(kept) else (), flagged=_flags(values))

    def without_faults(self, left_out: Sequence[bool]) -> Cleaned:
        """The batch without the marked refused records."""
        kept = [not mark for mark in left_out]
        faults = list(compress(self.faults, kept))
        return replace(
            self,
            faults=faults,
            fault_ids=list(compress(self.fault_ids, kept)),
            blocked=_blocked(faults),
            quarantine=b"".join(compress(self.quarantine.splitlines(keepends=True), kept)),
        )


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """How far an event's time may lie from the moment of reception, in milliseconds; never before 1970-01-02."""

    age: int
    future: int

    @classmethod
    def of(cls, *, max_age_days: int, max_future_hours: int) -> TimeWindow:
        """The window in the units of the settings."""
        return cls(max_age_days * DAY, max_future_hours * DAY // 24)


@dataclass(frozen=True, slots=True)
class Reception:
    """Whose events they are, what their plan says, when they came and how far their times may lie from that.

    Events without an id get a random one; with `id_seed` the same ones every time the same body comes with the same seed.
    """

    tenant_id: str
    project_id: str
    plan: ProjectPlan
    window: TimeWindow
    now: datetime
    id_seed: str = ""

    def places(self, count: int) -> Sequence[str]:
        """Where each of so many events stands in a request that may come again; nothing for one that may not."""
        return places_of(self.id_seed, count) if self.id_seed else ()

    def doubtful(self, events: Sequence[Event]) -> set[int]:
        """The positions of the events that the checks of the plan may have something to say of."""
        checks = self.plan.checks
        return checks.doubtful(events, self.plan.known) if checks is not None else set()

    def rules(self, most_events: int) -> EventRules:
        """What holds for each of the events."""
        plan, received_at = self.plan, milliseconds_of(self.now)
        return EventRules(
            received_at=received_at,
            oldest=max(received_at - self.window.age, DAY),
            newest=received_at + self.window.future,
            known=plan.known,
            flag_reason=PLAN_UNAVAILABLE if plan.names is None else NOT_IN_PLAN,
            fresh_ids=FreshIds(most_events, received_at, self.id_seed),
            checks=plan.checks,
            is_plan_known=plan.names is not None,
        )


def clean_usual(events: Sequence[Event], reception: Reception) -> Cleaned | None:
    """The rows of events from plain bodies, of which the plan's checks say nothing, when all of them are usual; else None."""
    rules = reception.rules(len(events))
    found = rules.usual_columns(events)
    if found is None:
        return None
    values, unplanned = found
    return Cleaned(
        reception.tenant_id,
        reception.project_id,
        rules.received_at,
        reception.plan.revision,
        len(events),
        values,
        is_ascii=True,
        flagged={rules.flag_reason: unplanned} if unplanned else {},
        blocked=0,
        quarantine=b"",
        faults=[],
        has_own_ids=bool(reception.id_seed) or rules.fresh_ids.count < len(events),
        places=reception.places(len(events)),
    )


def clean_batch(batch: Batch, reception: Reception) -> Cleaned:
    """Apply the rules, and the project's checks when it has some, to every event."""
    if batch.events is None or not batch.is_plain:
        return _clean_singly(batch, reception, range(len(batch)))
    doubtful = reception.doubtful(batch.events)
    if not doubtful:
        return clean_usual(batch.events, reception) or _clean_singly(batch, reception, range(len(batch)))
    # With a seed the ids are given in the order of the body, whatever the plan says meanwhile.
    usual = None
    if len(doubtful) < len(batch) and not reception.id_seed:
        usual = clean_usual([event for index, event in enumerate(batch.events) if index not in doubtful], reception)
    if usual is None:
        return _clean_singly(batch, reception, range(len(batch)))
    return usual.joined(_clean_singly(batch, reception, sorted(doubtful)))


def _clean_singly(batch: Batch, reception: Reception, positions: Sequence[int]) -> Cleaned:
    """Apply the rules to the events at these positions, one after the other."""
    checks = reception.plan.checks
    rules = reception.rules(len(positions))
    events = batch.singly() if len(positions) == len(batch) else map(batch.single, positions)
    places = reception.places(len(batch))  # with a seed the positions are those of the whole batch
    rows, found, fault_ids = rules.rows_of(events)
    faults = [(positions[index], reason) for index, reason in found]
    values = columns_of(rows)
    quarantine = b""
    if faults:
        stored_at = stored_time(rules.received_at)
        refused = [
            QuarantineRow(
                reception.tenant_id,
                reception.project_id,
                "event",
                stored_at,
                reason,
                _raw(batch, index, checks),
                places[index] if places else "",
            )
            for index, reason in faults
        ]
        quarantine = quarantine_lines(refused)
    return Cleaned(
        reception.tenant_id,
        reception.project_id,
        rules.received_at,
        reception.plan.revision,
        len(rows),
        values,
        batch.is_plain and checks is None,  # with checks a reason may name a field of the plan
        _flags(values),
        _blocked(faults),
        quarantine,
        faults,
        has_own_ids=bool(reception.id_seed) or rules.fresh_ids.count < len(rows),
        places=places,
        fault_ids=fault_ids,
    )


def _blocked(faults: Sequence[tuple[int, str]]) -> int:
    return sum(is_blocked(reason) for _, reason in faults)


def _flags(values: Sequence[Sequence[Any]]) -> Mapping[str, int]:
    """Why rows are flagged, and how many for each reason."""
    if not values:
        return {}
    verdicts, reasons = (values[EventValues._fields.index(name)] for name in ("verdict", "verdict_reason"))
    return Counter(
        reason if reason in (NOT_IN_PLAN, PLAN_UNAVAILABLE) else BREAKS_PLAN
        for verdict, reason in zip(verdicts, reasons, strict=True)
        if verdict == "flagged"
    )


def _raw(batch: Batch, index: int, checks: ProjectChecks | None) -> str:
    raw = batch.raw(index)
    return raw_text(raw) if checks is None or not checks.labelled else _masked(raw, checks.cleaned_event)


def masked_text(raw: bytes | str, checks: ProjectChecks) -> str:
    """The text of a refused record without the values that the project's policy keeps out of every table."""
    return _masked(raw, checks.cleaned)


def _masked(raw: bytes | str, cleaned: Callable[[Any], Any]) -> str:
    try:
        return raw_text(msgspec.json.encode(cleaned(msgspec.json.decode(raw))))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return UNREADABLE
