"""What a ranking of events reads, sums of days and buckets at the edges, is what a plain sum over the buckets gives."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.intervals import Interval, ceil_to_bucket, floor_to_bucket
from app.metrics import charts
from app.metrics import day_repository as days
from app.metrics import ranking_repository as ranking
from app.metrics import service as metrics
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from app.metrics.recording import merge_event_metrics
from app.retention import repository as retention
from models.metrics import MetricBucket, MetricDay, MetricSummedDay
from models.projects import Project
from models.scans import ScanConfig
from tests.integration.scans_workbench import HOUR, NOW, VIEWER, Workbench

DAY = timedelta(days=1)
TODAY = NOW.replace(hour=0, minute=0)
NAMES = (("web", "click"), ("web", "view"), ("app", "start"), ("app", "stop"))


@pytest.fixture
def counted(bench: Workbench) -> Workbench:
    """Four events, counted once."""
    for source, name in NAMES:
        bench.store.add(source, name, NOW.replace(minute=0) - HOUR)
    bench.collect()
    return bench


def naive(session: Session, config_id: str, since: datetime) -> dict[str, int]:
    """The sum over the buckets, of the events that the workbench knows."""
    statement = (
        sa.select(col(MetricBucket.scope_ref), sa.func.sum(col(MetricBucket.count)))
        .where(
            col(MetricBucket.scan_config_id) == config_id,
            col(MetricBucket.scope_type) == "event",
            col(MetricBucket.bucket) >= since,
        )
        .group_by(col(MetricBucket.scope_ref))
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


class Writer:
    """Does to the buckets of one scan what the product does to them, in random order."""

    def __init__(self, bench: Workbench, interval: Interval, seed: int) -> None:
        self.bench = bench
        self.interval = interval
        self.random = random.Random(seed)
        self.ids = [event.id for event in bench.events().values()]

    def moment(self) -> datetime:
        return NOW - timedelta(minutes=self.random.randrange(0, 45 * 24 * 60))

    def write(self) -> None:
        """A collection or a replay, mostly with edges within a day; some buckets are left empty."""
        start = floor_to_bucket(self.moment(), self.interval)
        width = self.random.choice((1, 2, 7, 24, 100))
        stop = min(start + width * self.interval.duration, ceil_to_bucket(NOW, self.interval))
        rows, coverage, bucket = [], [], start
        while bucket < stop:
            if self.random.random() < 0.8:
                coverage.append(CoverageRow(bucket, 9, 9))
                for event_id in self.ids:
                    if self.random.random() < 0.6:
                        key = SeriesKey(self.bench.config_id, ScopeType.EVENT, event_id)
                        rows.append(BucketRow(key, bucket, self.random.randrange(1, 10**10)))
            bucket += self.interval.duration
        with self.bench.transaction() as session:
            metrics.replace_window(session, self.bench.config_id, start, stop, rows, coverage)

    def merge(self) -> None:
        source, target = self.random.sample(self.ids, 2)
        with self.bench.transaction() as session:
            merge_event_metrics(session, [source], target)

    def prune(self) -> None:
        before = self.moment() - 20 * DAY
        with self.bench.transaction() as session:
            retention.delete_oldest_counts(session, MetricBucket, self.bench.config_id, before, self.random.choice((DAY, 90 * DAY)))

    def check(self) -> None:
        """Windows within days and of whole days, over all events and over some."""
        config_id, project_id = self.bench.config_id, self.bench.project.id
        some = self.random.sample(self.ids, 2)
        with self.bench.transaction(write=False) as session:
            for since in (self.moment(), floor_to_bucket(self.moment(), Interval.DAY), NOW - 30 * DAY, TODAY, TODAY + DAY):
                expected = naive(session, config_id, since)
                assert ranking.totals_since(session, project_id, config_id, since, None) == expected
                picked = {ref: total for ref, total in expected.items() if ref in some}
                assert ranking.totals_since(session, project_id, config_id, since, some) == picked
            marked = set(session.execute(sa.select(col(MetricSummedDay.day))).scalars())
            assert set(session.execute(sa.select(col(MetricDay.day))).scalars()) <= marked
            self.check_marks(session)

    def check_marks(self, session: Session) -> None:
        """A mark holds what the rows of its day hold."""
        for mark in session.execute(sa.select(MetricSummedDay)).scalars():
            of_day = sa.select(col(MetricDay.event_id), col(MetricDay.count), col(MetricDay.counts)).where(
                col(MetricDay.scan_config_id) == mark.scan_config_id, col(MetricDay.day) == mark.day
            )
            rows = sorted(tuple(row) for row in session.execute(of_day))
            assert mark.events == ",".join(row[0] for row in rows)
            assert days.unpack(mark.totals).tolist() == [row[1] for row in rows]
            assert mark.counts == b"".join(row[2] for row in rows)


@pytest.mark.parametrize("interval", ["15m", "1h", "6h", "1d", "1w"])
def test_whatever_was_written_the_sums_are_those_of_the_buckets(counted: Workbench, interval: str):
    counted.change_config(interval=interval)
    for seed in range(3):
        writer = Writer(counted, Interval(interval), seed)
        for _ in range(12):
            step = writer.random.choice((writer.write, writer.write, writer.write, writer.write, writer.merge, writer.prune))
            step()
            writer.check()


def test_days_are_read_where_they_are_summed_and_buckets_at_the_edges(counted: Workbench):
    key = SeriesKey(counted.config_id, ScopeType.EVENT, counted.events()[NAMES[0]].id)
    start = TODAY - 5 * DAY
    hours = [start + number * HOUR for number in range(5 * 24)]
    with counted.transaction() as session:
        coverage = [CoverageRow(hour, 1, 1) for hour in hours]
        metrics.replace_window(session, counted.config_id, start, TODAY, [BucketRow(key, hour, 1) for hour in hours], coverage)
    # Sums made wrong on purpose show which figures come from where.
    with counted.transaction() as session:
        session.execute(sa.update(MetricDay).where(col(MetricDay.day) < TODAY).values(count=1_000))
    with counted.transaction(write=False) as session:
        found = metrics.window_totals(session, VIEWER, "shop", [key.ref], 3 * 24, now=TODAY - HOUR)
    assert found == {key.ref: 1 + 3 * 1_000 + 1}


def test_a_day_that_something_else_filled_is_read_from_its_buckets(counted: Workbench):
    event_id = counted.events()[NAMES[0]].id
    with counted.transaction() as session:
        for back in (3, 9):
            bucket = TODAY - back * DAY
            session.add(
                MetricBucket(scan_config_id=counted.config_id, scope_type="event", scope_ref=event_id, bucket=bucket, count=50)
            )
    with counted.transaction(write=False) as session:
        assert metrics.window_totals(session, VIEWER, "shop", [event_id], 720, now=NOW) == {event_id: 101}


def test_counts_of_an_event_that_is_gone_are_in_no_ranking(counted: Workbench):
    key = SeriesKey(counted.config_id, ScopeType.EVENT, "gone")
    with counted.transaction() as session:
        rows = [BucketRow(key, TODAY - DAY, 7)]
        metrics.replace_window(session, counted.config_id, TODAY - DAY, TODAY, rows, [CoverageRow(TODAY - DAY, 7, 7)])
    with counted.transaction(write=False) as session:
        assert "gone" not in metrics.window_totals(session, VIEWER, "shop", None, 720, now=NOW)


def test_charts_of_old_days_read_them_where_they_are_summed(counted: Workbench):
    event = counted.events()[NAMES[0]]
    key = SeriesKey(counted.config_id, ScopeType.EVENT, event.id)
    old = TODAY - 300 * DAY
    hours = [old + number * HOUR for number in range(48)]
    with counted.transaction() as session:
        rows = [BucketRow(key, hour, 7) for hour in hours]
        metrics.replace_window(session, counted.config_id, old, old + 2 * DAY, rows, [CoverageRow(hour, 7, 7) for hour in hours])
    # Rows made wrong on purpose show which figures come from where; the second day is as one that something else filled.
    with counted.transaction() as session:
        wrong = {"counts": days.pack(np.full(24, 1_000))}
        session.execute(sa.update(MetricDay).where(col(MetricDay.day) < TODAY - 31 * DAY).values(**wrong))
        session.execute(sa.delete(MetricSummedDay).where(col(MetricSummedDay.day) == old + DAY))
    with counted.transaction(write=False) as session:
        start, stop = old + 20 * HOUR, old + 26 * HOUR
        chart = charts.events_total(session, VIEWER, "shop", event_type_id=event.event_type_id, start=start, stop=stop)
    assert list(chart.points.counts) == [1_000] * 4 + [7] * 2


@pytest.mark.parametrize("model", [ScanConfig, Project])
def test_the_sums_go_with_their_scan_and_project(counted: Workbench, model: type[ScanConfig] | type[Project]):
    with counted.transaction() as session:
        assert session.execute(sa.select(col(MetricDay.day))).first() is not None
        gone = counted.config_id if model is ScanConfig else counted.project.id
        session.execute(sa.delete(model).where(col(model.id) == gone))
    with counted.transaction(write=False) as session:
        for table in (MetricDay, MetricSummedDay):
            assert session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0


@pytest.mark.parametrize("interval", ["15m", "1h", "6h", "1d"])
def test_charts_hold_the_sums_of_the_collected_buckets(counted: Workbench, interval: str):
    counted.change_config(interval=interval)
    for seed in range(2):
        writer = Writer(counted, Interval(interval), seed)
        for _ in range(6):
            writer.write()
            edges = sorted((writer.moment(), writer.moment()))
            for start, stop in ((None, None), (edges[0], edges[1]), (edges[0], None)):
                check_charts(counted, start, stop)


def check_charts(bench: Workbench, start: datetime | None, stop: datetime | None) -> None:
    """Every event by itself and every event type's events together, against the buckets one by one."""
    covered = [one for one in sorted(bench.coverage()) if (start is None or one >= start) and (stop is None or one < stop)]
    by_type: dict[str, dict[datetime, int]] = {}
    with bench.transaction(write=False) as session:
        for event in bench.events().values():
            stored = bench.counts_of("event", event.id)
            chart = charts.scope_chart(session, VIEWER, "shop", ScopeType.EVENT, event.id, start=start, stop=stop)
            if chart.config_id is not None:
                assert list(chart.points.buckets) == covered
                assert list(chart.points.counts) == [stored.get(bucket, 0) for bucket in covered]
            of_type = by_type.setdefault(event.event_type_id, dict.fromkeys(covered, 0))
            for bucket in covered:
                of_type[bucket] += stored.get(bucket, 0)
        for type_id, expected in by_type.items():
            chart = charts.events_total(session, VIEWER, "shop", event_type_id=type_id, start=start, stop=stop)
            assert dict(zip(chart.points.buckets, chart.points.counts, strict=True)) == expected
