"""What a request waits for in the write-ahead log, and how the requests of one flush become frames."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.ingest.columns import encode_columns
from app.ingest.frames import Frame
from app.ingest.groups import Waiter
from app.ingest.records import RecordLines
from app.ingest.rules import Cleaned


@dataclass(slots=True, eq=False)
class Ticket:
    """One request or several: events with one key, with their columns when they are many, or `records` of another surface.

    `ids` are what a repetition is recognised by; `waiters` are told True when everything is on disk, `stored` when the event store
    has it.
    """

    cleaned: Cleaned | None
    columns: bytes
    waiters: Sequence[Waiter]
    stored: asyncio.Future[None] | None
    records: RecordLines | None = None
    ids: Sequence[str] = ()
    key_id: str = ""

    @property
    def committed(self) -> asyncio.Future[bool]:
        """Of a ticket with one request: done when everything is on disk."""
        (waiter,) = self.waiters
        assert isinstance(waiter, asyncio.Future)
        return waiter


def frames_of(tickets: list[Ticket]) -> list[Frame]:
    """The frames of a group: one for the rows of all small requests, one for each large one, one for all that was refused."""
    frames: list[Frame] = []
    small = [ticket.cleaned for ticket in tickets if ticket.cleaned is not None and ticket.cleaned.values]
    if small:
        frames.append(Frame("events", sum([batch.count for batch in small]), encode_columns(small)))
    for ticket in tickets:
        if ticket.columns and ticket.cleaned is not None:
            frames.append(Frame("events", ticket.cleaned.count, ticket.columns))
        if ticket.records is not None:
            records = ticket.records
            if records.rows:
                frames.append(Frame("records", records.rows, records.lines))
            if records.refused_rows:
                frames.append(Frame("quarantine", records.refused_rows, records.refused_lines))
    refused = [ticket.cleaned for ticket in tickets if ticket.cleaned is not None and ticket.cleaned.faults]
    if refused:
        lines = b"".join([batch.quarantine for batch in refused])
        frames.append(Frame("quarantine", sum([len(batch.faults) for batch in refused]), lines))
    return frames
