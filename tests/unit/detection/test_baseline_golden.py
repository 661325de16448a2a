"""Whole judgements of odd series by the contract's baseline, kept in baseline_golden.json.

The figures come from an implementation over whole arrays, row by row; the compiled one has to give the same. After a wanted change
of the arithmetic: `python -m tests.unit.detection.test_baseline_golden`, and review the difference.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import judge
from app.detection.engine.matrix import CountMatrix
from app.kernel.intervals import Interval

GOLDEN = Path(__file__).with_name("baseline_golden.json")
DAYS = {Interval.QUARTER_HOUR: 26, Interval.HOUR: 40, Interval.SIX_HOURS: 90, Interval.DAY: 120, Interval.WEEK: 420}
RULES = {
    "usual": DetectionSettings(),
    "strict": DetectionSettings(sigma_threshold=2.0, min_expected_count=0, baseline_window_buckets=30, min_history_buckets=12),
}
SHOWN = 12


def odd_series(interval: Interval) -> CountMatrix:
    random = np.random.default_rng(interval.seconds)
    bucket = np.arange(DAYS[interval] * 86_400 // interval.seconds)
    day = 1 + 0.6 * np.sin(2 * np.pi * bucket * min(interval.seconds, 86_400) / 86_400) if interval.seconds < 86_400 else 1.0
    week = np.where(bucket * interval.seconds // 86_400 % 7 >= 5, 0.6, 1.0)
    level = np.exp(random.uniform(np.log(0.3), np.log(1e5), 14))
    counts = random.poisson((day * week)[:, None] * level).astype(np.float64)
    size, half = bucket.size, bucket.size // 2
    counts[half : half + size // 10, 0] = np.nan
    counts[:half, 1] = np.nan
    counts[:, 2] = np.where(random.random(size) < 0.3, np.nan, counts[:, 2])
    counts[half, 3], counts[half + 1, 3] = np.inf, -5
    counts[:, 4], counts[:, 5], counts[:, 6] = 0, 100, np.nan
    counts[half:, 7] *= 3
    counts[half:, 8] = 0
    counts[:, 9] = 1e12 + counts[:, 9]
    counts[random.integers(0, size, 12), 10] *= 6
    counts[-1, 11] = 0
    return CountMatrix(interval, 1_000, counts)


def judged(interval: Interval, rules: str) -> dict[str, object]:
    found = judge(odd_series(interval), RULES[rules])
    rows = np.linspace(0, found.verdict.shape[0] - 1, SHOWN).astype(int)
    figures = {
        name: [[None if np.isnan(value) else float(f"{value:.12g}") for value in getattr(found, name)[row]] for row in rows]
        for name in ("expected", "spread", "score")
    }
    verdicts = hashlib.sha256(np.ascontiguousarray(found.verdict).tobytes()).hexdigest()[:16]
    return {"verdicts": verdicts, "anomalies": int((found.verdict == 1).sum()), **figures}


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("interval", list(Interval))
def test_odd_series_are_judged_as_before(interval: Interval, rules: str):
    expected = json.loads(GOLDEN.read_text())[f"{interval.value} {rules}"]
    found = judged(interval, rules)
    assert (found["verdicts"], found["anomalies"]) == (expected["verdicts"], expected["anomalies"])
    for name in ("expected", "spread", "score"):
        as_numbers = [np.array(table[name], dtype=np.float64) for table in (found, expected)]
        np.testing.assert_allclose(*as_numbers, rtol=1e-11)


if __name__ == "__main__":
    pairs = [(interval, rules) for interval in Interval for rules in RULES]
    lines = [f"{json.dumps(f'{interval.value} {rules}')}: {json.dumps(judged(interval, rules))}" for interval, rules in pairs]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
