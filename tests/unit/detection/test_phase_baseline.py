from __future__ import annotations

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import Verdict, judge
from app.kernel.intervals import Interval
from tests.unit.detection.count_series import matrix

WEEK = 168
SETTINGS = DetectionSettings()


def three_weeks_of_monday_peaks() -> list[int]:
    one_week = [10] * WEEK
    one_week[9] = 1000
    return one_week * 3


def test_a_monday_peak_as_on_three_mondays_before_is_normal():
    verdicts = judge(matrix([*three_weeks_of_monday_peaks(), *([10] * 9), 1000]), SETTINGS)
    assert verdicts.verdict[-1, 0] == Verdict.OK
    assert verdicts.expected[-1, 0] == pytest.approx(1000)


def test_a_monday_peak_that_stays_out_is_a_drop_although_its_count_is_common():
    verdicts = judge(matrix([*three_weeks_of_monday_peaks(), *([10] * 9), 10]), SETTINGS)
    assert verdicts.verdict[-1, 0] == Verdict.ANOMALY
    assert verdicts.score[-1, 0] < -3


def test_constant_history_has_the_floor_of_five_per_cent_as_spread():
    verdicts = judge(matrix([1000] * (3 * WEEK + 1)), SETTINGS)
    assert verdicts.expected[-1, 0] == pytest.approx(1000)
    assert verdicts.spread[-1, 0] == pytest.approx(50)


def test_small_expectations_have_the_poisson_deviation_as_spread():
    verdicts = judge(matrix([100] * (3 * WEEK + 1)), SETTINGS)
    assert verdicts.spread[-1, 0] == pytest.approx(10)


@pytest.mark.parametrize(("buckets", "is_weekly"), [(3 * WEEK, True), (3 * WEEK - 1, False)])
def test_the_weekly_season_counts_from_three_complete_weeks_on(buckets: int, is_weekly: bool):
    one_week = np.repeat([100, 100, 100, 100, 100, 300, 300], 24)
    history = np.resize(one_week, buckets)
    verdicts = judge(matrix([*history, 100]), SETTINGS)
    expects_the_same_hour_last_weeks = abs(verdicts.expected[-1, 0] - np.resize(one_week, buckets + 1)[-1]) < 1
    assert expects_the_same_hour_last_weeks == is_weekly


def test_the_phase_comes_from_the_clock_when_collection_began_in_the_middle_of_a_day():
    hours = np.arange(11, 11 + 24 * 5)
    counts = np.where(hours % 24 == 9, 500, 50)
    shifted = judge(matrix(counts), SETTINGS)
    assert (shifted.verdict[80:, 0] == Verdict.OK).all()


def test_growth_is_followed_by_the_level_of_the_trailing_day():
    days = np.arange(60 * 24) / 24
    counts = np.round(200 * np.exp(0.02 * days))
    verdicts = judge(matrix(counts), SETTINGS)
    assert (verdicts.verdict[4 * 24 :, 0] == Verdict.OK).all()
    assert verdicts.expected[-1, 0] == pytest.approx(counts[-1], rel=0.06)


def test_a_quarter_hour_series_knows_days_and_weeks():
    one_day = np.where(np.arange(96) < 30, 20, 200)
    verdicts = judge(matrix(np.tile(one_day, 22), Interval.QUARTER_HOUR), SETTINGS)
    assert (verdicts.verdict[3 * 96 :, 0] == Verdict.OK).all()


def test_daily_buckets_know_the_week():
    one_week = [500, 500, 500, 500, 500, 100, 100]
    verdicts = judge(matrix([*(one_week * 4), 500, 500, 500, 500, 500, 500], Interval.DAY), SETTINGS)
    assert (verdicts.verdict[21:-1, 0] == Verdict.OK).all()
    assert verdicts.verdict[-1, 0] == Verdict.ANOMALY


def test_weekly_buckets_use_the_rolling_baseline():
    verdicts = judge(matrix([100, 102, 98, 101, 99, 100, 100, 100, 400], Interval.WEEK), SETTINGS)
    assert verdicts.verdict[-1, 0] == Verdict.ANOMALY
    assert verdicts.expected[-1, 0] == pytest.approx(100)
    assert verdicts.spread[-1, 0] == pytest.approx(10)


def test_what_surprised_the_daily_rhythm_does_not_disturb_the_weekly_one():
    one_week = np.repeat([100, 100, 100, 100, 100, 300, 300], 24)
    verdicts = judge(matrix(np.resize(one_week, 9 * WEEK)), SETTINGS)
    assert (verdicts.verdict[: 3 * WEEK, 0] == Verdict.ANOMALY).any()
    np.testing.assert_allclose(verdicts.expected[3 * WEEK :, 0], np.resize(one_week, 9 * WEEK)[3 * WEEK :])


def test_a_permanent_change_of_one_hour_is_normal_within_a_few_cycles():
    one_day = np.full(24, 200)
    changed = one_day.copy()
    changed[9] = 600
    verdicts = judge(matrix([*np.tile(one_day, 35), *np.tile(changed, 35)]), SETTINGS)
    nine = verdicts.verdict[35 * 24 + 9 :: 24, 0]
    assert nine[0] == Verdict.ANOMALY
    assert (nine[28:] == Verdict.OK).all()
