"""Turns counts by kind and time into the stacked bars of a picture. Pure functions, no Reflex."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from components.format import compact_number, duration, full_number, local_time

TONES = ("worst", "bad", "odd", "calm", "other", "faint")
"""From worst to least; also the order in which parts stand on each other."""


@dataclass(frozen=True)
class Stretch:
    """A kind's part of a bar; `height` is CSS."""

    tone: str
    height: str


@dataclass(frozen=True)
class Bar:
    """One bucket: its parts, and what it says when asked."""

    tip: str
    parts: list[Stretch] = field(default_factory=list)


@dataclass(frozen=True)
class Level:
    """A kind with its count in the whole period."""

    name: str
    tone: str
    count: str


@dataclass(frozen=True)
class Bars:
    """Everything `components.stacked_bars` draws."""

    bars: list[Bar] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    first: str = ""
    last: str = ""
    peak: str = ""
    summary: str = ""
    total: int = 0
    total_text: str = ""


def bar_data(
    counts: Mapping[int, Mapping[str, int]],
    kinds: Sequence[tuple[str, str]],
    *,
    start: datetime,
    stop: datetime,
    seconds: int,
    zone: ZoneInfo,
    noun: str,
) -> Bars:
    """Bars of [start, stop] in the viewer's zone.

    `counts` maps the begin of a bucket (a whole multiple of `seconds` since the epoch) to counts by kind; `kinds` are kinds with
    their tone, worst first.
    """
    totals: Counter[str] = Counter()
    for bucket in counts.values():
        totals.update(bucket)
    total = sum(totals.values())
    peak = max((sum(bucket.values()) for bucket in counts.values()), default=0)
    begins = range(int(start.timestamp()) // seconds * seconds, int(stop.timestamp()) + 1, seconds)
    return Bars(
        bars=[_bar(begin, counts.get(begin, {}), kinds, peak, zone, stop, noun) for begin in begins],
        levels=[Level(kind, tone, full_number(totals[kind])) for kind, tone in kinds if totals[kind]],
        first=local_time(start, zone, now=stop),
        last=local_time(stop, zone, now=stop),
        peak=compact_number(peak),
        summary=f"{full_number(total)} {noun}; at most {full_number(peak)} in {duration(seconds)}.",
        total=total,
        total_text=full_number(total),
    )


def _bar(
    begin: int,
    bucket: Mapping[str, int],
    kinds: Sequence[tuple[str, str]],
    peak: int,
    zone: ZoneInfo,
    now: datetime,
    noun: str,
) -> Bar:
    when = local_time(datetime.fromtimestamp(begin, UTC), zone, now=now)
    present = [(kind, tone, bucket[kind]) for kind, tone in kinds if bucket.get(kind)]
    by_tone: Counter[str] = Counter()
    for _, tone, count in present:
        by_tone[tone] += count
    parts = [Stretch(tone, f"{100 * by_tone[tone] / peak:.2f}%") for tone in TONES if by_tone[tone]] if peak else []
    words = ", ".join(f"{kind} {full_number(count)}" for kind, _, count in present)
    return Bar(f"{when}: {words or f'no {noun}'}", parts)
