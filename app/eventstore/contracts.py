"""What the event store takes in and hands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

EVENT_COLUMNS = (
    "tenant_id",
    "project_id",
    "kind",
    "source",
    "name",
    "time",
    "received_at",
    "id",
    "actor_id",
    "session_id",
    "severity",
    "status",
    "value",
    "ip",
    "environment",
    "verdict",
    "verdict_reason",
    "plan_revision",
    "body",
    "properties",
)
"""Columns of the `events` table that a row of a batch may set; absent ones take their default.

tenant_id, project_id   text ids; every query carries both first
kind                    event | log | security | audit
source, name            service and event name (low cardinality)
time, received_at       DateTime64(3) UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`
value                   Float64, nullable; for product events the duration in milliseconds
verdict                 accepted | flagged, with `verdict_reason` empty for accepted
plan_revision           the plan that the verdict comes from, as `ProjectPlan.revision` has it; empty when none was asked
body                    free text of a log line
properties              canonical JSON object as text
"""

QUARANTINE_COLUMNS = ("tenant_id", "project_id", "kind", "received_at", "reason", "raw", "message_id")
"""Columns of the `quarantine` table: received and refused, kept as text (at most 16 KiB) with the reason. `message_id` tells what
came on a road that repeats messages after a crash; it is empty elsewhere."""


# What one question for buckets answers at most when the asker names no limit.
MOST_BUCKETS = 10_000_000


@dataclass(frozen=True, slots=True)
class EventRow:
    """One stored event, or one quarantined record (then `verdict` is quarantined and `properties` the raw text)."""

    id: str
    kind: str
    source: str
    name: str
    time: datetime
    received_at: datetime
    actor_id: str
    session_id: str
    severity: str
    status: str
    value: float | None
    verdict: str
    verdict_reason: str
    body: str
    properties: str
    plan_revision: str = ""


@dataclass(frozen=True, slots=True)
class GroupCount:
    """Rows of one (source, name) pair, with the first and last event time."""

    source: str
    name: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class BucketCount:
    """Rows of one (source, name) pair in the bucket that starts at `bucket`."""

    source: str
    name: str
    bucket: datetime
    count: int


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """Range of event times among rows received after an instant, and the newest reception."""

    oldest_time: datetime
    newest_time: datetime
    newest_received_at: datetime


class RecentId(NamedTuple):
    """What an event, or a refused message, is recognised by when it comes again; `received_at` is milliseconds since 1970."""

    project_id: str
    id: str
    received_at: int


Block = Sequence[bytes | memoryview]
"""The parts of a block, one behind the other: the many columns of a large one need not be copied together first."""


class EventStore(Protocol):
    """Reads and writes of accepted events. Every read names tenant and project first. Errors: Unavailable."""

    def ping(self) -> bool:
        """Whether the store runs a statement within two seconds; never raises."""
        ...

    def insert_lines(self, table: str, lines: bytes, *, rows: int, token: str) -> None:
        """Store NDJSON rows in `events` or `quarantine`, exactly once per token.

        `lines` has one JSON object per line with the table's columns, `rows` of them, no blank line and no line break inside
        a row. `token` is globally unique per batch: the same rows under a second token are stored a second time, other rows
        under a used token are dropped. Nothing of a Rejected batch is stored; the caller may split it under fresh tokens.
        After Unavailable part of it may be stored: the caller sends the very same batch with the same token again.
        """
        ...

    def insert_block(self, table: str, block: Block, *, columns: Sequence[str], rows: int, token: str) -> None:
        """Like `insert_lines`, for rows in ClickHouse's Native format with these columns; far cheaper for large batches."""
        ...

    def count_groups(self, tenant_id: str, project_id: str, kind: str, start: datetime, stop: datetime) -> Sequence[GroupCount]:
        """Groups in [start, stop), largest first."""
        ...

    def count_buckets(
        self,
        tenant_id: str,
        project_id: str,
        kind: str,
        start: datetime,
        stop: datetime,
        *,
        seconds: int,
        anchor: datetime,
        limit: int = MOST_BUCKETS,
    ) -> Sequence[BucketCount]:
        """At most `limit` counts per group and bucket in [start, stop), from the one-minute roll-up."""
        ...

    def received_span(self, tenant_id: str, project_id: str, kind: str, after: datetime | None) -> ReceivedSpan | None:
        """The span of rows received after the instant (all rows when None); None when there are none."""
        ...

    def recent(
        self, tenant_id: str, project_id: str, *, after: datetime | None, limit: int, name: str | None = None
    ) -> Sequence[EventRow]:
        """Newest received first, events and quarantined records merged."""
        ...

    def recent_ids(self, after: datetime, limit: int) -> Sequence[RecentId]:
        """Ids of product events and message ids of refused ones, of all tenants, received since the instant, newest first."""
        ...

    def stored_bytes(self, tenant_ids: Sequence[str]) -> Mapping[str, int]:
        """About how much the events of each of these tenants take on disk, compressed; those without events are left out."""
        ...

    def quarantined_count(self, tenant_id: str, project_id: str, after: datetime) -> int:
        """Refused records received after the instant."""
        ...

    def select(self, sql: str, tenant_id: str, project_id: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Rows of a SELECT that an area's repository wrote. `{database}` names the database, `{{name:Type}}` binds a
        parameter (doubled braces: the text goes through `str.format`); it must filter by `{{tenant:String}}` and
        `{{project:String}}`, else ValueError. Times come as UTC."""
        ...

    def delete_project(self, tenant_id: str, project_id: str) -> None:
        """Remove every row of the project from all tables, roll-ups included."""
        ...

    def count_by_month(
        self, table: str, tenant_id: str, project_id: str, condition: str, parameters: Mapping[str, object]
    ) -> dict[int, int]:
        """Rows of the project that meet the condition, by month of the table's time as 202611. The condition is SQL that an
        area's repository wrote, with parameters as in `select`; the store itself limits it to tenant and project."""
        ...

    def remove_month(
        self,
        table: str,
        month: int,
        tenant_id: str,
        project_id: str,
        condition: str,
        parameters: Mapping[str, object],
        *,
        is_rewritten: bool = False,
    ) -> None:
        """Remove what `count_by_month` counts in one month. Rows are gone for every query on return, and from disk with the
        next merge; `is_rewritten` writes the files anew without them before it returns. Safe to repeat."""
        ...


class Rejected(Exception):
    """The store refuses the data itself; trying again cannot help, parts of the batch may still be good."""
