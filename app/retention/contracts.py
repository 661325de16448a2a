"""Kinds of data with a bound of their own, and what a pass over them came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What has a bound of its own."""

    EVENT = "event"
    LOG = "log"
    SECURITY = "security"
    AUDIT = "audit"
    QUARANTINE = "quarantine"
    METRIC = "metric"
    DELIVERY = "delivery"
    JOB = "job"

    @property
    def setting(self) -> str:
        """The setting that holds its days."""
        return f"retention_{self.value}_days"


WORDS: Final[Mapping[Kind, str]] = {
    Kind.EVENT: "Product events",
    Kind.LOG: "Log lines",
    Kind.SECURITY: "Security events",
    Kind.AUDIT: "Audit records",
    Kind.QUARANTINE: "Refused records",
    Kind.METRIC: "Counts",
    Kind.DELIVERY: "Alert deliveries",
    Kind.JOB: "Jobs that have ended",
}


class RunStatus(StrEnum):
    """How far a pass is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    """The time was up; the next pass goes on."""
    FAILED = "failed"
    """Some kinds could not be pruned; `errors` says why, and the next pass tries again."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One pass. `removed` and `errors` are by kind; kinds without a bound are missing from both."""

    id: str
    status: RunStatus
    is_manual: bool
    removed: Mapping[str, int]
    errors: Mapping[str, str]
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bound:
    """How many days a kind is kept, 0 for no bound of its own."""

    kind: Kind
    days: int


@dataclass(frozen=True, slots=True)
class RetentionView:
    """The bounds, the bound over all stored events, and the newest pass that ended."""

    bounds: tuple[Bound, ...]
    most_days: int
    last_run: RunView | None
    is_requested: bool
