from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.engine.episodes import Episode, episodes
from app.detection.engine.judging import judge
from app.detection.engine.matrix import matrix_of
from app.kernel.intervals import Interval
from app.metrics.contracts import ScopeType, Series, SeriesKey
from tests.unit.detection.count_series import MONDAY, matrix

SETTINGS = DetectionSettings()


def found(counts) -> list[Episode]:
    judged = matrix(counts)
    return episodes(judged, judge(judged, SETTINGS))


def test_an_outage_is_one_anomaly_at_its_first_bucket():
    assert found([100] * 100 + [0] * 5 + [100] * 10) == [Episode(0, 100, 104)]


def test_two_outages_are_two_anomalies():
    assert found([100] * 100 + [0] * 2 + [100] + [0] * 3 + [100]) == [Episode(0, 100, 101), Episode(0, 103, 105)]


def test_an_outage_over_a_silent_night_stays_one_anomaly():
    day = np.where(np.arange(24) < 6, 0, 200)
    counts = np.tile(day, 12)
    counts[10 * 24 + 20 : 11 * 24 + 8] = 0
    assert found(counts) == [Episode(0, 10 * 24 + 20, 11 * 24 + 7)]


def test_other_drops_and_spikes_are_one_anomaly_for_each_bucket():
    assert found([100] * 100 + [400, 400] + [100] * 24 + [5, 5]) == [
        Episode(0, 100, 100),
        Episode(0, 101, 101),
        Episode(0, 126, 126),
        Episode(0, 127, 127),
    ]


def test_outages_of_different_series_stay_apart():
    counts = np.full((104, 2), 100.0)
    counts[100:, :] = 0
    assert found(counts) == [Episode(0, 100, 103), Episode(1, 100, 103)]


def series(ref: str, start_hour: int, counts: list[int | None], *, skip: int | None = None) -> Series:
    hours = [hour for hour in range(start_hour, start_hour + len(counts) + 1) if hour != skip][: len(counts)]
    buckets = [MONDAY + timedelta(hours=hour) for hour in hours]
    return Series(SeriesKey("scan", ScopeType.EVENT, ref), Interval.HOUR, buckets, counts)


def test_series_of_different_length_share_one_grid_with_unknown_ends():
    joined = matrix_of([series("a", 0, [1, None, 3]), series("b", 2, [7, 8])])
    np.testing.assert_array_equal(joined.counts, [[1, np.nan], [np.nan, np.nan], [3, 7], [np.nan, 8]])
    assert joined.bucket(2) == MONDAY + timedelta(hours=2)


def test_a_series_with_a_hole_in_its_grid_keeps_its_phases():
    joined = matrix_of([series("a", 0, [1, 2, 3], skip=1)])
    np.testing.assert_array_equal(joined.counts[:, 0], [1, np.nan, 2, 3])


def test_no_bucket_at_all_is_refused():
    with pytest.raises(ValueError, match="no series"):
        matrix_of([series("a", 0, [])])
