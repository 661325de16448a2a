"""The demo shop's story: the same at every hour of the day, and found by the engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.demo.scanning import MIN_EXPECTED_COUNT
from app.demo.shop_events import event_batches, refused_batch
from app.demo.story import EVENTS, SOURCES, Timeline, counts
from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import Verdict, judge
from app.detection.engine.matrix import CountMatrix
from app.kernel.intervals import Interval, bucket_index

NAMES = [event.name for event in EVENTS]


def judged(now: datetime) -> tuple[Timeline, np.ndarray]:
    timeline = Timeline(now)
    values = np.stack([counts(event, timeline) for event in EVENTS], axis=1)[:-1].astype(float)
    of_sources = [values[:, [event.source == source for event in EVENTS]].sum(axis=1) for source in SOURCES]
    values = np.column_stack([values, *of_sources])
    matrix = CountMatrix(Interval.HOUR, bucket_index(timeline.hours[0], Interval.HOUR), values)
    return timeline, judge(matrix, DetectionSettings(min_expected_count=MIN_EXPECTED_COUNT)).verdict


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize("day", [2, 7])
def test_every_incident_is_found_and_little_else(hour: int, day: int):
    timeline, verdict = judged(datetime(2026, 11, day, hour, 12, tzinfo=UTC))
    abnormal = verdict == Verdict.ANOMALY
    assert abnormal[-1, NAMES.index("payment_failed")]
    assert abnormal[-2:, len(NAMES) + list(SOURCES).index("payments")].any()
    start, stop = (int((moment - timeline.hours[0]) / timedelta(hours=1)) for moment in timeline.outage)
    for name in ("checkout_started", "order_placed", "payment_authorized"):
        assert abnormal[start:stop, NAMES.index(name)].any(), name
    silent = int((timeline.silent_since - timeline.hours[0]) / timedelta(hours=1))
    assert abnormal[silent:, NAMES.index("coupon_applied")].any()
    assert abnormal.mean() <= 0.02


def test_the_past_does_not_change_within_an_hour():
    early, late = (Timeline(datetime(2026, 11, 2, 9, minute, tzinfo=UTC)) for minute in (1, 50))
    for event in EVENTS:
        np.testing.assert_array_equal(counts(event, early)[:-1], counts(event, late)[:-1])


def test_lines_hold_the_counted_events_in_order_and_none_of_the_future():
    timeline = Timeline(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    batches = list(event_batches("tenant", "project", timeline))
    rows = [json.loads(line) for batch in batches for line in batch.lines.splitlines()]
    assert len(rows) == sum(batch.rows for batch in batches) == sum(int(counts(event, timeline).sum()) for event in EVENTS)
    assert 150_000 < len(rows) < 250_000
    assert len({row["id"] for row in rows}) == len(rows)
    times = [row["time"] for row in rows]
    assert times == sorted(times)
    assert max(row["received_at"] for row in rows) <= "2026-11-02T09:30:00.000Z"
    assert max(times) > "2026-11-02T09:28"
    properties = json.loads(rows[0]["properties"])
    assert list(properties) == sorted(properties)
    assert {row["verdict"] for row in rows if row["name"] == "gift_banner_clicked"} == {"flagged"}
    refused = refused_batch("tenant", "project", timeline)
    assert len(refused.lines.splitlines()) == refused.rows
