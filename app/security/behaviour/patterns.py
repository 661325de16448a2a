"""Regular expressions that people enter, bounded so that no text makes them run for long."""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined] # the parsed form has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

LONGEST_PATTERN: Final = 200
LONGEST_TEXT: Final = 256
MOST_STEPS: Final = (LONGEST_TEXT + 1) ** 3
"""Ways to try a pattern on the longest text; what may need more is refused."""

_SINGLE: Final = frozenset({codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN, codes.AT})
_STARTS: Final = frozenset({codes.AT_BEGINNING, codes.AT_BEGINNING_STRING})


class UnsafePattern(ValueError):
    """The pattern is no regular expression, or may take too long."""


@lru_cache(maxsize=1_024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, case-insensitive. UnsafePattern for wrong, long, back-referring, look-around or explosive ones."""
    if len(pattern) > LONGEST_PATTERN:
        raise UnsafePattern(f"A pattern has at most {LONGEST_PATTERN} characters")
    try:
        parsed = parser.parse(pattern, re.IGNORECASE)
        ways = _ways(list(parsed))
        starts = 1 if len(parsed) and parsed[0][0] is codes.AT and parsed[0][1] in _STARTS else LONGEST_TEXT
        if ways * starts > MOST_STEPS:
            raise UnsafePattern("The pattern has too many repetitions that can be matched in different ways")
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnsafePattern(f"The pattern is no regular expression: {error}") from None


def is_found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs in the first 256 characters. UnsafePattern."""
    return compiled(pattern).search(text[:LONGEST_TEXT]) is not None


def _ways(items: list[tuple[Any, Any]]) -> int:
    """An upper bound of the ways in which the items in a row can match from one start."""
    product = 1
    for code, argument in items:
        product *= _ways_of(code, argument)
        if product > MOST_STEPS:
            raise UnsafePattern("The pattern has too many repetitions that can be matched in different ways")
    return product


def _ways_of(code: Any, argument: Any) -> int:
    if code in _SINGLE:
        return 1
    if code is codes.SUBPATTERN:
        return _ways(list(argument[3]))
    if code is codes.BRANCH:
        return sum(_ways(list(branch)) for branch in argument[1])
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        fewest, most, inner = argument
        most, each = min(int(most), LONGEST_TEXT), _ways(list(inner))
        counts = max(1, most - min(int(fewest), LONGEST_TEXT) + 1)
        if each == 1:
            return counts
        if most > 8:
            raise UnsafePattern("A repetition holds another repetition or a choice")
        return sum(each**count for count in range(int(fewest), most + 1))
    raise UnsafePattern("Back references, look-arounds and conditions are not available")
