"""Compiled writing of the columns of what `scan` found."""

from __future__ import annotations

from typing import Final

from app.ingest.compilation import Numbers, compiled
from app.ingest.scan import (
    DURATION,
    ENVIRONMENT,
    ID,
    IP,
    OPERATION,
    SERVICE,
    SESSION,
    SEVERITY,
    STATUS,
    TIMESTAMP,
    USER,
)
from app.ingest.scan_values import copy, copy_sized

WRITTEN_COLUMNS: Final = 12
FRESH_LENGTH: Final = 36
"""Of an id for an event without one."""


@compiled
def write(  # noqa: PLR0912
    text: Numbers, count: int, places: Numbers, lengths: Numbers, times: Numbers, bits: Numbers, properties: Numbers, ends: Numbers,
    fresh: Numbers, into: Numbers, column_ends: Numbers, ids: Numbers,
) -> int:  # fmt: skip
    """The columns of what was scanned, one behind the other: service, operation, time, id, user, session, severity, status,
    duration, address, environment, properties. `bits` are those of the durations; `fresh` are ids for the events without one.
    `ids` gets all ids, a line for each; how many bytes that are."""
    at = column = used = listed = 0
    for member in (SERVICE, OPERATION, TIMESTAMP, ID, USER, SESSION, SEVERITY, STATUS, DURATION, IP, ENVIRONMENT):
        if member == TIMESTAMP:
            for row in range(count):
                moment = times[row]
                for _ in range(8):
                    into[at] = moment & 255
                    moment >>= 8
                    at += 1
        elif member == DURATION:
            for row in range(count):
                into[at + row] = lengths[row, DURATION] == 0
            at += count
            for row in range(count):
                number = bits[row]
                for _ in range(8):
                    into[at] = number & 255
                    number >>= 8
                    at += 1
        else:
            for row in range(count):
                if member == ID and lengths[row, ID] == 0:
                    at = copy_sized(fresh, used, FRESH_LENGTH, into, at)
                    listed = copy(fresh, used, FRESH_LENGTH, ids, listed)
                    used += FRESH_LENGTH
                else:
                    at = copy_sized(text, places[row, member], lengths[row, member], into, at)
                    if member == ID:
                        listed = copy(text, places[row, ID], lengths[row, ID], ids, listed)
                if member == ID:
                    ids[listed] = 10
                    listed += 1
        column_ends[column] = at
        column += 1
    begin = 0
    for row in range(count):
        at = copy_sized(properties, begin, ends[row] - begin, into, at)
        begin = ends[row]
    column_ends[column] = at
    return listed
