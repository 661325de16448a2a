"""Compiled look at what `scan` found: which rows may break the plan or hold a labelled value.

The answer is cautious: a row that is named here is judged by `validation`, one that is not is good and holds nothing to treat.
Attributes stand in canonical JSON, whose keys are in order, and so are the fields of a type: one walk along both finds everything.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.ingest.compilation import Numbers, compiled, part
from app.ingest.scan import AGENT, DURATION
from app.ingest.scan_numbers import duration

NAME, NAME_LENGTH, KIND, IS_REQUIRED, IS_LABELLED, MEMBER, FIRST_OPTION, OPTIONS, PATTERN = range(9)
FIELD_COLUMNS: Final = 9
ANY, TEXT, NUMBER, BOOLEAN, NESTED, ADDRESS = range(6)
JUDGED, CLOSED, LABELLED, DOUBTFUL = 1, 2, 4, 8
_AGENT_NAME: Final = np.frombuffer(b"user_agent", dtype=np.uint8).copy()
_TWICE_SENT: Final = np.frombuffer(b"event.", dtype=np.uint8).copy()


@part
def _order(one: Numbers, begin: int, length: int, other: Numbers, other_begin: int, other_length: int) -> int:
    """Below, at or above zero as the first text stands before, at or behind the other."""
    for offset in range(min(length, other_length)):
        difference = np.int64(one[begin + offset]) - np.int64(other[other_begin + offset])
        if difference != 0:
            return int(difference)
    return length - other_length


@part
def _begins_with(text: Numbers, begin: int, length: int, wanted: Numbers) -> bool:
    if length < wanted.size:
        return False
    same = 0
    while same < wanted.size and text[begin + same] == wanted[same]:
        same += 1
    return same == wanted.size


@part
def _is_option(text: Numbers, begin: int, length: int, field: int, names: Numbers, fields: Numbers, options: Numbers) -> bool:
    """Whether the text is one of the field's options, which are in order."""
    low = fields[field, FIRST_OPTION]
    high = low + fields[field, OPTIONS]
    while low < high:
        middle = (low + high) // 2
        order = _order(text, begin, length, names, options[middle, 0], options[middle, 1])
        if order == 0:
            return True
        if order < 0:
            high = middle
        else:
            low = middle + 1
    return False


@part
def _is_good(  # noqa: PLR0911 - in parts it would run more slowly
    text: Numbers, begin: int, end: int, field: int, names: Numbers, fields: Numbers, bounds: Numbers, options: Numbers
) -> bool:
    """Whether the value that stands there in JSON keeps to its field, but for a pattern."""
    kind = fields[field, KIND]
    first = text[begin]
    if kind == ANY or first == 110:
        return True
    if kind in (TEXT, ADDRESS):
        if first != 34:
            return False
        if fields[field, OPTIONS] >= 0 and not _is_option(text, begin + 1, end - begin - 2, field, names, fields, options):
            return False
        if kind == ADDRESS:
            at = begin + 1
            while at < end - 3 and not (text[at] == 58 and text[at + 1] == 47 and text[at + 2] == 47):
                at += 1
            return at < end - 3
        return True
    if kind == NUMBER:
        sign = 1.0
        if first == 45:
            sign = -1.0
            begin += 1
        number, after = duration(text, begin)
        return after == end and bounds[field, 0] <= sign * number <= bounds[field, 1]
    return bool(kind == BOOLEAN and (first == 116 or first == 102))


