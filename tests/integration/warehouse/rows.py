"""One set of awkward rows in every database, and what a naive reader of them would answer."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.kernel.intervals import Interval, floor_to_bucket
from app.warehouse.contracts import TimeColumn, TimeKind, TimeWindow

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
WINDOW = TimeWindow(datetime(2026, 3, 23, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC))


@dataclass(frozen=True)
class Record:
    """A row. Times are instants; `wall` and `day` are derived from it in UTC."""

    id: int
    source: str
    name: str | None
    time: datetime | None
    platform: str | None
    amount: int | None
    is_paid: bool | None
    payload: dict | None

    @property
    def wall(self) -> datetime | None:
        return None if self.time is None else self.time.astimezone(UTC).replace(tzinfo=None)

    @property
    def day(self) -> date | None:
        return None if self.time is None else self.time.astimezone(UTC).date()


def records() -> list[Record]:
    """Rows at every edge: bucket starts, the last microsecond before, both nights of changing clocks, Monday and Sunday, 1969."""
    chosen = random.Random(7)
    edges: list[datetime | None] = [None, WINDOW.start, WINDOW.stop]
    for moment in (WINDOW.start, WINDOW.stop, datetime(2026, 3, 30, tzinfo=UTC), datetime(2026, 4, 1, 6, tzinfo=UTC)):
        edges += [moment - timedelta(microseconds=1), moment, moment + timedelta(microseconds=1)]
    # The hour that does not exist, and the one that does twice.
    edges += [datetime(2026, 3, 29, hour, minute, tzinfo=UTC) for hour in (0, 1, 2) for minute in (0, 15, 59)]
    edges += [datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN), datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN)]
    edges += [datetime(2025, 10, 26, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1)]
    edges += [datetime(2026, 3, 8, 3, 0, tzinfo=NEW_YORK), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)]
    edges += [
        WINDOW.start + timedelta(seconds=chosen.randrange(14 * 86_400), milliseconds=chosen.randrange(1000)) for _ in range(300)
    ]
    names = ["paid", "viewed", "", None, 'O\'Neil "x"', "%s {a}", "ünïcode 🙂", "Other", "back\\slash"]
    platforms = ["ios", "android", "web", "", None, "Other", "it's", "a%b", "x\\y"]
    payloads: list[dict | None] = [
        None,
        {},
        {"screen": "home", "step": 1},
        {"screen": "cart", "step": 2.5, "paid": True},
        {"screen": None, "list": [1, {"b": 2, "a": 1}]},
        {"screen": "q\"uo'te", "nested": {"deep": "x"}},
    ]
    return [
        Record(
            index,
            chosen.choice(["shop", "app"]),
            chosen.choice(names),
            time and time.astimezone(UTC),  # two zones compare unequal in the hour that comes twice
            chosen.choice(platforms),
            chosen.choice([1, 2, 3, None, -5]),
            chosen.choice([True, False, None]),
            chosen.choice(payloads),
        )
        for index, time in enumerate(edges)
    ]


def event_time(record: Record, time: TimeColumn) -> datetime | None:
    """The instant that the time column stands for."""
    if record.time is None:
        return None
    if time.kind is TimeKind.DATE:
        assert record.day is not None
        return datetime(record.day.year, record.day.month, record.day.day, tzinfo=UTC)
    return record.time


def inside(record: Record, time: TimeColumn, window: TimeWindow) -> bool:
    moment = event_time(record, time)
    return moment is not None and window.start <= moment < window.stop


def counted(
    rows: Iterable[Record], time: TimeColumn, window: TimeWindow, interval: Interval, key: Callable[[Record], tuple]
) -> Counter:
    """Rows per bucket and key."""
    found: Counter = Counter()
    for record in rows:
        moment = event_time(record, time)
        if inside(record, time, window) and moment is not None:
            found[(floor_to_bucket(moment, interval), key(record))] += 1
    return found


def top(values: Sequence[object], limit: int) -> list[object]:
    """The most frequent, ties by value, null as the empty text."""
    shown = Counter("" if value is None else value for value in values)
    return [value for value, _ in sorted(shown.items(), key=lambda item: (-item[1], str(item[0])))][:limit]


def json_literal(payload: dict | None) -> str | None:
    return None if payload is None else json.dumps(payload, ensure_ascii=False)
