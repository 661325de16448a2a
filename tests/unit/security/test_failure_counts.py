"""Failed sign-ins by address, counted in memory within bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from app.security.service.failure_counts import ENOUGH, RecentFailures

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_failures_of_the_last_five_minutes_count_and_older_or_later_ones_do_not():
    counts = RecentFailures()
    for age in (6 * MINUTE, 5 * MINUTE, MINUTE, 0 * MINUTE, -MINUTE):
        counts.add("p", "1.2.3.4", NOW - age)
    assert counts.count("p", "1.2.3.4", NOW) == 3
    assert counts.count("p", "1.2.3.5", NOW) == 0
    assert counts.count("other", "1.2.3.4", NOW) == 0


def test_what_history_tells_is_taken_over_and_not_counted_twice():
    counts = RecentFailures()
    moments = [NOW - step * SECOND for step in (3, 2, 1)]
    counts.learn("p", "a", moments)
    counts.learn("p", "a", moments)
    counts.add("p", "a", NOW)
    counts.learn("p", "a", [*moments, NOW])
    assert counts.count("p", "a", NOW) == 4
    counts.learn("p", "b", moments[:1])
    assert counts.count("p", "b", NOW) == 1


def test_no_more_are_kept_than_change_a_score_and_no_more_addresses_than_allowed():
    counts = RecentFailures(most=3)
    for _ in range(50):
        counts.add("p", "flood", NOW)
    assert counts.count("p", "flood", NOW) == ENOUGH
    for number in range(3):
        counts.add("p", f"a{number}", NOW)
    assert counts.count("p", "flood", NOW) == 0
    assert len(counts._moments) == 3


def test_threads_lose_no_failure():
    counts = RecentFailures()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: counts.add("p", "a", NOW), range(ENOUGH)))
    assert counts.count("p", "a", NOW) == ENOUGH