@compiled
def look(  # noqa: PLR0912, PLR0915 - in parts it would run more slowly
    text: Numbers, count: int, kinds: Numbers, types: Numbers, places: Numbers, lengths: Numbers, values: Numbers,
    properties: Numbers, ends: Numbers, names: Numbers, fields: Numbers, bounds: Numbers, options: Numbers, doubts: Numbers,
    wanted: Numbers,
) -> int:  # fmt: skip
    """Mark the doubtful of the rows in `doubts`. `types` says for each kind of rows where its fields begin, how many there are and
    what is asked. `wanted` gets a row for each value that has to match a pattern, as JSON: the pattern, the row, whether it stands
    in `properties`, where it begins and ends; the result is how many."""
    asked = 0
    behind = 0
    for row in range(count):
        at, behind = behind, ends[row]
        flags = types[kinds[row], 2]
        doubts[row] = flags & DOUBTFUL
        if flags == 0 or flags & DOUBTFUL:
            continue
        is_judged, has_labels = flags & JUDGED != 0, flags & LABELLED != 0
        field = types[kinds[row], 0]
        last = field + types[kinds[row], 1]
        asked_before = asked
        is_doubtful = False
        at += 1
        while not is_doubtful:
            is_at_end = properties[at] == 125
            key = at + 1
            key_length = begin = end = 0
            if not is_at_end:
                while properties[key + key_length] != 34:
                    key_length += 1
                begin = key + key_length + 2
                end = begin + 1
                if properties[begin] == 34:
                    while properties[end] != 34:
                        end += 1
                    end += 1
                else:
                    while properties[end] != 44 and properties[end] != 125:
                        end += 1
            order = -1
            while field < last:
                if not is_at_end:
                    order = _order(names, fields[field, NAME], fields[field, NAME_LENGTH], properties, key, key_length)
                    if order >= 0:
                        break
                # The event has no attribute of this name, but may have such a member.
                member = fields[field, MEMBER]
                has_it = member >= 0 and (lengths[row, DURATION] > 0 if member == DURATION else places[row, member] > 0)
                if not has_it:
                    is_doubtful |= is_judged and fields[field, IS_REQUIRED] != 0
                elif fields[field, IS_LABELLED]:
                    is_doubtful = True
                elif is_judged and member == DURATION:
                    if fields[field, KIND] == NUMBER:
                        is_doubtful |= not bounds[field, 0] <= values[row] <= bounds[field, 1]
                    else:
                        is_doubtful |= fields[field, KIND] != ANY
                elif is_judged:
                    start = places[row, member] - 1
                    stop = start + lengths[row, member] + 2
                    is_doubtful |= not _is_good(text, start, stop, field, names, fields, bounds, options)
                    if fields[field, PATTERN] >= 0:
                        wanted[asked, 0], wanted[asked, 1], wanted[asked, 2] = fields[field, PATTERN], row, 0
                        wanted[asked, 3], wanted[asked, 4] = start, stop
                        asked += 1
                field += 1
            if is_at_end:
                break
            if field < last and order == 0:
                if fields[field, IS_LABELLED]:
                    is_doubtful = True
                elif is_judged and properties[begin] == 110:
                    is_doubtful |= fields[field, IS_REQUIRED] != 0
                elif is_judged:
                    is_doubtful |= not _is_good(properties, begin, end, field, names, fields, bounds, options)
                    if fields[field, PATTERN] >= 0:
                        wanted[asked, 0], wanted[asked, 1], wanted[asked, 2] = fields[field, PATTERN], row, 1
                        wanted[asked, 3], wanted[asked, 4] = begin, end
                        asked += 1
                field += 1
            elif flags & CLOSED:
                is_agent = lengths[row, AGENT] > 0 and key_length == 10 and _begins_with(properties, key, key_length, _AGENT_NAME)
                is_doubtful |= not is_agent
            if has_labels and _begins_with(properties, key, key_length, _TWICE_SENT):
                is_doubtful = True
            at = end
            if properties[at] == 44:
                at += 1
        if is_doubtful:
            doubts[row] = 1
            asked = asked_before
    return asked


@compiled
def gather(
    pattern: int, asked: int, wanted: Numbers, text: Numbers, properties: Numbers, into: Numbers, rows: Numbers
) -> tuple[int, int]:
    """All values that have to match the pattern as one JSON array: how many bytes it takes, and how many values there are; `rows`
    gets the row of each."""
    into[0] = 91
    at = 1
    found = 0
    for entry in range(asked):
        if wanted[entry, 0] == pattern:
            for place in range(wanted[entry, 3], wanted[entry, 4]):
                into[at] = properties[place] if wanted[entry, 2] else text[place]
                at += 1
            into[at] = 44
            at += 1
            rows[found] = wanted[entry, 1]
            found += 1
    into[at - 1] = 93
    return at, found
