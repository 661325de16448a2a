from __future__ import annotations

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings, Outcome
from app.detection.engine import judging
from app.detection.engine.judging import Verdict, judge
from app.detection.engine.seasonal.decision import effective_spread
from app.detection.judgements import judgement_at, judgements_of
from app.kernel.intervals import Interval
from tests.unit.detection.count_series import matrix, poisson

SETTINGS = DetectionSettings()


def test_too_little_history_is_unknown_and_says_how_much_is_missing():
    counts = matrix([100, 100, 100, 100])
    verdicts = judge(counts, SETTINGS)
    last = judgement_at(counts, verdicts, 3, 0, SETTINGS)
    assert (last.outcome, last.reason) == (Outcome.UNKNOWN, "needs 7 buckets of history, has 3")
    assert last.expected is None and last.actual == 100


def test_after_the_least_history_the_rolling_baseline_judges():
    verdicts = judge(matrix([100] * 7 + [500]), SETTINGS)
    assert verdicts.verdict[:, 0].tolist() == [Verdict.SHORT_HISTORY] * 7 + [Verdict.ANOMALY]


def test_an_uncollected_bucket_is_unknown_and_never_a_drop():
    counts = matrix([100.0] * 80 + [np.nan] + [100.0])
    verdicts = judge(counts, SETTINGS)
    gap = judgement_at(counts, verdicts, 80, 0, SETTINGS)
    assert (gap.outcome, gap.actual, gap.reason) == (Outcome.UNKNOWN, None, "no completed run covered this bucket")
    assert verdicts.verdict[81, 0] == Verdict.OK


def test_uncollected_days_do_not_enter_the_history_as_zeros():
    counts = np.full(24 * 30, 100.0)
    counts[24 * 20 : 24 * 22] = np.nan
    verdicts = judge(matrix(counts), SETTINGS)
    assert (verdicts.verdict[24 * 22 :, 0] == Verdict.OK).all()
    assert verdicts.expected[-1, 0] == pytest.approx(100)


@pytest.mark.parametrize("odd", [np.inf, -np.inf, -5.0])
def test_what_is_no_count_is_unknown_and_spoils_nothing_after_it(odd: float):
    counts = matrix([100.0] * 100 + [odd] + [100.0] * 30)
    verdicts = judge(counts, SETTINGS)
    assert verdicts.verdict[100, 0] == Verdict.NOT_A_COUNT
    assert judgement_at(counts, verdicts, 100, 0, SETTINGS).reason == "the count is negative or not finite"
    assert (verdicts.verdict[101:, 0] == Verdict.OK).all()


def test_a_series_whose_judgement_raises_is_unknown_and_the_others_are_judged(monkeypatch: pytest.MonkeyPatch):
    real = judging._judge_block

    def fails_on_666(counts, settings):
        if (counts.counts == 666).any():
            raise ZeroDivisionError
        return real(counts, settings)

    monkeypatch.setattr(judging, "_judge_block", fails_on_666)
    counts = np.full((40, 5), 100.0)
    counts[3, 2] = 666
    verdicts = judge(matrix(counts), SETTINGS)
    assert (verdicts.verdict[:, 2] == Verdict.FAILED).all()
    assert (verdicts.verdict[10:, [0, 1, 3, 4]] == Verdict.OK).all()
    assert judgement_at(matrix(counts), verdicts, 39, 2, SETTINGS).reason == "the judgement failed"


def test_many_buckets_at_once_are_judged_like_each_alone():
    counts = matrix([100.0] * 80 + [np.nan, 100.0, 900.0, -5.0, np.inf] + [100.0] * 30)
    verdicts = judge(counts, SETTINGS)
    rows = range(counts.bucket_count)
    found = judgements_of(counts, verdicts, rows, 0, SETTINGS)
    assert {judgement.outcome for judgement in found} == set(Outcome)
    assert found == [judgement_at(counts, verdicts, row, 0, SETTINGS) for row in rows]


def test_a_series_too_small_to_pass_is_not_evaluated():
    counts = matrix(np.tile([0, 1, 4, 2], 60))
    verdicts = judge(counts, SETTINGS)
    assert set(verdicts.verdict[7:, 0]) == {Verdict.TOO_SMALL}
    assert "stay below 10" in judgement_at(counts, verdicts, 200, 0, SETTINGS).reason


