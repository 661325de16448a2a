"""An erasure as others see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ErasureStatus(StrEnum):
    """How far it is; a running one that meets an obstacle keeps running and says so in `error_message`."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ErasureView:
    """One request. The user id itself is nowhere in it; `removed` is by kind of data and empty until it is counted."""

    id: str
    status: ErasureStatus
    user_hash: str
    requested_by: str
    requested_at: datetime
    phase: str
    progress_percent: int
    removed: Mapping[str, int]
    error_message: str | None
    completed_at: datetime | None
    has_certificate: bool
