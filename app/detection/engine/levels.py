"""The trailing level of each series, which lets a seasonal expectation follow growth (contract 6.3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.detection.engine.matrix import Floats

Flags = npt.NDArray[np.bool_]

# An abnormal bucket counts as this share of the way from the expectation to the edge of its band.
ABNORMAL_SHARE = 0.25
# After anomalies worth so many shortest cycles the change is the new normal and counts in full.
CYCLES_TO_NORMAL = 2


class TrailingLevels:
    """Mean of the trailing shortest cycle before each row, from cleaned counts. Each kind of baseline has its own.

    An incident of a day therefore hardly moves the level, so that the return to normal is no anomaly in turn; a change that
    lasts is taken over after two cycles.
    """

    def __init__(self, row_count: int, series_count: int, window: int) -> None:
        self.levels: Floats = np.full((row_count, series_count), np.nan)
        self._window = window
        self._sums = np.zeros((row_count + 1, series_count))
        self._known = np.zeros((row_count + 1, series_count))
        self._abnormal = np.zeros(series_count)

    def fix(self, row: int) -> None:
        """Set `levels[row]` from the rows before; NaN while less than half of the window is known."""
        start = max(0, row - self._window)
        known = self._known[row] - self._known[start]
        mean = (self._sums[row] - self._sums[start]) / np.maximum(known, 1)
        self.levels[row] = np.where(known * 2 >= self._window, mean, np.nan)

    def take(self, row: int, actual: Floats, expected: Floats, reach: Floats, judged: Flags, anomalous: Flags) -> None:
        """Add the row's counts (NaN is unknown). `reach` is the half width of the expected band."""
        limit = CYCLES_TO_NORMAL * self._window
        is_new_normal = self._abnormal >= limit
        step = np.where(anomalous, 1.0, -1.0)
        self._abnormal = np.where(judged, np.clip(self._abnormal + step, 0.0, limit), self._abnormal)
        towards = np.where(actual >= expected, reach, -reach)
        cut = np.maximum(expected + ABNORMAL_SHARE * towards, 0.0)
        values = np.where(anomalous & ~is_new_normal, cut, actual)
        known = ~np.isnan(values)
        self._sums[row + 1] = self._sums[row] + np.where(known, values, 0.0)
        self._known[row + 1] = self._known[row] + known
