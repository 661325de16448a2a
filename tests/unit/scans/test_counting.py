from datetime import UTC, datetime, timedelta

from app.kernel.intervals import Interval
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from app.plan.contracts import PlanIdentities
from app.scans.counting import collect
from app.scans.windows import Window
from app.warehouse.rollup_contracts import CountedBucket

START = datetime(2026, 3, 18, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(START, START + 3 * HOUR)
PLAN = PlanIdentities({"web": "type-web", "app": "type-app"}, {("web", "click"): ("type-web", "event-click")})


def counts(*rows: CountedBucket):
    return collect("config", WINDOW, Interval.HOUR, rows, PLAN)


def stored(scope_type: ScopeType, ref: str, bucket: datetime, count: int) -> BucketRow:
    return BucketRow(SeriesKey("config", scope_type, ref), bucket, count)


def test_rows_of_a_planned_event_count_for_event_and_type():
    found = counts(CountedBucket("web", "click", START, 5))
    assert found.rows == [stored(ScopeType.EVENT, "event-click", START, 5), stored(ScopeType.EVENT_TYPE, "type-web", START, 5)]


def test_every_bucket_of_the_window_is_covered_also_the_empty_ones():
    found = counts(CountedBucket("web", "click", START + HOUR, 5))
    assert found.coverage == [CoverageRow(START, 0, 0), CoverageRow(START + HOUR, 5, 5), CoverageRow(START + 2 * HOUR, 0, 0)]


def test_an_unplanned_event_counts_for_its_known_type_but_is_not_matched():
    found = counts(CountedBucket("web", "unheard", START, 7))
    assert found.rows == [stored(ScopeType.EVENT_TYPE, "type-web", START, 7)]
    assert found.coverage[0] == CoverageRow(START, 7, 0)


def test_an_unknown_type_shows_in_coverage_only():
    found = counts(CountedBucket("kiosk", "click", START, 7))
    assert found.rows == []
    assert found.coverage[0] == CoverageRow(START, 7, 0)


def test_names_that_become_equal_once_shortened_are_added_up():
    long = "x" * 497
    plan = PlanIdentities({"web": "type-web"}, {("web", long + "..."): ("type-web", "event-long")})
    rows = [CountedBucket("web", long + "aaaa", START, 1), CountedBucket("web", long + "bbbb", START, 2)]
    found = collect("config", WINDOW, Interval.HOUR, rows, plan)
    assert stored(ScopeType.EVENT, "event-long", START, 3) in found.rows


def test_last_seen_is_the_newest_bucket_with_rows():
    found = counts(CountedBucket("web", "click", START + HOUR, 1), CountedBucket("web", "click", START, 9))
    assert found.last_seen == {"event-click": START + HOUR}
