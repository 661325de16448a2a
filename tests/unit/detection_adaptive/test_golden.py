"""Whole judgements of fixed series, kept in golden.json.

After a wanted change of the algorithm: `python -m tests.unit.detection_adaptive.test_golden`, and review the difference.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.detection.engine.adaptive import judge_many

from .series import hourly_counts, metric, timestamps

GOLDEN = Path(__file__).with_name("golden.json")


def shop_with_a_spike_an_outage_and_a_shift() -> tuple[np.ndarray, int, bool]:
    values = hourly_counts(56)
    values[800] *= 3
    values[950:956] = 0
    values[1150:1180] = np.round(values[1150:1180] * 0.6)
    return values, 3600, True


def quarter_hour_metric_with_a_slow_leak() -> tuple[np.ndarray, int, bool]:
    values = metric(30)
    values[2000:2100] += np.linspace(0, 6, 100)
    values[2500] -= 9.0
    values[600:640] = np.nan
    return values, 900, False


def daily_count_that_stops() -> tuple[np.ndarray, int, bool]:
    values = hourly_counts(300, level=4.0).reshape(300, 24).sum(axis=1)
    values[250:255] = 0
    return values, 86_400, True


CASES = [shop_with_a_spike_an_outage_and_a_shift, quarter_hour_metric_with_a_slow_leak, daily_count_that_stops]


def alarms_of(case) -> dict[str, list[float]]:
    values, interval, is_count = case()
    judged = judge_many(
        timestamps(values.size, interval),
        values[None, :],
        interval,
        is_count=is_count,
        sigma_threshold=3.0,
        baseline_window_buckets=14,
        min_history_buckets=7,
        min_expected_count=10,
    )
    places = np.flatnonzero(judged.outcome[0] == 1)
    return {str(place): [round(float(judged.score[0, place]), 3), round(float(judged.expected[0, place]), 2)] for place in places}


@pytest.mark.parametrize("case", CASES)
def test_a_known_series_is_judged_as_before(case):
    expected = json.loads(GOLDEN.read_text())[case.__name__]
    found = alarms_of(case)
    assert found.keys() == expected.keys()
    for place, figures in expected.items():
        assert found[place] == pytest.approx(figures, rel=1e-3, abs=2e-2)


if __name__ == "__main__":
    lines = [f"{json.dumps(case.__name__)}: {json.dumps(alarms_of(case))}" for case in CASES]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
