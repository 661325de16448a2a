"""Two counts of the same events, hour by hour: what arrived here and what a warehouse holds. Pure.

Both sides bucket by the event's own time, so a whole pipeline gives equal counts once the warehouse has settled; the only noise is
at the edges of an hour, where clocks that differ by seconds put a row on the other side. Noise therefore does not grow with the
length of a window, which is why small differences are looked for over longer windows. What an hour held when it was first counted,
minutes after its end, tells late rows from lost ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt

HOUR = timedelta(hours=1)
WIDTHS = (1, 3, 6, 12, 24)
"""Windows, in hours, over which differences are added up."""

EDGE_SHARE = 0.001
"""The share of an hour's rows that may stand beyond either edge: 3.6 seconds of skew."""

SIGMAS = 5.0
LEAST_ROWS = 5
LEAST_SHARE = 0.001
CLEAR_SHARE = 0.25


class FindingKind(StrEnum):
    """What is wrong with the warehouse's side."""

    LOSS = "loss"
    DUPLICATES = "duplicates"
    LATENESS = "lateness"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long after an hour's end the warehouse may still grow, and how late rows may ordinarily come."""

    settling: timedelta = timedelta(minutes=60)
    lateness: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class HourCount:
    """One hour. `warehoused` is the newest count, None while the warehouse was not counted; the first count is of `first_at`.

    `ingested_then` is what had arrived here when the warehouse's hour was last counted as a matter of course; None while that is
    not known. What arrived since, the warehouse may well hold: nobody has looked.
    """

    hour: datetime
    ingested: int
    warehoused: int | None
    first_warehoused: int | None = None
    first_at: datetime | None = None
    ingested_then: int | None = None

    @property
    def missing(self) -> int:
        """Rows that the warehouse should hold and does not; negative for a surplus."""
        warehoused = self.warehoused or 0
        least = self.ingested if self.ingested_then is None else min(self.ingested, self.ingested_then)
        return max(0, least - warehoused) or min(0, self.ingested - warehoused)


@dataclass(frozen=True, slots=True)
class Finding:
    """A span of whole hours [since, until) with one thing wrong.

    `difference` is how many rows are missing, surplus or late, `share` that part of what arrived here; `delay_minutes` only
    for lateness. `score` is the difference in units of the noise.
    """

    kind: FindingKind
    since: datetime
    until: datetime
    ingested: int
    warehoused: int
    difference: int
    share: float
    score: float
    delay_minutes: float | None = None


def find(hours: Sequence[HourCount], counted_until: datetime, allowance: Allowance) -> list[Finding]:
    """What is wrong in the settled hours, newest first. `hours` are in order; gaps between them end every window.

    `counted_until` is the end of the newest hour that the warehouse's scan counted.
    """
    settled = [one for one in hours if one.warehoused is not None and is_settled(one.hour, counted_until, allowance)]
    found = [*_differences(settled, sign=1), *_differences(settled, sign=-1), *_late(settled, allowance)]
    return sorted(found, key=lambda one: (one.until, one.difference), reverse=True)


def is_settled(hour: datetime, counted_until: datetime, allowance: Allowance) -> bool:
    """Whether the hour was counted after the warehouse had its time."""
    return hour + HOUR + allowance.settling <= counted_until


def noise(ingested_per_hour: float) -> float:
    """The standard deviation of a clean window's difference: rows that cross its two edges, in and out."""
    return sqrt(max(1.0, 4 * EDGE_SHARE * ingested_per_hour))


def _differences(hours: Sequence[HourCount], *, sign: int) -> list[Finding]:
    """Episodes in which the warehouse has too few rows (sign 1) or too many (sign -1)."""
    flagged: set[int] = set()
    for width in WIDTHS:
        for stop in range(width, len(hours) + 1):
            start = stop - width
            if hours[stop - 1].hour - hours[start].hour != (width - 1) * HOUR:
                continue
            if _stands_out(hours[start:stop], sign):
                flagged.update(_clear_part(hours, range(start, stop), sign))
    found = []
    for run in _runs(sorted(flagged), hours):
        part = hours[run.start : run.stop]
        kind = FindingKind.LOSS if sign > 0 else FindingKind.DUPLICATES
        found.append(_finding(kind, part, sign * _missing(part)))
    return found


def _stands_out(part: Sequence[HourCount], sign: int) -> bool:
    difference, ingested = sign * _missing(part), sum(one.ingested for one in part)
    allowed = max(LEAST_ROWS, SIGMAS * noise(ingested / len(part)), LEAST_SHARE * ingested)
    return difference >= allowed


def _clear_part(hours: Sequence[HourCount], window: range, sign: int) -> list[int]:
    """The window without hours at its ends that have little to do with the difference."""
    each = {index: sign * _missing(hours[index : index + 1]) for index in window}
    bar = max(1.0, CLEAR_SHARE * max(each.values()))
    clear = [index for index in window if each[index] >= bar]
    return list(range(clear[0], clear[-1] + 1)) if clear else []


def _runs(indices: Sequence[int], hours: Sequence[HourCount]) -> list[range]:
    runs: list[range] = []
    for index in indices:
        if runs and runs[-1].stop == index and hours[index].hour - hours[index - 1].hour == HOUR:
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return runs


def _late(hours: Sequence[HourCount], allowance: Allowance) -> list[Finding]:
    """Episodes in which rows came after the first count, later than allowed; rows that never came are a loss, not late."""
    late = [index for index, one in enumerate(hours) if _is_late(one, allowance)]
    found = []
    for run in _runs(late, hours):
        part = hours[run.start : run.stop]
        delays = [(_delay(one)[0], one.ingested) for one in part]
        weight = sum(ingested for _, ingested in delays)
        delay = sum(minutes * ingested for minutes, ingested in delays) / weight
        rows = sum((one.warehoused or 0) - (one.first_warehoused or 0) for one in part)
        found.append(_finding(FindingKind.LATENESS, part, rows, round(delay, 1)))
    return found


def _is_late(one: HourCount, allowance: Allowance) -> bool:
    if one.first_warehoused is None or one.first_at is None or not one.ingested:
        return False
    late = (one.warehoused or 0) - one.first_warehoused
    minutes, spread = _delay(one)
    lateness = allowance.lateness.total_seconds() / 60
    return late >= max(LEAST_ROWS, SIGMAS * noise(one.ingested)) and minutes - SIGMAS * spread > lateness


def _delay(one: HourCount) -> tuple[float, float]:
    """Minutes of a steady delay that would have left this much to come after the first count, and their standard error."""
    assert one.first_at is not None and one.first_warehoused is not None
    late = max(0, (one.warehoused or 0) - one.first_warehoused)
    share = min(1.0, late / one.ingested)
    waited = (one.first_at - one.hour - HOUR).total_seconds() / 60
    return waited + 60 * share, 60 * sqrt(max(late, 1) * max(1 - share, 1 / one.ingested)) / one.ingested


def _missing(part: Sequence[HourCount]) -> int:
    return sum(one.missing for one in part)


def _finding(kind: FindingKind, part: Sequence[HourCount], difference: int, delay: float | None = None) -> Finding:
    ingested = sum(one.ingested for one in part)
    return Finding(
        kind=kind,
        since=part[0].hour,
        until=part[-1].hour + HOUR,
        ingested=ingested,
        warehoused=sum(one.warehoused or 0 for one in part),
        difference=difference,
        share=difference / ingested if ingested else 1.0,
        score=round(difference / noise(ingested / len(part)), 1),
        delay_minutes=delay,
    )
