"""What the page of logs shows: the picture of severities, lines, thresholds and the minutes above them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.logs import searching
from app.logs import service as logs
from app.logs.searching import LevelCount, Search
from components.format import compact_number, full_number, iso_utc, local_time

PAGE_SIZE = 50
BARS = 48
MOST_LEVELS = 8
MOST_ANOMALIES = 50
PERIODS = {"1": "1 hour", "24": "24 hours", "168": "7 days"}
# Severities as most programs write them, from worst to least; the rank chooses a tone, never alone the meaning.
_TONES = {
    "fatal": "worst", "critical": "worst", "emergency": "worst", "alert": "worst", "error": "bad", "err": "bad",
    "warning": "odd", "warn": "odd", "notice": "calm", "info": "calm", "debug": "faint", "trace": "faint",
}  # fmt: skip
_ORDER = {"worst": 0, "bad": 1, "odd": 2, "calm": 3, "other": 4, "faint": 5}
_BADGES = {"worst": "bad", "bad": "bad", "odd": "warn", "calm": "neutral", "other": "neutral", "faint": "neutral"}


@dataclass(frozen=True)
class Stretch:
    """A severity's part of a bar; `height` is CSS."""

    tone: str
    height: str


@dataclass(frozen=True)
class Bar:
    """One bucket: its parts, and what it says when asked."""

    tip: str
    parts: list[Stretch] = field(default_factory=list)


@dataclass(frozen=True)
class Level:
    """A severity with its lines in the whole period."""

    name: str
    tone: str
    count: str


@dataclass(frozen=True)
class LineRow:
    """A log line."""

    when: str
    iso: str
    service: str
    severity: str
    tone: str
    message: str
    detail: str


@dataclass(frozen=True)
class AnomalyRow:
    """A minute above its threshold."""

    when: str
    iso: str
    service: str
    severity: str
    tone: str
    count: str
    threshold: str
    ratio: str


@dataclass(frozen=True)
class ThresholdRow:
    """A threshold in force or switched off."""

    service: str
    severity: str
    tone: str
    per_minute: str
    state: str
    changed: str
    iso: str


@dataclass(frozen=True)
class LogsView:
    """Everything the page shows."""

    bars: list[Bar] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    first: str = ""
    last: str = ""
    peak: str = ""
    summary: str = ""
    total: int = 0
    total_text: str = ""
    lines: list[LineRow] = field(default_factory=list)
    anomalies: list[AnomalyRow] = field(default_factory=list)
    thresholds: list[ThresholdRow] = field(default_factory=list)


def logs_view(
    session: Session, actor: Actor, slug: str, *, hours: int, text: str, severity: str, page: int, zone: ZoneInfo
) -> LogsView:
    """The page's data in one read. Errors: NotFound, Unavailable."""
    now = SYSTEM_CLOCK.now()
    wanted = Search(now - timedelta(hours=hours), now, text, "", severity)
    seconds = hours * 3600 // BARS
    counts = searching.histogram(session, actor, slug, wanted, seconds=seconds, zone_of=datetime(1970, 1, 1, tzinfo=UTC))
    lines = searching.search(session, actor, slug, wanted, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    found = searching.anomalies(session, actor, slug, since=timedelta(hours=hours), now=now, limit=MOST_ANOMALIES)
    totals: Counter[str] = Counter()
    for count in counts:
        totals[count.severity] += count.count
    total = sum(totals.values())
    bars, peak = _bars(counts, wanted, seconds, zone, now)
    levels = sorted(totals, key=lambda name: (_ORDER[_tone(name)], -totals[name], name))
    return LogsView(
        bars=bars,
        levels=[Level(name or "none", _tone(name), full_number(totals[name])) for name in levels[:MOST_LEVELS]],
        first=local_time(wanted.start, zone, now=now),
        last=local_time(now, zone, now=now),
        peak=compact_number(peak),
        summary=f"{full_number(total)} lines; at most {full_number(peak)} in {_span(seconds)}.",
        total=total,
        total_text=full_number(total),
        lines=[
            LineRow(
                local_time(_aware(line.timestamp), zone, now=now, seconds=True),
                iso_utc(_aware(line.timestamp)),
                line.service,
                line.severity,
                _BADGES[_tone(line.severity)],
                line.message,
                _detail(line),
            )
            for line in lines
        ],
        anomalies=[
            AnomalyRow(
                local_time(_aware(minute), zone, now=now),
                iso_utc(_aware(minute)),
                service,
                level,
                _BADGES[_tone(level)],
                full_number(count),
                _number(threshold),
                f"{ratio:.1f}×",
            )
            for minute, service, level, count, threshold, ratio, _rate in found.rows
        ],
        thresholds=[
            ThresholdRow(
                one.service,
                one.severity,
                _BADGES[_tone(one.severity)],
                _number(one.threshold_per_minute),
                "on" if one.active else "off",
                local_time(one.updated_at, zone, now=now),
                iso_utc(one.updated_at),
            )
            for one in logs.thresholds(session, actor, slug)
        ],
    )


def _bars(counts: Sequence[LevelCount], wanted: Search, seconds: int, zone: ZoneInfo, now: datetime) -> tuple[list[Bar], int]:
    buckets: dict[int, Counter[str]] = {}
    for count in counts:
        buckets.setdefault(int(count.start.timestamp()), Counter())[count.severity] += count.count
    peak = max((sum(bucket.values()) for bucket in buckets.values()), default=0)
    first = int(wanted.start.timestamp()) // seconds * seconds
    starts = range(first, math.ceil(wanted.stop.timestamp()), seconds)
    return [_bar(start, buckets.get(start, Counter()), peak, zone, now) for start in starts], peak


def _bar(start: int, bucket: Counter[str], peak: int, zone: ZoneInfo, now: datetime) -> Bar:
    when = local_time(datetime.fromtimestamp(start, UTC), zone, now=now)
    by_tone: Counter[str] = Counter()
    for name, count in bucket.items():
        by_tone[_tone(name)] += count
    parts = [Stretch(tone, f"{100 * by_tone[tone] / peak:.2f}%") for tone in _ORDER if by_tone[tone]] if peak else []
    words = ", ".join(f"{name or 'none'} {full_number(count)}" for name, count in bucket.most_common(4))
    return Bar(f"{when}: {words or 'no lines'}", parts)


def _tone(severity: str) -> str:
    return _TONES.get(severity.lower(), "other")


def _detail(line: searching.LogLine) -> str:
    parts = (("server", line.server_id), ("code", line.error_code), ("resource", line.resource_id), ("", line.metadata))
    return " · ".join(f"{name} {value}".strip() for name, value in parts if value and value != "{}")


def _number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _span(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds / 3600:g} hours"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
