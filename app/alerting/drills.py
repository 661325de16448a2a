"""Fire drills as people see them: stages, deadlines, and what is said when one breaks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

CANARY_SOURCE: Final = "plumbline.drill"
CANARY_NAME: Final = "canary"
CANARY_COUNT: Final = 400
"""Records of a drill; the history beside them holds about a hundred in every bucket."""

USUAL_COUNTS: Final = (100, 97, 104, 99, 102, 96, 101)
HISTORY_BUCKETS: Final = 48


class DrillInterval(StrEnum):
    """How often a drill runs by itself."""

    HOURLY = "hourly"
    DAILY = "daily"

    @property
    def duration(self) -> timedelta:
        """The time from one drill to the next."""
        return timedelta(hours=1) if self is DrillInterval.HOURLY else timedelta(days=1)


class DrillOutcome(StrEnum):
    """How a drill ended. Unknown is a drill that nobody watched to its end; it is never shown as passed."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class DrillStage(StrEnum):
    """What the canary passes, in this order."""

    INGESTED = "ingested"
    COUNTED = "counted"
    DETECTED = "detected"
    DECIDED = "decided"
    DELIVERED = "delivered"


STAGES: Final = tuple(DrillStage)

STAGE_TITLES: Final = {
    DrillStage.INGESTED: "Ingest",
    DrillStage.COUNTED: "Counting",
    DrillStage.DETECTED: "Detection",
    DrillStage.DECIDED: "Rule",
    DrillStage.DELIVERED: "Delivery",
}

DEADLINES: Final = {
    DrillStage.INGESTED: timedelta(seconds=60),
    DrillStage.COUNTED: timedelta(minutes=3),
    DrillStage.DETECTED: timedelta(seconds=60),
    DrillStage.DECIDED: timedelta(seconds=60),
    DrillStage.DELIVERED: timedelta(minutes=2),
}
"""How long each stage may take from the end of the one before."""

LATE_TEXTS: Final = {
    DrillStage.INGESTED: "The event store did not have the canary within 60 seconds.",
    DrillStage.COUNTED: "No scan counted the canary within 3 minutes. Are background jobs switched off, or all workers busy?",
    DrillStage.DETECTED: "The canary was counted, but detection did not look at it within 60 seconds.",
    DrillStage.DECIDED: "The anomaly was found, but the rules were not asked about it within 60 seconds.",
    DrillStage.DELIVERED: "The message was queued, but did not arrive within 2 minutes.",
}

UNWATCHED_AFTER: Final = timedelta(minutes=10)
"""A deadline noticed this much too late says nothing about the stage: Plumbline itself did not run."""

UNWATCHED_TEXT: Final = "Plumbline stopped while the drill ran, so nobody knows how it would have ended."


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """How a project's drill is set up. Without a destination nothing runs."""

    enabled: bool = False
    destination_id: str | None = None
    backup_destination_id: str | None = None
    interval: DrillInterval = DrillInterval.DAILY
    next_run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DrillRunView:
    """One drill. `passed_at` holds the stages that were reached; `detail` says why it failed."""

    id: str
    is_manual: bool
    outcome: DrillOutcome
    failed_stage: DrillStage | None
    detail: str
    bucket: datetime
    started_at: datetime
    finished_at: datetime | None
    passed_at: dict[DrillStage, datetime]
    destination_name: str
    backup_delivery_id: str | None

    @property
    def seconds(self) -> dict[DrillStage, float]:
        """How long each stage that was reached took, from the end of the one before; never below zero."""
        found, before = {}, self.started_at
        for stage in STAGES:
            at = self.passed_at.get(stage)
            if at is None:
                break
            found[stage] = max(0.0, (at - before).total_seconds())
            before = max(at, before)
        return found

    @property
    def total_seconds(self) -> float | None:
        """Time to alert; None for a drill that did not arrive."""
        return sum(self.seconds.values()) if self.outcome is DrillOutcome.PASSED else None


def lateness(stage: DrillStage, since: datetime, now: datetime) -> DrillOutcome | None:
    """What the wait for a stage means: None while there is time, failed when it is late, unknown when nobody watched."""
    waited = now - since
    if waited <= DEADLINES[stage]:
        return None
    return DrillOutcome.UNKNOWN if waited > DEADLINES[stage] + UNWATCHED_AFTER else DrillOutcome.FAILED


def failure_message(project_name: str, destination_name: str, stage: DrillStage | None, outcome: DrillOutcome, detail: str) -> str:
    """What the backup destination is told."""
    if outcome is DrillOutcome.UNKNOWN or stage is None:
        head = f"The fire drill of {project_name} could not be watched to its end."
    else:
        number = STAGES.index(stage) + 1
        head = (
            f"The fire drill of {project_name} failed at: {STAGE_TITLES[stage]} (stage {number} of {len(STAGES)}, {stage.value})."
        )
    return f"{head}\n{detail}\nAlerts of this project may not reach {destination_name} at the moment."
