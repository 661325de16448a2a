"""Compiled reading of usual bodies: from JSON text to the columns of the log without an object for any event.

The functions know bytes only. They read a part of what `decode` and `usual_batch` read, and find the same in it; a body with
anything else is `UNUSUAL`, and read there. The text is ASCII without backslashes, and eight zeros follow each body in it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.ingest.compilation import Numbers, compiled, part
from app.ingest.scan_numbers import UNUSUAL, duration, time
from app.ingest.scan_values import (
    after_space,
    compare,
    object_end,
    string_end,
    write_properties,
)

MEMBERS: Final = (
    "service", "timestamp", "operation", "duration", "status", "user_id", "session_id", "ip_address", "user_agent", "environment",
    "severity", "custom_attributes", "id", "event_id", "idempotency_key",
)  # fmt: skip
SERVICE, TIMESTAMP, OPERATION, DURATION, STATUS, USER, SESSION, IP, AGENT, ENVIRONMENT, SEVERITY, ATTRIBUTES = range(12)
ID, EVENT_ID, KEY = 12, 13, 14
COUNT: Final = len(MEMBERS)
MOST_KINDS: Final = 512
_SLOT_BITS: Final = 11
SLOTS: Final = 1 << _SLOT_BITS
PADDING: Final = 8
"""Zeros behind each body."""
_LONGEST: Final = np.array([255, 64, 500, 0, 500, 500, 500, 64, 4096, 500, 500, 0, 128, 128, 128], dtype=np.int64)
_NAMES: Final = np.frombuffer("".join(MEMBERS).encode(), dtype=np.uint8).copy()
_NAME_BEGINS: Final = np.cumsum([0, *map(len, MEMBERS)])
_LONGEST_NAME: Final = 32
_BY_LENGTH_AND_INITIAL: Final = np.full((_LONGEST_NAME, 128), UNUSUAL, dtype=np.int64)
for _member_number, _name in enumerate(MEMBERS):
    _BY_LENGTH_AND_INITIAL[len(_name), ord(_name[0])] = _member_number
_EVENTS: Final = np.frombuffer(b'"events"', dtype=np.uint8).copy()


@part
def _member(text: Numbers, start: int, length: int) -> int:
    """Which member of an event this key names."""
    if not 0 < length < _LONGEST_NAME or text[start] > 127:
        return UNUSUAL
    member = _BY_LENGTH_AND_INITIAL[length, text[start]]
    if member < 0:
        return UNUSUAL
    begin = _NAME_BEGINS[member]
    for offset in range(1, length):
        if text[start + offset] != _NAMES[begin + offset]:
            return UNUSUAL
    return int(member)


@part
def _opening(text: Numbers, begin: int) -> tuple[int, bool]:
    """Where the first event begins, and whether the array of events stands in an object of its own."""
    at = after_space(text, begin)
    is_envelope = text[at] == 123
    if is_envelope:
        at = after_space(text, at + 1)
        for offset in range(8):
            if text[at + offset] != _EVENTS[offset]:
                return UNUSUAL, is_envelope
        at = after_space(text, at + 8)
        if text[at] != 58:
            return UNUSUAL, is_envelope
        at = after_space(text, at + 1)
    return (after_space(text, at + 1) if text[at] == 91 else UNUSUAL), is_envelope


@part
def _read_event(  # noqa: PLR0911, PLR0912 - in parts it would run more slowly
    text: Numbers, at: int, row: int, places: Numbers, lengths: Numbers, entries: Numbers
) -> tuple[int, int, float]:
    """Where the event ends that begins behind its bracket, how many attributes it has, and its duration."""
    attributes = 0
    value = np.nan
    seen = 0
    at = after_space(text, at)
    while text[at] == 34:
        begin = at + 1
        at = string_end(text, begin)
        if at < 0:
            return UNUSUAL, 0, value
        member = _member(text, begin, at - begin)
        if member < 0 or seen >> member & 1:
            return UNUSUAL, 0, value
        seen |= 1 << member
        at = after_space(text, at + 1)
        if text[at] != 58:
            return UNUSUAL, 0, value
        at = after_space(text, at + 1)
        if text[at] == 34 and member != DURATION and member != ATTRIBUTES:
            begin = at + 1
            at = string_end(text, begin)
            if at < 0 or at - begin > _LONGEST[member]:
                return UNUSUAL, 0, value
            places[row, member] = begin
            lengths[row, member] = at - begin
            at += 1
        elif text[at] == 110 and text[at + 1] == 117 and text[at + 2] == 108 and text[at + 3] == 108:
            at += 4
        elif member == DURATION:
            value, at = duration(text, at)
            if at < 0:
                return UNUSUAL, 0, value
        elif member == ATTRIBUTES and text[at] == 123:
            attributes, at = object_end(text, at + 1, entries)
            if attributes < 0:
                return UNUSUAL, 0, value
        else:
            return UNUSUAL, 0, value
        at = after_space(text, at)
        if text[at] == 125:
            return at + 1, attributes, value
        if text[at] != 44:
            return UNUSUAL, 0, value
        at = after_space(text, at + 1)
    return UNUSUAL, 0, value


@part
def _is_blank(text: Numbers, at: int, length: int) -> bool:
    offset = 0
    while offset < length and text[at + offset] == 32:
        offset += 1
    return offset == length


@part
def _kind(text: Numbers, row: int, places: Numbers, lengths: Numbers, firsts: Numbers, slots: Numbers, known: int) -> int:
    """The number of the first event's kind that has the same service and operation; `known` when there is none."""
    digest = np.uint64(14695981039346656037) ^ np.uint64(lengths[row, SERVICE])
    for member in (SERVICE, OPERATION):
        at, end = places[row, member], places[row, member] + lengths[row, member]
        while at < end:  # four at a time: each multiplication waits for the one before
            word = np.uint64(0)
            for offset in range(min(4, end - at)):
                word = word << np.uint64(8) | np.uint64(text[at + offset])
            digest = (digest ^ word) * np.uint64(0x9E3779B97F4A7C15)
            at += 4
    slot = np.int64(digest >> np.uint64(64 - _SLOT_BITS))
    while slots[slot] >= 0:
        first = firsts[slots[slot]]
        is_same = True
        for member in (SERVICE, OPERATION):
            here, there = places[row, member], places[first, member]
            if is_same and compare(text, here, lengths[row, member], there, lengths[first, member]) != 0:
                is_same = False
        if is_same:
            return int(slots[slot])
        slot = (slot + 1) & (SLOTS - 1)
    if known < MOST_KINDS:
        slots[slot] = known
        firsts[known] = row
    return known


