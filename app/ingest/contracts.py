"""What the parts of the area hand each other about events that break the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ViolationGroup:
    """Events of one name with one fault. `trend` holds counts by hour since the asked instant; examples are JSON text."""

    source: str
    name: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    trend: dict[int, int]
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """One quarantined event with the text it was sent as."""

    fingerprint: str
    source: str
    name: str
    reason: str
    received_at: datetime
    raw: str