def test_an_expectation_below_the_minimum_is_never_an_anomaly():
    counts = [8] * 100 + [80] + [8] * 30 + [0]
    verdicts = judge(matrix(counts), SETTINGS)
    assert Verdict.ANOMALY not in verdicts.verdict
    lowered = judge(matrix(counts), DetectionSettings(min_expected_count=5))
    assert lowered.verdict[100, 0] == Verdict.ANOMALY


def test_a_drop_to_zero_counts_only_when_enough_was_expected():
    for level, verdict in ((12, Verdict.ANOMALY), (9, Verdict.OK)):
        verdicts = judge(matrix([level] * 100 + [0]), SETTINGS)
        assert verdicts.verdict[-1, 0] == verdict


def test_the_threshold_is_inclusive():
    counts = [100] * 7 + [130]
    assert judge(matrix(counts), DetectionSettings(sigma_threshold=3.0)).verdict[-1, 0] == Verdict.ANOMALY
    assert judge(matrix(counts), DetectionSettings(sigma_threshold=3.01)).verdict[-1, 0] == Verdict.OK


def test_verdicts_do_not_depend_on_later_buckets():
    counts = poisson(Interval.HOUR, 30, 6, seed=11, noise=0.2)
    counts.counts[600:606, 0] = 0
    whole = judge(counts, SETTINGS)
    for stop in (5, 100, 505, 603, 700):
        part = judge(matrix(counts.counts[:stop]), SETTINGS)
        np.testing.assert_array_equal(part.verdict, whole.verdict[:stop])
        np.testing.assert_allclose(part.score, whole.score[:stop])


def test_series_are_judged_alone_and_together_alike(monkeypatch: pytest.MonkeyPatch):
    counts = poisson(Interval.HOUR, 25, 8, seed=5)
    counts.counts[:300, 3] = np.nan
    together = judge(counts, SETTINGS)
    monkeypatch.setattr(judging, "BLOCK_CELLS", counts.bucket_count * 3)
    np.testing.assert_array_equal(judge(counts, SETTINGS).verdict, together.verdict)
    for column in range(8):
        alone = judge(matrix(counts.counts[:, column]), SETTINGS)
        np.testing.assert_array_equal(alone.verdict[:, 0], together.verdict[:, column])


def test_an_outage_of_a_day_does_not_become_the_expectation():
    counts = np.full(24 * 40, 200.0)
    counts[24 * 35 : 24 * 36] = 0
    verdicts = judge(matrix(counts), SETTINGS)
    assert (verdicts.verdict[24 * 35 : 24 * 36, 0] == Verdict.ANOMALY).all()
    assert (verdicts.verdict[24 * 36 :, 0] == Verdict.OK).all()


def test_a_lasting_change_is_the_expectation_within_a_week():
    counts = np.full(24 * 50, 200.0)
    counts[24 * 35 :] = 400
    verdicts = judge(matrix(counts), SETTINGS)
    assert verdicts.verdict[24 * 35, 0] == Verdict.ANOMALY
    assert (verdicts.verdict[24 * 42 :, 0] == Verdict.OK).all()


def test_nothing_to_judge_gives_an_empty_answer():
    assert judge(matrix(np.empty((0, 0))), SETTINGS).verdict.shape == (0, 0)
    assert (judge(matrix([np.nan] * 50), SETTINGS).verdict == Verdict.UNCOVERED).all()


def test_a_rare_event_that_falls_silent_is_found_although_its_noise_is_wide():
    random = np.random.default_rng(4)
    silent = np.concatenate([random.poisson(14 * random.gamma(20, 1 / 20, 24 * 35)), np.zeros(12)])
    verdicts = judge(matrix(silent), SETTINGS)
    assert (verdicts.verdict[24 * 35 :, 0] == Verdict.ANOMALY).any()


def test_the_spread_of_a_fall_is_never_below_that_of_the_contract():
    spread = [effective_spread(actual, 100.0, 10.0, 18.0) for actual in (0.0, 50.0, 150.0)]
    np.testing.assert_allclose(spread, [10.0, 18 * (1 + np.sqrt(0.5)) / 2, 18.0])
