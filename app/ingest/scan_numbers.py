"""Compiled reading of numbers and times. `UNUSUAL` stands for all that is read elsewhere; zeros follow the text."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.ingest.compilation import Numbers, part

UNUSUAL: Final = -1
_MOST_DIGITS: Final = 15
"""Decimals of so many digits keep them when they are read as floats and written again."""


@part
def number_end(text: Numbers, at: int) -> int:
    """Where a number ends that stands there as it would be written again; others may be the same number."""
    begin = at
    if text[at] == 45:
        at += 1
    first = at
    while 48 <= text[at] <= 57:
        at += 1
    whole = at - first
    if whole == 0 or whole > _MOST_DIGITS or (text[first] == 48 and whole > 1):
        return UNUSUAL
    if text[at] == 101 or text[at] == 69:
        return UNUSUAL
    if text[at] != 46:
        return UNUSUAL if text[first] == 48 and first > begin else at
    fraction = at + 1
    at = fraction
    zeros = 0
    while 48 <= text[at] <= 57:
        if text[at] == 48 and zeros == at - fraction:
            zeros += 1
        at += 1
    digits = at - fraction
    if digits == 0 or whole + digits > _MOST_DIGITS or text[at] == 101 or text[at] == 69:
        return UNUSUAL
    if digits > 1 and (text[at - 1] == 48 or zeros > 3):
        return UNUSUAL
    return at


@part
def duration(text: Numbers, at: int) -> tuple[float, int]:
    """A number from zero up and where it ends; exact, because both parts of the division are."""
    mantissa = np.int64(0)
    digits = 0
    first = at
    while 48 <= text[at] <= 57 and digits <= _MOST_DIGITS:
        mantissa = mantissa * 10 + (text[at] - 48)
        digits += 1
        at += 1
    if digits == 0 or (text[first] == 48 and digits > 1):
        return 0.0, UNUSUAL
    power = 1.0
    if text[at] == 46:
        fraction = at + 1
        at = fraction
        while 48 <= text[at] <= 57 and digits <= _MOST_DIGITS:
            mantissa = mantissa * 10 + (text[at] - 48)
            power *= 10.0
            digits += 1
            at += 1
        if at == fraction:
            return 0.0, UNUSUAL
    if digits > _MOST_DIGITS or text[at] == 101 or text[at] == 69:
        return 0.0, UNUSUAL
    return np.float64(mantissa) / power, at


@part
def two(text: Numbers, at: int) -> int:
    """The number that two digits make."""
    return int((np.int64(text[at]) - 48) * 10 + np.int64(text[at + 1]) - 48)


@part
def time(text: Numbers, at: int, length: int) -> int:  # noqa: PLR0911
    """Milliseconds since 1970 of `2026-01-31T12:30:00.000Z`, also in whole seconds, in microseconds, and with `+00:00`."""
    if length < 20 or text[at + 4] != 45 or text[at + 7] != 45 or text[at + 10] != 84 or text[at + 13] != 58 or text[at + 16] != 58:
        return UNUSUAL
    for place in range(19):
        if not 48 <= text[at + place] <= 57 and place != 4 and place != 7 and place != 10 and place != 13 and place != 16:
            return UNUSUAL
    end = at + length - 1
    if text[end] != 90:
        end = at + length - 6
        if text[end] != 43 or text[end + 3] != 58 or two(text, end + 1) != 0 or two(text, end + 4) != 0:
            return UNUSUAL
    milliseconds = 0
    fraction = at + 19
    if end != fraction:
        if (end - fraction != 4 and end - fraction != 7) or text[fraction] != 46:
            return UNUSUAL
        for place in range(fraction + 1, end):
            if not 48 <= text[place] <= 57:
                return UNUSUAL
        milliseconds = two(text, fraction + 1) * 10 + int(text[fraction + 3]) - 48
    year, month, day = two(text, at) * 100 + two(text, at + 2), two(text, at + 5), two(text, at + 8)
    hour, minute, second = two(text, at + 11), two(text, at + 14), two(text, at + 17)
    if year < 1970 or month < 1 or month > 12 or day < 1 or hour > 23 or minute > 59 or second > 59:
        return UNUSUAL
    longest = 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31
    if month == 2:
        longest = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    if day > longest:
        return UNUSUAL
    # In years that begin in March a leap day is the last one.
    year -= 1 if month < 3 else 0
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719468
    return int((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milliseconds)
