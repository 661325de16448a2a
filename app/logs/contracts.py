"""What the log area takes and hands out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.ingest.service import RecordLines


class Mode(StrEnum):
    """What `POST /v0/datasources` does with rows that are there already."""

    CREATE = "create"
    APPEND = "append"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose rows are read or written."""

    tenant_id: str
    project_id: str


@dataclass(frozen=True, slots=True)
class Received:
    """What became of the rows of one request; `lines` are still to be made durable by the caller."""

    successful: int
    quarantined: int
    lines: RecordLines | None


@dataclass(frozen=True, slots=True)
class ThresholdView:
    """The row in force for a service and severity; an inactive one switches its threshold off."""

    service: str
    severity: str
    threshold_per_minute: float
    active: bool
    updated_at: datetime
