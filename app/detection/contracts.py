"""What detection takes and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.metrics.contracts import ScopeType


class Outcome(StrEnum):
    """How the judgement of a bucket ended. Unknown always carries a reason and is never shown as fine."""

    OK = "ok"
    ANOMALY = "anomaly"
    UNKNOWN = "unknown"


class Direction(StrEnum):
    """More or less than expected."""

    SPIKE = "spike"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """A project's settings (contract 6.1)."""

    anomaly_detection_enabled: bool = False
    detect_project_total: bool = True
    detect_event_types: bool = True
    detect_events: bool = True
    baseline_window_buckets: int = 14
    min_history_buckets: int = 7
    sigma_threshold: float = 3.0
    min_expected_count: int = 10


class Judgement(NamedTuple):
    """One bucket judged. `expected`, `spread` and `score` are None when the outcome is unknown.

    A tuple, since a chart of months has thousands, and a frozen dataclass takes ten times as long to make.
    """

    bucket: datetime
    actual: int | None
    outcome: Outcome
    expected: float | None = None
    spread: float | None = None
    score: float | None = None
    direction: Direction | None = None
    reason: str = ""


class SignalState(StrEnum):
    """Where a signal stands relative to the newest collected bucket."""

    LATEST_SCAN = "latest_scan"
    RECENT = "recent"


@dataclass(frozen=True, slots=True)
class Signal:
    """The newest anomaly of one scope that still counts (contract 6.6)."""

    scan_config_id: str
    scan_name: str
    scope_type: ScopeType
    scope_ref: str
    scope_name: str
    state: SignalState
    bucket: datetime
    direction: Direction
    actual_count: int
    expected_count: float
    stddev: float
    z_score: float
    event_id: str | None
    event_type_id: str | None
    # Why nobody is alerted: a planned event or a verdict says that it is expected. Empty for all other signals.
    expected_because: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """Consecutive anomalous buckets of one scope and direction, shown as one line of the inbox."""

    scan_config_id: str
    scope_type: ScopeType
    scope_ref: str
    scope_name: str
    direction: Direction
    started_at: datetime
    ended_at: datetime
    peak_at: datetime
    peak_actual: int
    peak_expected: float
    peak_z_score: float
    bucket_count: int
    is_active: bool
    event_id: str | None
    related_count: int
    event_type_id: str | None = None
    # Why it is expected, as a planned event or a verdict says; empty when neither does.
    expected_because: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What one evaluation of a scan left: anomalies stored in its window, signals active now, series that are unknown now."""

    anomaly_count: int = 0
    signal_count: int = 0
    unknown_count: int = 0


@dataclass(frozen=True, slots=True)
class SeriesOutcome:
    """How the newest evaluated bucket of one series ended; `reason` says why it is unknown."""

    scan_config_id: str
    scope_type: ScopeType
    scope_ref: str
    scope_name: str
    outcome: Outcome
    reason: str
    bucket: datetime
    evaluated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """A project's settings with the identity of their row."""

    id: str
    project_id: str
    settings: DetectionSettings
    created_at: datetime
    updated_at: datetime
