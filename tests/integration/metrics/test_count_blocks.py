from datetime import timedelta

import numpy as np
import pytest

from app.kernel.intervals import Interval, bucket_index
from app.metrics import count_blocks as blocks
from app.metrics import service as metrics
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from tests.integration.scans_workbench import HOUR, NOW, Workbench

FLOOR = NOW.replace(minute=0)
DAYS = timedelta(days=2)


@pytest.fixture
def counted(bench: Workbench) -> Workbench:
    """Two sources, three events; 40 hours covered but for two, one event in every hour, one seldom, one with large counts."""
    random = np.random.default_rng(3)
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.store.add("web", "view", FLOOR - HOUR, 2)
    bench.store.add("app", "start", FLOOR - HOUR, 7)
    bench.collect()
    events = bench.events()
    rows, coverage = [], []
    for back in range(1, 41):
        bucket = FLOOR - back * HOUR
        if back not in {6, 7}:
            coverage.append(CoverageRow(bucket, 1, 1))
        for name, count in (
            (("web", "click"), 25 + back),
            (("app", "start"), 10**12 + back),
            (("web", "view"), int(random.integers(2))),
        ):
            event = events[name]
            if count and back not in {6, 7}:
                rows.append(BucketRow(SeriesKey(bench.config_id, ScopeType.EVENT, event.id), bucket, count))
                if name != ("web", "view"):
                    rows.append(BucketRow(SeriesKey(bench.config_id, ScopeType.EVENT_TYPE, event.event_type_id), bucket, count))
    with bench.transaction() as session:
        metrics.replace_window(session, bench.config_id, FLOOR - 40 * HOUR, FLOOR, rows, coverage)
    return bench


@pytest.mark.parametrize("cells", [1, 100, 1_500_000])
def test_blocks_hold_what_the_series_hold_whatever_their_size(counted: Workbench, monkeypatch: pytest.MonkeyPatch, cells: int):
    monkeypatch.setattr(blocks, "BLOCK_CELLS", cells)
    with counted.transaction(write=False) as session:
        series = {one.key: one for one in metrics.load_series(session, counted.config_id, start=FLOOR - DAYS)}
        found = list(metrics.count_blocks(session, counted.config_id, list(series), FLOOR - DAYS, FLOOR))
    rows = {key: (block.first_index, block.counts[place]) for block in found for place, key in enumerate(block.keys)}
    assert rows.keys() == series.keys()
    for key, (first_index, counts) in rows.items():
        assert first_index == bucket_index(series[key].buckets[0], Interval.HOUR)
        expected = [np.nan if count is None else count for count in series[key].counts]
        np.testing.assert_array_equal(counts, expected)


def test_a_window_without_coverage_and_an_unknown_config_have_no_blocks(counted: Workbench):
    key = SeriesKey(counted.config_id, ScopeType.PROJECT_TOTAL, counted.config_id)
    with counted.transaction(write=False) as session:
        assert list(metrics.count_blocks(session, counted.config_id, [key], FLOOR, FLOOR + DAYS)) == []
        assert list(metrics.count_blocks(session, "gone", [key], FLOOR - DAYS, FLOOR)) == []


def test_only_what_was_ever_counted_is_a_series(counted: Workbench):
    click = counted.events()[("web", "click")]
    wanted = [
        SeriesKey(counted.config_id, ScopeType.PROJECT_TOTAL, counted.config_id),
        SeriesKey(counted.config_id, ScopeType.EVENT, click.id),
        SeriesKey(counted.config_id, ScopeType.EVENT, click.event_type_id),
    ]
    with counted.transaction(write=False) as session:
        assert metrics.counted_keys(session, counted.config_id, wanted) == wanted[:2]
