from datetime import date, timedelta

import pytest

from app.kernel.errors import NotFound
from app.metrics import service as metrics
from app.metrics.contracts import BucketRow, CoverageRow, DayTotal, ScopeType, SeriesKey, TopEvent
from models.detection import Anomaly
from models.plan import Event
from models.projects import Project
from tests.integration.scans_workbench import HOUR, NOW, VIEWER, Workbench

FLOOR = NOW.replace(minute=0)
DAY = timedelta(days=1)


@pytest.fixture
def collected(bench: Workbench) -> Workbench:
    """Two sources, three events, 30 hours covered, a hole in coverage five hours ago."""
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.store.add("web", "click", FLOOR - 26 * HOUR, 10)
    bench.store.add("web", "view", FLOOR - HOUR, 2)
    bench.store.add("app", "start", FLOOR - 2 * HOUR, 7)
    bench.collect()
    with bench.transaction() as session:
        metrics.replace_window(session, bench.config_id, FLOOR - 5 * HOUR, FLOOR - 4 * HOUR, [], [])
    return bench


def series(bench: Workbench, scope_type: ScopeType, ref: str | None = None, **window):
    with bench.transaction(write=False) as session:
        return metrics.series_for(session, VIEWER, "shop", scope_type, ref, **window)


def test_the_project_total_is_the_sum_over_event_types(collected: Workbench):
    total = series(collected, ScopeType.PROJECT_TOTAL)
    by_bucket = dict(zip(total.buckets, total.counts, strict=True))
    assert by_bucket[FLOOR - HOUR] == 5
    assert by_bucket[FLOOR - 2 * HOUR] == 7
    assert by_bucket[FLOOR - 3 * HOUR] == 0
    assert by_bucket[FLOOR - 5 * HOUR] is None
    assert (total.buckets[0], total.buckets[-1], len(total.buckets)) == (FLOOR - 30 * HOUR, FLOOR - HOUR, 30)


def test_an_event_series_is_zero_where_covered_and_unknown_where_not(collected: Workbench):
    click = collected.events()[("web", "click")]
    found = series(collected, ScopeType.EVENT, click.id, start=FLOOR - 6 * HOUR)
    assert found.counts == [0, None, 0, 0, 0, 3]
    of_type = series(collected, ScopeType.EVENT_TYPE, click.event_type_id, start=FLOOR - 2 * HOUR, stop=FLOOR)
    assert of_type.counts == [0, 5]


def test_a_series_of_another_project_is_not_found(collected: Workbench):
    with collected.transaction() as session:
        session.add(Project(tenant_id="tenant_1", name="Other", slug="other"))
    click = collected.events()[("web", "click")]
    with collected.transaction(write=False) as session:
        with pytest.raises(NotFound):
            metrics.series_for(session, VIEWER, "other", ScopeType.EVENT, click.id)
        with pytest.raises(NotFound):
            metrics.series_for(session, VIEWER, "other", ScopeType.PROJECT_TOTAL, scan_config_id=collected.config_id)
        nothing = metrics.series_for(session, VIEWER, "other", ScopeType.PROJECT_TOTAL)
    assert nothing.buckets == []


def test_loading_everything_gives_total_types_and_events_on_one_grid(collected: Workbench):
    with collected.transaction(write=False) as session:
        everything = metrics.load_series(session, collected.config_id)
    assert sorted(item.key.scope_type.value for item in everything) == ["event"] * 3 + ["event_type"] * 2 + ["project_total"]
    assert len({id(item.buckets) for item in everything}) == 1
    sums = {item.key.ref: sum(count or 0 for count in item.counts) for item in everything}
    assert sums[collected.config_id] == 22
    assert sums[collected.events()[("web", "click")].id] == 13


def test_a_series_that_fell_silent_before_the_window_is_still_loaded(collected: Workbench):
    with collected.transaction(write=False) as session:
        everything = metrics.load_series(session, collected.config_id, start=FLOOR - 2 * HOUR)
    silent = collected.events()[("web", "click")].id
    assert {item.key.ref for item in everything} >= {silent}
    start = next(item for item in everything if item.key.ref == collected.events()[("app", "start")].event_type_id)
    assert start.counts == [7, 0]


def test_loading_named_series_gives_them_in_the_order_asked(collected: Workbench):
    keys = [
        SeriesKey(collected.config_id, ScopeType.EVENT, "never counted"),
        SeriesKey(collected.config_id, ScopeType.PROJECT_TOTAL, collected.config_id),
    ]
    with collected.transaction(write=False) as session:
        found = metrics.load_series(session, collected.config_id, keys, FLOOR - 2 * HOUR)
    assert [item.key for item in found] == keys
    assert [item.counts for item in found] == [[0, 0], [7, 5]]


