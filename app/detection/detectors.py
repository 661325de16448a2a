"""Judging each series by its own rules: the project's settings, what was tuned for it, and the detector adopted for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import Verdict, Verdicts, judge
from app.detection.engine.matrix import CountMatrix
from app.metrics.contracts import SeriesKey

SIGMA_STEP, LARGEST_SIGMA = 0.5, 10.0
COUNT_STEP, LARGEST_MIN_EXPECTED = 5, 1_000


class Detector(StrEnum):
    """What judges a series: the contract's seasonal median, or the adaptive engine where it knows enough (docs/detection.md)."""

    BASELINE = "baseline"
    ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """What differs from the project for one series; None keeps the project's setting."""

    detector: Detector = Detector.BASELINE
    sigma_threshold: float | None = None
    min_expected_count: int | None = None
    false_positive_count: int = 0

    def apply(self, settings: DetectionSettings) -> DetectionSettings:
        """The settings of this series. Each false alarm that stands asks for half a sigma and five events more (contract 6.9)."""
        sigma = settings.sigma_threshold if self.sigma_threshold is None else self.sigma_threshold
        least = settings.min_expected_count if self.min_expected_count is None else self.min_expected_count
        return replace(
            settings,
            sigma_threshold=max(sigma, min(LARGEST_SIGMA, sigma + SIGMA_STEP * self.false_positive_count)),
            min_expected_count=max(least, min(LARGEST_MIN_EXPECTED, least + COUNT_STEP * self.false_positive_count)),
        )


USUAL = ScopeRules()


def judge_series(
    matrix: CountMatrix, keys: Sequence[SeriesKey], settings: DetectionSettings, rules: Mapping[SeriesKey, ScopeRules]
) -> Verdicts:
    """Verdicts for all buckets, each column by the rules of its key."""
    groups: dict[tuple[Detector, DetectionSettings], list[int]] = defaultdict(list)
    for column, key in enumerate(keys):
        of_key = rules.get(key, USUAL)
        groups[(of_key.detector, of_key.apply(settings))].append(column)
    if len(groups) == 1:
        ((detector, of_group),) = groups
        return judge_with(detector, matrix, of_group)
    shape = matrix.counts.shape
    expected, spread, score, history = (np.full(shape, np.nan) for _ in range(4))
    whole = Verdicts(np.zeros(shape, dtype=np.int8), expected, spread, score, history)
    for (detector, of_group), columns in groups.items():
        part = CountMatrix(matrix.interval, matrix.first_index, matrix.counts[:, columns])
        found = judge_with(detector, part, of_group)
        for name in ("verdict", "expected", "spread", "score", "history"):
            getattr(whole, name)[:, columns] = getattr(found, name)
    return whole


def judge_with(detector: Detector, matrix: CountMatrix, settings: DetectionSettings) -> Verdicts:
    """Verdicts of one detector. Where the adaptive engine knows too little, the baseline answers."""
    judged = judge(matrix, settings)
    return judged if detector is Detector.BASELINE else _adaptive(matrix, settings, judged)


def _adaptive(matrix: CountMatrix, settings: DetectionSettings, fallback: Verdicts) -> Verdicts:
    from app.detection.engine import adaptive  # imported on first use: loading the compiled code takes a while

    start = int(matrix.bucket(0).timestamp())
    found = adaptive.judge_many(
        start + np.arange(matrix.bucket_count, dtype=np.int64) * matrix.interval.seconds,
        matrix.counts.T,
        matrix.interval.seconds,
        is_count=True,
        sigma_threshold=settings.sigma_threshold,
        baseline_window_buckets=settings.baseline_window_buckets,
        min_history_buckets=settings.min_history_buckets,
        min_expected_count=settings.min_expected_count,
    )
    expected, score = found.expected.T, found.score.T
    with np.errstate(all="ignore"):
        delta = matrix.counts - expected
        is_known = (found.outcome.T != adaptive.OutcomeCode.UNKNOWN) & (fallback.verdict <= Verdict.ANOMALY)
        is_anomaly = (np.abs(score) >= settings.sigma_threshold) & (expected >= settings.min_expected_count)
        is_anomaly &= np.sign(delta) == np.sign(score)
        # The effective spread keeps z = (actual - expected) / stddev true for whoever reads an anomaly (contract 6.4).
        spread = np.where(is_anomaly, np.abs(delta) / np.abs(score), found.spread.T)
    return Verdicts(
        np.where(is_known, np.where(is_anomaly, Verdict.ANOMALY, Verdict.OK), fallback.verdict).astype(np.int8),
        np.where(is_known, expected, fallback.expected),
        np.where(is_known, spread, fallback.spread),
        np.where(is_known, score, fallback.score),
        fallback.history,
    )
