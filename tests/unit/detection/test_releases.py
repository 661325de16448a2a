from __future__ import annotations

import pytest

from app.detection.engine.releases import MOST_UNFAMILIAR, RegressionKind, active_releases, deficit, unfamiliar_share


def test_a_tenth_of_what_was_expected_is_a_volume_drop():
    found = deficit(10, 500, 2_000, 10_000)
    assert found is not None and found.kind is RegressionKind.VOLUME_DROP
    assert found.expected == 100 and found.ratio == pytest.approx(0.104, abs=0.001)
    assert (found.share_prev, found.share_new) == (0.05, 0.005)


def test_next_to_nothing_is_missing():
    found = deficit(2, 500, 2_000, 10_000)
    assert found is not None and found.kind is RegressionKind.MISSING


@pytest.mark.parametrize(
    ("observed", "previous"),
    [(51, 500), (0, 140), (2_000, 500), (0, 0)],
)
def test_small_or_no_deficits_are_no_regression(observed: int, previous: int):
    assert deficit(observed, previous, 2_000, 10_000) is None


def test_a_rare_scope_of_a_large_release_is_left_out():
    assert deficit(0, 99, 100_000, 100_000) is None


def test_a_release_is_active_from_the_first_of_two_buckets_with_a_real_share():
    traffic = dict.fromkeys(range(10), 1_000)
    counts = {"1": dict.fromkeys(range(10), 900), "2": {2: 60, 3: 10, 4: 50, 5: 90, 6: 100}}
    assert [(one.version, one.activated) for one in active_releases(counts, traffic, ["1", "2"], 336)] == [("1", 0), ("2", 4)]
    counts["2"] = {4: 60, 6: 60, 8: 120}
    assert [one.version for one in active_releases(counts, traffic, ["1", "2"], 336)] == ["1"]


def test_a_release_with_few_events_is_not_active():
    traffic = dict.fromkeys(range(10), 100)
    counts = {"2": dict.fromkeys(range(10), 19)}
    assert active_releases(counts, traffic, ["2"], 336) == []


def test_only_the_window_before_the_newest_bucket_counts():
    traffic = dict.fromkeys(range(100), 1_000)
    counts = {"1": {0: 500, 1: 500, 99: 10}}
    assert active_releases(counts, traffic, ["1"], 50) == []


def test_a_release_that_mostly_counts_what_nobody_counted_before_does_not_compare():
    grown, new_scope, few = (500, 400), (300, 0), (29, 0)
    assert unfamiliar_share([grown, new_scope, few], 1_000, 1_000) == pytest.approx(0.3)
    assert unfamiliar_share([grown, (250, 0)], 1_000, 1_000) <= MOST_UNFAMILIAR
    assert unfamiliar_share([(600, 100)], 1_000, 1_000) == pytest.approx(0.1)
    assert unfamiliar_share([new_scope], 1_000, 0) == 0.0
