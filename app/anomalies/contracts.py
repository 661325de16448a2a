"""What the parts of the area hand each other: the events that are looked at, and which anomalies are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

SEVERITIES: Final = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event as the detection reads it."""

    id: str
    received_at: datetime
    time: datetime
    operation: str
    status: str
    duration: float | None
    user_id: str
    session_id: str
    properties: str


@dataclass(frozen=True, slots=True)
class AnomalyFilter:
    """Which anomalies are looked for; None asks for nothing. Both times are inclusive."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    severity: str | None = None
    status: str | None = None
