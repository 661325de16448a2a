"""Compiled reading and writing of single values: strings and flat objects. `UNUSUAL` stands for all that is read
elsewhere; the text is ASCII without backslashes and every body in it ends with zeros, so that nothing looks behind its end.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.ingest.compilation import Numbers, part, unchecked
from app.ingest.scan_numbers import UNUSUAL, number_end

MOST_ATTRIBUTES: Final = 64
_AGENT: Final = np.frombuffer(b'"user_agent":"', dtype=np.uint8).copy()


@unchecked
def after_space(text: Numbers, at: int) -> int:
    """The first place that is no white space; the zeros at the end are none."""
    while text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9:
        at += 1
    return at


@unchecked
def string_end(text: Numbers, at: int) -> int:
    """Where the string ends that begins behind its quotation mark; control characters are unusual, the zeros at the end too."""
    while text[at] != 34:
        if text[at] < 32:
            return UNUSUAL
        at += 1
    return at


@part
def compare(text: Numbers, one: int, one_length: int, other: int, other_length: int) -> int:
    """Below, at or above zero as one text of the body stands before, at or behind the other."""
    for offset in range(min(one_length, other_length)):
        difference = np.int64(text[one + offset]) - np.int64(text[other + offset])
        if difference != 0:
            return int(difference)
    return one_length - other_length


@part
def value_end(text: Numbers, at: int) -> int:
    """Where a string, number or word ends; what contains other values is unusual."""
    byte = text[at]
    if byte == 34:
        at = string_end(text, at + 1)
        return at + 1 if at > 0 else UNUSUAL
    if byte == 45 or 48 <= byte <= 57:
        return number_end(text, at)
    if byte == 116 and text[at + 1] == 114 and text[at + 2] == 117 and text[at + 3] == 101:
        return at + 4
    if byte == 102 and text[at + 1] == 97 and text[at + 2] == 108 and text[at + 3] == 115 and text[at + 4] == 101:
        return at + 5
    if byte == 110 and text[at + 1] == 117 and text[at + 2] == 108 and text[at + 3] == 108:
        return at + 4
    return UNUSUAL


@part
def object_end(text: Numbers, at: int, entries: Numbers) -> tuple[int, int]:  # noqa: PLR0911
    """How many entries the object has that begins behind its bracket, and where it ends. Each row of `entries` gets the places and
    lengths of a key and its value, in the order of the keys."""
    count = 0
    at = after_space(text, at)
    if text[at] == 125:
        return 0, at + 1
    while text[at] == 34 and count < MOST_ATTRIBUTES:
        key = at + 1
        end = string_end(text, key)
        if end < 0:
            return UNUSUAL, at
        at = after_space(text, end + 1)
        if text[at] != 58:
            return UNUSUAL, at
        begin = after_space(text, at + 1)
        at = value_end(text, begin)
        if at < 0:
            return UNUSUAL, at
        place = count
        while place > 0:  # to its place among those before it
            order = compare(text, key, end - key, entries[place - 1, 0], entries[place - 1, 1])
            if order == 0:
                return UNUSUAL, at
            if order > 0:
                break
            for column in range(4):
                entries[place, column] = entries[place - 1, column]
            place -= 1
        entries[place, 0] = key
        entries[place, 1] = end - key
        entries[place, 2] = begin
        entries[place, 3] = at - begin
        count += 1
        at = after_space(text, at)
        if text[at] == 125:
            return count, at + 1
        if text[at] != 44:
            return UNUSUAL, at
        at = after_space(text, at + 1)
    return UNUSUAL, at


@unchecked
def copy(text: Numbers, begin: int, length: int, into: Numbers, at: int) -> int:
    """Where the copied part of the text ends."""
    if begin < 0 or length < 0 or at < 0 or begin + length > text.size or at + length > into.size:
        raise IndexError
    for offset in range(length):
        into[at + offset] = text[begin + offset]
    return at + length


@part
def _agent_place(text: Numbers, entries: Numbers, count: int) -> int:
    """Before which entry `user_agent` belongs; unusual when it is one of them."""
    for entry in range(count):
        length = entries[entry, 1]
        offset = 0
        while offset < min(length, 10) and text[entries[entry, 0] + offset] == _AGENT[offset + 1]:
            offset += 1
        if offset == 10 and length == 10:
            return UNUSUAL
        if offset == 10 or (offset < length and text[entries[entry, 0] + offset] > _AGENT[offset + 1]):
            return entry
    return count


@part
def write_properties(
    text: Numbers, entries: Numbers, attributes: int, agent: int, agent_length: int, into: Numbers, at: int
) -> int:
    """The attributes and the user agent as canonical JSON; where it ends."""
    place = UNUSUAL
    if agent_length > 0:
        place = _agent_place(text, entries, attributes)
        if place < 0:
            return UNUSUAL
    into[at] = 123
    at += 1
    for entry in range(attributes + 1):
        if entry == place:
            at = copy(_AGENT, 0, 14, into, at)
            at = copy(text, agent, agent_length, into, at)
            into[at] = 34
            into[at + 1] = 44
            at += 2
        if entry < attributes:
            into[at] = 34
            at = copy(text, entries[entry, 0], entries[entry, 1], into, at + 1)
            into[at] = 34
            into[at + 1] = 58
            at = copy(text, entries[entry, 2], entries[entry, 3], into, at + 2)
            into[at] = 44
            at += 1
    if into[at - 1] == 44:
        at -= 1
    into[at] = 125
    return at + 1


@part
def copy_sized(text: Numbers, begin: int, length: int, into: Numbers, at: int) -> int:
    """The text behind its length in groups of seven bits."""
    rest = length
    while rest > 127:
        into[at] = rest & 127 | 128
        rest >>= 7
        at += 1
    into[at] = rest
    return copy(text, begin, length, into, at + 1)
