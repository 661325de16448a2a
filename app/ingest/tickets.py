"""What a request waits for in the write-ahead log, and how the requests of one flush become frames."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.ingest.columns import encode_columns
from app.ingest.frames import frame_header
from app.ingest.records import RecordLines
from app.ingest.rules import Cleaned


@dataclass(slots=True, eq=False)
class Ticket:
    """One request: events, with their columns when they are many, or `records` of another surface.

    `ids` are those that producers gave; `committed` is done when everything is on disk, `stored` when the event store has it.
    """

    cleaned: Cleaned | None
    columns: bytes
    committed: asyncio.Future[None]
    stored: asyncio.Future[None] | None
    records: RecordLines | None = None
    ids: Sequence[str] = ()


def frames_of(tickets: list[Ticket]) -> list[bytes]:
    """The frames of a group: one for the rows of all small requests, one for each large one, one for all that was refused."""
    buffers: list[bytes] = []
    small = [ticket.cleaned for ticket in tickets if ticket.cleaned is not None and ticket.cleaned.values]
    if small:
        columns = encode_columns(small)
        buffers += (frame_header("events", sum([batch.count for batch in small]), columns), columns)
    for ticket in tickets:
        if ticket.columns and ticket.cleaned is not None:
            buffers += (frame_header("events", ticket.cleaned.count, ticket.columns), ticket.columns)
        if ticket.records is not None:
            records = ticket.records
            if records.rows:
                buffers += (frame_header("records", records.rows, records.lines), records.lines)
            if records.refused_rows:
                buffers += (frame_header("quarantine", records.refused_rows, records.refused_lines), records.refused_lines)
    refused = [ticket.cleaned for ticket in tickets if ticket.cleaned is not None and ticket.cleaned.faults]
    if refused:
        lines = b"".join([batch.quarantine for batch in refused])
        buffers += (frame_header("quarantine", sum([len(batch.faults) for batch in refused]), lines), lines)
    return buffers
