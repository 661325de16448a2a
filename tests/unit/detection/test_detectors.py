from __future__ import annotations

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.detectors import Detector, ScopeRules, judge_series, judge_with
from app.detection.engine.judging import Verdict, judge
from app.metrics.contracts import ScopeType, SeriesKey
from tests.unit.detection.count_series import matrix

SETTINGS = DetectionSettings()
KEYS = [SeriesKey("scan", ScopeType.EVENT, ref) for ref in ("a", "b", "c")]


def test_false_alarms_make_a_series_less_sensitive_up_to_a_limit():
    tuned = ScopeRules(false_positive_count=2).apply(SETTINGS)
    assert (tuned.sigma_threshold, tuned.min_expected_count) == (4.0, 20)
    tuned = ScopeRules(false_positive_count=1_000).apply(SETTINGS)
    assert (tuned.sigma_threshold, tuned.min_expected_count) == (10.0, 1_000)
    assert ScopeRules(sigma_threshold=12.0, false_positive_count=3).apply(SETTINGS).sigma_threshold == 12.0


def test_each_series_is_judged_by_its_own_rules_and_the_others_as_before():
    counts = matrix(np.column_stack([[100] * 60 + [150]] * 3))
    rules = {KEYS[1]: ScopeRules(sigma_threshold=9.0)}
    found = judge_series(counts, KEYS, SETTINGS, rules)
    assert found.verdict[-1].tolist() == [Verdict.ANOMALY, Verdict.OK, Verdict.ANOMALY]
    np.testing.assert_array_equal(found.verdict[:, [0, 2]], judge(counts, SETTINGS).verdict[:, [0, 2]])


@pytest.fixture(scope="module")
def six_weeks():
    hours = np.arange(42 * 24)[:, None]
    means = np.repeat(300 * (1 + 0.5 * np.sin(2 * np.pi * hours / 24)), 4, axis=1)
    counts = matrix(np.random.default_rng(3).poisson(means))
    counts.counts[-3, 0] = 0
    return counts, judge_with(Detector.ADAPTIVE, counts, SETTINGS)


def test_the_adaptive_detector_finds_an_outage_and_little_else(six_weeks):
    _, found = six_weeks
    assert found.verdict[-3, 0] == Verdict.ANOMALY
    assert (found.verdict == Verdict.ANOMALY).mean() < 0.01


def test_an_adaptive_anomaly_keeps_the_relation_of_its_figures(six_weeks):
    counts, found = six_weeks
    rows, columns = np.nonzero(found.verdict == Verdict.ANOMALY)
    z = (counts.counts[rows, columns] - found.expected[rows, columns]) / found.spread[rows, columns]
    np.testing.assert_allclose(z, found.score[rows, columns])
    assert (found.expected[rows, columns] >= SETTINGS.min_expected_count).all()


def test_where_the_adaptive_detector_knows_too_little_the_baseline_answers():
    counts = matrix([100] * 10 + [500])
    found = judge_with(Detector.ADAPTIVE, counts, SETTINGS)
    assert found.verdict[-1, 0] == Verdict.ANOMALY
    np.testing.assert_array_equal(found.verdict, judge(counts, SETTINGS).verdict)
