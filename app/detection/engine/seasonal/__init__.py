"""The contract's baseline as compiled arithmetic, one series at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.detection.contracts import DetectionSettings
from app.detection.engine.seasonal.calibration import TAILS
from app.detection.engine.seasonal.judge import FIGURES, judge_each
from app.detection.engine.seasonal.work import Floats, Rules
from app.kernel.intervals import Interval


def judge_counts(counts: Floats, interval: Interval, settings: DetectionSettings) -> tuple[npt.NDArray[np.int8], Floats]:
    """Verdict codes (series, buckets) and figures (series, 4, buckets): expected, spread, score, history.

    `counts` has a row per series, NaN where nothing is known; what cannot be a count becomes NaN in place.
    """
    tail = TAILS[interval]
    rules = Rules(
        float(settings.sigma_threshold),
        float(settings.min_expected_count),
        settings.baseline_window_buckets,
        settings.min_history_buckets,
        tail.share,
        tail.point,
        tail.memory,
    )
    verdicts = np.empty(counts.shape, dtype=np.int8)
    figures = np.empty((counts.shape[0], FIGURES, counts.shape[1]))
    judge_each(counts, np.array(interval.seasonal_periods, dtype=np.int64), rules, verdicts, figures)
    return verdicts, figures
