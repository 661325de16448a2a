"""Two ways to read what a run collects; this one is the product's own roll-up, `sql_reader` is any base query on any warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sqlmodel import Session

from app.kernel.intervals import Interval, floor_to_bucket
from app.plan import service as plan
from app.plan.contracts import ObservedEvent, PlanIdentities, ScanTarget
from app.plan.sync import MOST_CREATIONS_PER_PASS
from app.scans import summaries
from app.scans.contracts import ScanFailure
from app.scans.counting import CollectedCounts, collect
from app.scans.layout import listed
from app.scans.property_contracts import checks_of, drifts_in
from app.scans.property_drifts import LEAST_REACH, described, property_drifts
from app.scans.runs import Run
from app.scans.windows import Window
from app.warehouse.contracts import Arrivals, TooManyRows
from app.warehouse.field_checks import CheckedFields
from app.warehouse.observed_properties import ObservedProperty
from app.warehouse.rollup_contracts import Warehouse

T = TypeVar("T")


class Reader(Protocol):
    """Reads for one run, between transactions; only `sync` is called inside one."""

    def arrivals(self, after: datetime | None) -> Arrivals | None:
        """What became readable after the instant."""
        ...

    def look(self, window: Window | None, now: datetime) -> None:
        """Read which events occur in the window, everything when None."""
        ...

    def sync(self, session: Session, now: datetime) -> dict[str, object]:
        """Bring the plan in step with what `look` read; the keys of the summary."""
        ...

    def prepare_counting(self, session: Session, window: Window) -> None:
        """Get ready to count pieces of the window by the names of the plan as it is now."""
        ...

    def count(self, piece: Window) -> CollectedCounts:
        """Count one piece. Errors: ScanFailure for too many rows."""
        ...

    @property
    def tells_arrivals(self) -> bool:
        """Whether rows that come late are noticed."""
        ...

    @property
    def leaves_types_out(self) -> bool:
        """Whether the rows have event types that the plan lacks and that this run does not create."""
        ...

    def close(self) -> None:
        """Give back what was opened."""
        ...


@dataclass(slots=True)
class RollupReader:
    """The built-in store's own counts: event type = source, event name = name."""

    run: Run
    warehouse: Warehouse
    interval: Interval
    targets: Mapping[str, ScanTarget] = field(default_factory=dict)
    checked: CheckedFields = field(default_factory=CheckedFields)
    described: Sequence[str] = ()
    properties: Sequence[ObservedProperty] = ()
    observed: list[ObservedEvent] = field(default_factory=list)
    identities: PlanIdentities = field(default_factory=lambda: PlanIdentities({}, {}))

    def arrivals(self, after: datetime | None) -> Arrivals | None:
        """As Reader."""
        return self.warehouse.arrivals(after)

    def look(self, window: Window | None, now: datetime) -> None:
        """As Reader; names are taken up to this instant, so that an event is in the plan before its first bucket is complete."""
        assert window is not None
        until = max(now, window.stop)
        self.observed = [
            ObservedEvent(group.event_type, group.event_name, group.count, floor_to_bucket(group.last_at, self.interval))
            for group in self.warehouse.catalog(window.start, until)
        ]
        sources = {one.source for one in self.observed}
        self.described = described(self.targets, sources)
        if self.described:
            self.properties = self.warehouse.properties(self.described, min(window.start, until - LEAST_REACH), until)
        checks = checks_of(self.targets, sources)
        if checks:
            self.checked = self.warehouse.field_checks(checks, window.start, until)

    def sync(self, session: Session, now: datetime) -> dict[str, object]:
        """As Reader."""
        result = plan.sync_observed_events(session, self.run.project_id, self.observed)
        drifts = drifts_in(self.targets, self.checked)
        drifts += property_drifts(self.targets, self.described, self.properties)
        drift_count = plan.record_drifts(session, self.run.project_id, self.run.config_id, drifts, now)
        left_out = [f"{one.event_type}.{one.field_name}" for one in self.checked.not_checked]
        notes = [f"Patterns that the event store does not understand were not checked: {listed(left_out)}."] if left_out else []
        keys = summaries.catalog_keys(result, creation_limit=MOST_CREATIONS_PER_PASS)
        return summaries.with_drifts(keys, drift_count, notes)

    def prepare_counting(self, session: Session, window: Window) -> None:  # noqa: ARG002 - nothing is ranked
        """As Reader."""
        self.identities = plan.plan_identities(session, self.run.project_id)

    def count(self, piece: Window) -> CollectedCounts:
        """As Reader."""
        counted = bounded_by(
            self.run.row_limit,
            piece,
            lambda: self.warehouse.count_buckets(piece.start, piece.stop, self.interval, row_limit=self.run.row_limit),
        )
        return collect(self.run.config_id, piece, self.interval, counted, self.identities)

    @property
    def tells_arrivals(self) -> bool:
        """As Reader."""
        return True

    @property
    def leaves_types_out(self) -> bool:
        """As Reader; every source becomes an event type."""
        return False

    def close(self) -> None:
        """As Reader."""


def bounded_by(limit: int, piece: Window, read: Callable[[], T]) -> T:
    """What `read` returns; ScanFailure with the range and the setting when it has too many rows."""
    try:
        return read()
    except TooManyRows:
        span = f"{summaries.timestamp(piece.start)} and {summaries.timestamp(piece.stop)}"
        raise ScanFailure(
            f"More than {limit} metric rows between {span}. Raise metrics_row_limit of this scan or shorten its chunks."
        ) from None
