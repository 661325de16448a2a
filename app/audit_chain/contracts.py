"""Entries of the chain, checkpoints, and what a verification finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RecordKind(StrEnum):
    """Where a chained record lives."""

    INGESTED = "ingested"
    """A record that a client sent; a row of the event store."""
    OWN = "own"
    """An entry of this instance's own audit trail."""


class Absence(StrEnum):
    """Why a record may be missing although its entry stands."""

    WITHHELD = "withheld"
    """An export of one project holds the bodies of that project only."""
    EXPIRED = "expired"
    """Older than the retention of the event store."""
    REMOVED = "removed"
    """Deleted with its project or tenant, which the own audit trail notes."""


class FaultKind(StrEnum):
    """What was done to the records or to the chain."""

    EDITED = "edited"
    DELETED = "deleted"
    REORDERED = "reordered"
    CUT = "cut"
    REWRITTEN = "rewritten"
    """The chain is consistent in itself and contradicts a signed checkpoint."""
    FORGED = "forged"
    """A signature does not fit, or its key is not one of those that are trusted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of a tenant's chain. Times are ISO texts in UTC, hashes lower-case hexadecimal; `project_id` may be empty."""

    tenant: str
    seq: int
    kind: str
    record_id: str
    project_id: str
    record_time: str
    sealed_at: str
    digest: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement that the tenant's chain had this hash at this sequence number at that time."""

    tenant: str
    seq: int
    hash: str
    signed_at: str
    key_id: str
    signature: str


@dataclass(frozen=True, slots=True)
class Link:
    """An entry with its record: the document, or why there is none; None when it should be there and is not."""

    entry: Entry
    record: Mapping[str, Any] | Absence | None


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain does not hold. `seq` is the number of the entry that is wrong or missing."""

    kind: FaultKind
    tenant: str
    seq: int
    record_id: str
    message: str


@dataclass(frozen=True, slots=True)
class Count:
    """How much was looked at; `absent` of the entries had no record for an accepted reason."""

    entries: int = 0
    checkpoints: int = 0
    absent: int = 0

    def __add__(self, other: Count) -> Count:
        """Both together."""
        return Count(self.entries + other.entries, self.checkpoints + other.checkpoints, self.absent + other.absent)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a verification. `unsealed` records are stored and not yet chained; `notes` limit what it proves."""

    tenants: int
    count: Count
    fault: Fault | None = None
    unsealed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return self.fault is None
