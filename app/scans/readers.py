"""Two ways to read what a run collects; this one is the product's own roll-up, `sql_reader` is any base query on any warehouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sqlmodel import Session

from app.kernel.intervals import Interval, floor_to_bucket
from app.plan import service as plan
from app.plan.contracts import ObservedEvent, PlanIdentities
from app.plan.sync import MOST_CREATIONS_PER_PASS
from app.scans import summaries
from app.scans.contracts import ScanFailure
from app.scans.counting import CollectedCounts, collect
from app.scans.runs import Run
from app.scans.windows import Window
from app.warehouse.contracts import Arrivals, TooManyRows, Warehouse

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

    def close(self) -> None:
        """Give back what was opened."""
        ...


@dataclass(slots=True)
class RollupReader:
    """The built-in store's own counts: event type = source, event name = name."""

    run: Run
    warehouse: Warehouse
    interval: Interval
    observed: list[ObservedEvent] = field(default_factory=list)
    identities: PlanIdentities = field(default_factory=lambda: PlanIdentities({}, {}))

    def arrivals(self, after: datetime | None) -> Arrivals | None:
        """As Reader."""
        return self.warehouse.arrivals(after)

    def look(self, window: Window | None, now: datetime) -> None:
        """As Reader; names are taken up to this instant, so that an event is in the plan before its first bucket is complete."""
        assert window is not None
        self.observed = [
            ObservedEvent(group.event_type, group.event_name, group.count, floor_to_bucket(group.last_at, self.interval))
            for group in self.warehouse.catalog(window.start, max(now, window.stop))
        ]

    def sync(self, session: Session, now: datetime) -> dict[str, object]:  # noqa: ARG002 - names carry their own time
        """As Reader."""
        result = plan.sync_observed_events(session, self.run.project_id, self.observed)
        return summaries.catalog_keys(result, creation_limit=MOST_CREATIONS_PER_PASS)

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