def test_replacing_a_window_leaves_its_neighbours_alone(collected: Workbench):
    click = collected.events()[("web", "click")]
    key = SeriesKey(collected.config_id, ScopeType.EVENT, click.id)
    with collected.transaction() as session:
        metrics.replace_window(
            session,
            collected.config_id,
            FLOOR - 2 * HOUR,
            FLOOR - HOUR,
            [BucketRow(key, FLOOR - 2 * HOUR, 99)],
            [CoverageRow(FLOOR - 2 * HOUR, 99, 99)],
        )
    assert collected.counts("web", "click") == {FLOOR - 26 * HOUR: 10, FLOOR - 2 * HOUR: 99, FLOOR - HOUR: 3}
    assert collected.counts("app", "start") == {}


def test_heatmap_sums_by_utc_weekday_and_hour_with_anomalies(collected: Workbench):
    with collected.transaction() as session:
        session.add(
            Anomaly(
                project_id=collected.project.id,
                scan_config_id=collected.config_id,
                scope_type="project_total",
                scope_ref=collected.config_id,
                bucket=FLOOR - HOUR,
                last_bucket=FLOOR - HOUR,
                bucket_seconds=3600,
                direction="spike",
                actual_count=5,
                expected_count=1.0,
                stddev=1.0,
                z_score=4.0,
            )
        )
    with collected.transaction(write=False) as session:
        total = metrics.series_for(session, VIEWER, "shop", ScopeType.PROJECT_TOTAL)
        found = metrics.week_of(session, total)
        span = {"start": FLOOR - 2 * HOUR, "stop": FLOOR - HOUR}
        narrow = metrics.week_of(session, metrics.series_for(session, VIEWER, "shop", ScopeType.PROJECT_TOTAL, **span))
    wednesday_nine = found.cells[2 * 24 + 9]
    assert (wednesday_nine.weekday, wednesday_nine.hour) == (2, 9)
    assert (wednesday_nine.count, wednesday_nine.anomaly_count) == (5, 1)
    assert (found.max_count, found.total_count) == (10, 22)
    assert (narrow.total_count, sum(cell.anomaly_count for cell in narrow.cells)) == (7, 0)


def test_top_events_are_ranked_by_volume_in_the_window(collected: Workbench):
    events = collected.events()
    with collected.transaction(write=False) as session:
        top = metrics.top_events(session, VIEWER, "shop", 24, 2, now=NOW)
        longer = metrics.top_events(session, VIEWER, "shop", 48, 1, now=NOW)
        totals = metrics.window_totals(session, VIEWER, "shop", [events[("web", "view")].id, "unknown"], 24, now=NOW)
    start, click = events[("app", "start")], events[("web", "click")]
    assert top == [TopEvent(start.id, start.event_type_id, "start", 7), TopEvent(click.id, click.event_type_id, "click", 3)]
    assert [event.total_count for event in longer] == [13]
    assert totals == {events[("web", "view")].id: 2, "unknown": 0}


def test_a_deleted_event_is_left_out_of_the_ranking(collected: Workbench):
    with collected.transaction() as session:
        session.delete(session.get_one(Event, collected.events()[("app", "start")].id))
    with collected.transaction(write=False) as session:
        top = metrics.top_events(session, VIEWER, "shop", 24, 1, now=NOW)
    assert [event.name for event in top] == ["click"]


def test_overview_figures_agree_with_the_stored_counts(collected: Workbench):
    with collected.transaction(write=False) as session:
        found = metrics.overview(session, VIEWER, "shop", 3, hours=4, now=NOW)
    assert (found.event_count, found.active_event_count) == (3, 3)
    assert (found.volume_24h, found.volume_previous_24h) == (12, 10)
    assert found.volume_until == FLOOR
    assert found.days == [DayTotal(date(2026, 3, 16), None), DayTotal(date(2026, 3, 17), 10), DayTotal(date(2026, 3, 18), 12)]
    assert found.total.counts == [0, 0, 7, 5]
    assert found.last_collected_bucket == FLOOR - HOUR
    assert found.last_received_at == FLOOR - HOUR


def test_overview_of_a_project_before_its_first_run_knows_nothing(bench: Workbench):
    with bench.transaction(write=False) as session:
        found = metrics.overview(session, VIEWER, "shop", 2, now=NOW)
    assert (found.event_count, found.volume_24h, found.last_collected_bucket) == (0, None, None)
    assert [day.count for day in found.days] == [None, None]
    assert found.total.buckets == []