@part
def _scan_body(  # noqa: PLR0911, PLR0912 - in parts it would run more slowly
    text: Numbers, begin: int, most: int, received_at: int, oldest: int, newest: int, places: Numbers, lengths: Numbers,
    times: Numbers, values: Numbers, kinds: Numbers, firsts: Numbers, slots: Numbers, entries: Numbers, properties: Numbers,
    ends: Numbers, stop: int, first: int, kind_count: int, written: int,
) -> tuple[int, int, int]:  # fmt: skip
    """As `scan`, of the body that begins there: the number behind its last row, of all kinds so far, and of its events without
    an id."""
    at, is_envelope = _opening(text, begin)
    if at < 0:
        return UNUSUAL, kind_count, 0
    row = first
    without_id = 0
    while text[at] == 123 and row - first < most and row < times.size:
        for member in range(COUNT):
            places[row, member] = lengths[row, member] = 0
        lengths[row, TIMESTAMP] = UNUSUAL
        at, attributes, value = _read_event(text, at + 1, row, places, lengths, entries)
        if at < 0 or _is_blank(text, places[row, SERVICE], lengths[row, SERVICE]):
            return UNUSUAL, kind_count, 0
        lengths[row, DURATION] = value >= 0
        values[row] = value if value >= 0 else 0.0
        moment = received_at
        if lengths[row, TIMESTAMP] >= 0:
            moment = time(text, places[row, TIMESTAMP], lengths[row, TIMESTAMP])
            if moment < oldest or moment > newest:
                return UNUSUAL, kind_count, 0
        times[row] = moment
        if lengths[row, OPERATION] == 0:
            places[row, OPERATION], lengths[row, OPERATION] = places[row, SERVICE], lengths[row, SERVICE]
        for member in (EVENT_ID, KEY):
            if lengths[row, ID] == 0:
                places[row, ID], lengths[row, ID] = places[row, member], lengths[row, member]
        without_id += lengths[row, ID] == 0
        kinds[row] = _kind(text, row, places, lengths, firsts, slots, kind_count)
        if kinds[row] == MOST_KINDS:
            return UNUSUAL, kind_count, 0
        kind_count = max(kind_count, kinds[row] + 1)
        written = write_properties(text, entries, attributes, places[row, AGENT], lengths[row, AGENT], properties, written)
        if written < 0:
            return UNUSUAL, kind_count, 0
        ends[row] = written
        row += 1
        at = after_space(text, at)
        if text[at] != 44:
            break
        at = after_space(text, at + 1)
        if text[at] != 123:
            return UNUSUAL, kind_count, 0
    if row == first or text[at] != 93:
        return UNUSUAL, kind_count, 0
    at = after_space(text, at + 1)
    if is_envelope:
        if text[at] != 125:
            return UNUSUAL, kind_count, 0
        at = after_space(text, at + 1)
    return (row if at == stop else UNUSUAL), kind_count, without_id


@compiled
def scan(
    text: Numbers, begins: Numbers, most: int, received_at: int, oldest: int, newest: int, places: Numbers, lengths: Numbers,
    times: Numbers, values: Numbers, kinds: Numbers, firsts: Numbers, slots: Numbers, entries: Numbers, properties: Numbers,
    ends: Numbers, counts: Numbers,
) -> tuple[int, int, int]:  # fmt: skip
    """How many events stand in the usual ones of the bodies, of how many kinds, and how many without an id. `begins` says where
    each body begins, and the next one would; `counts` gets its number of events, none when it is unusual or has more than
    `most`. Every other array gets a row for each event."""
    slots[:] = UNUSUAL
    row = kind_count = without_id = 0
    for body in range(counts.size):
        end, kinds_by_now, added = _scan_body(
            text, begins[body], most, received_at, oldest, newest, places, lengths, times, values, kinds, firsts, slots, entries,
            properties, ends, begins[body + 1] - PADDING, row, kind_count, ends[row - 1] if row > 0 else 0,
        )  # fmt: skip
        counts[body] = end - row if end >= 0 else 0
        if end >= 0:
            row, kind_count, without_id = end, kinds_by_now, without_id + added
        elif kinds_by_now > kind_count:
            # They came last, so that no other kind was passed on over their slots.
            for slot in range(SLOTS):
                if slots[slot] >= kind_count:
                    slots[slot] = UNUSUAL
    return row, kind_count, without_id
