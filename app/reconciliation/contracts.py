"""Data against plan, and one path of data against another, as pages, routes and scans see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.plan.contracts import EventStatus


class ShadowStatus(StrEnum):
    """What people decided about an event that the plan does not have."""

    NEW = "new"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class UnmatchedEvent:
    """An identity that one run counted and the plan does not have, within the limits of the plan's names.

    `first_bucket` and `last_bucket` are the oldest and newest bucket with rows.
    """

    event_type: str
    name: str
    count: int
    first_bucket: datetime
    last_bucket: datetime


@dataclass(frozen=True, slots=True)
class ShadowCandidate:
    """An identity that data has and the plan does not. `observed_count` is that of the run that saw it last."""

    id: str
    scan_config_id: str
    scan_config_name: str
    event_type_id: str | None
    event_type_name: str | None
    event_name: str
    observed_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    status: ShadowStatus
    accepted_event_id: str | None


@dataclass(frozen=True, slots=True)
class ShadowList:
    """One page of candidates, most frequent first. `total` follows the filter; `new_count` is of the whole project."""

    items: list[ShadowCandidate]
    total: int
    new_count: int


@dataclass(frozen=True, slots=True)
class AcceptedShadow:
    """A candidate that became an event."""

    candidate_id: str
    event_id: str
    status: ShadowStatus


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """A planned event that data is silent about."""

    event_id: str
    name: str
    event_type_id: str
    event_type_name: str
    last_seen_at: datetime | None
    created_at: datetime
    status: EventStatus


@dataclass(frozen=True, slots=True)
class ArchivedEvents:
    """Events that were given a status; ids are distinct."""

    event_ids: list[str]
    status: EventStatus


@dataclass(frozen=True, slots=True)
class CoverageBucketCount:
    """Rows of a bucket, and those that belong to an event of the plan."""

    bucket: datetime
    total_count: int
    matched_count: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Buckets oldest first, and their sums; `coverage_pct` is 0 to 100 with two decimals, 0 when nothing was counted."""

    items: list[CoverageBucketCount]
    total_count: int
    matched_count: int
    coverage_pct: float
    days: int


@dataclass(frozen=True, slots=True)
class TypeCoverage:
    """Rows of one event type of main, and those of its planned events."""

    event_type_id: str
    name: str
    total_count: int
    matched_count: int


@dataclass(frozen=True, slots=True)
class ScanChoice:
    """A scan of the project."""

    id: str
    name: str
    is_builtin: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether scans have held data against the plan at all: how many there are, and when the newest completed run ended."""

    scan_count: int
    compared_at: datetime | None
