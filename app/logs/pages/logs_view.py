"""What the page of logs shows: the picture of severities, lines, thresholds and the minutes above them."""

from __future__ import annotations

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
from components.bar_data import Bars, bar_data
from components.format import full_number, iso_utc, local_time

PAGE_SIZE = 50
BARS = 48
MOST_LEVELS = 8
OTHERS = "others"
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

    picture: Bars = field(default_factory=Bars)
    total: int = 0
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
    picture = _picture(counts, wanted, seconds, zone)
    return LogsView(
        picture=picture,
        total=picture.total,
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


def _picture(counts: Sequence[LevelCount], wanted: Search, seconds: int, zone: ZoneInfo) -> Bars:
    """Lines by severity and time; severities beyond the most frequent ones are drawn as one."""
    totals: Counter[str] = Counter()
    for count in counts:
        totals[count.severity or "none"] += count.count
    frequent = [name for name, _ in totals.most_common(MOST_LEVELS)]
    shown = sorted(frequent, key=lambda name: (_ORDER[_tone(name)], -totals[name], name))
    buckets: dict[int, Counter[str]] = {}
    for count in counts:
        name = count.severity or "none"
        buckets.setdefault(int(count.start.timestamp()), Counter())[name if name in shown else OTHERS] += count.count
    kinds = [*((name, _tone(name)) for name in shown), (OTHERS, "other")]
    return bar_data(buckets, kinds, start=wanted.start, stop=wanted.stop, seconds=seconds, zone=zone, noun="lines")


def _tone(severity: str) -> str:
    return _TONES.get(severity.lower(), "other")


def _detail(line: searching.LogLine) -> str:
    parts = (("server", line.server_id), ("code", line.error_code), ("resource", line.resource_id), ("", line.metadata))
    return " · ".join(f"{name} {value}".strip() for name, value in parts if value and value != "{}")


def _number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
