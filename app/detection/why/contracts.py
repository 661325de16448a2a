"""What the ranking of explanations takes and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.detection.contracts import Direction
from app.metrics.contracts import SeriesKey


class Cause(StrEnum):
    """What kind of thing explains a signal."""

    PLANNED_EVENT = "planned_event"
    ANNOTATION = "annotation"
    RELEASE = "release"
    PLAN_CHANGE = "plan_change"
    SCHEMA_DRIFT = "schema_drift"
    BREAKDOWN = "breakdown"
    SOURCE = "source"
    LOG_ERRORS = "log_errors"


@dataclass(frozen=True, slots=True)
class Subject:
    """The departure to explain: one series from its first abnormal bucket to the end of its last one."""

    key: SeriesKey
    direction: Direction
    bucket: datetime
    last_bucket: datetime
    width: timedelta
    actual: float
    expected: float

    @property
    def delta(self) -> float:
        """Counted less expected, in the first bucket."""
        return self.actual - self.expected

    @property
    def stop(self) -> datetime:
        """The end of the last abnormal bucket."""
        return self.last_bucket + self.width


@dataclass(frozen=True, slots=True)
class ValueMove:
    """One value of a column in the first bucket, beside its usual share of what was expected; `ref` is set for a scope."""

    column: str
    value: str
    actual: float
    expected: float
    ref: str = ""


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """A planned event that touches the departure."""

    id: str
    name: str
    note: str
    starts_at: datetime
    ends_at: datetime
    is_of_scope: bool


@dataclass(frozen=True, slots=True)
class ChartMark:
    """An annotation near the departure."""

    id: str
    label: str
    at: datetime
    is_of_scope: bool


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release that came into use; `observed` and `expected` are this series' counts from it, at the older releases' rate.

    Both are None where a rate says nothing, as for a project's total.
    """

    version: str
    appeared_at: datetime
    share: float
    observed: float | None = None
    expected: float | None = None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A branch that was merged, or a revision; `touched` names what it changed of the series, empty for nothing of it."""

    id: str
    name: str
    at: datetime
    is_merge: bool
    change_count: int
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """A schema drift of the series' event type with the moment of its first detection."""

    id: str
    event_type_name: str
    field_name: str
    drift_type: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the scan's source did around the departure. Shares are of rows that belong to an event of the plan."""

    missing_buckets: int = 0
    failed_runs: int = 0
    other_series: int = 0
    other_fallen: int = 0
    total_actual: float = 0
    total_expected: float = 0
    matched_share: float | None = None
    usual_matched_share: float | None = None


@dataclass(frozen=True, slots=True)
class LogBurst:
    """Error lines of one service around the first bucket, and how many are usual in as much time."""

    service: str
    count: int
    usual: float


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything recorded near a departure. `not_seen` says what could not be looked at, in sentences without a full stop."""

    values: tuple[ValueMove, ...] = ()
    planned: tuple[PlannedWindow, ...] = ()
    marks: tuple[ChartMark, ...] = ()
    releases: tuple[NewRelease, ...] = ()
    plan_changes: tuple[PlanChange, ...] = ()
    drifts: tuple[FieldDrift, ...] = ()
    source: SourceState = SourceState()
    logs: tuple[LogBurst, ...] = ()
    not_seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explanation. `strength` is 0 to 1; `ref` names the thing for a link; `figures` are the numbers behind the sentence."""

    cause: Cause
    title: str
    sentence: str
    strength: float
    ref: str = ""
    figures: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Explanations, strongest first. Without any the answer is unknown, and `reason` says why."""

    explanations: tuple[Explanation, ...]
    reason: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether nothing accounts for the departure."""
        return not self.explanations
