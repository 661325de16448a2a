from __future__ import annotations

import numpy as np

from app.detection.comparison import compare
from app.detection.contracts import DetectionSettings
from app.detection.detectors import Detector
from tests.unit.detection.count_series import matrix

SETTINGS = DetectionSettings()


def test_both_detectors_find_most_of_what_was_put_into_a_steady_series():
    hours = np.arange(56 * 24)
    counts = matrix(np.random.default_rng(5).poisson(500 * (1 + 0.4 * np.sin(2 * np.pi * hours / 24))))
    scores = compare(counts, SETTINGS)
    assert [score.detector for score in scores] == list(Detector)
    for score in scores:
        assert score.injected_count >= 12
        assert score.recall >= 0.5 and score.precision >= 0.7, score
        assert score.alarms_per_week < 1
    assert compare(counts, SETTINGS) == scores


def test_a_short_series_cannot_be_compared():
    assert compare(matrix([100] * 100), SETTINGS) == []
