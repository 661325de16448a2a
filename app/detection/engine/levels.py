"""The trailing level of each series, which lets a seasonal expectation follow growth (contract 6.3)."""

from __future__ import annotations

import numpy as np

from app.detection.engine.matrix import Floats


class TrailingLevels:
    """Mean of the trailing shortest cycle before each row.

    It is fed with counts in which anomalies are cut to the edge of the expected band, so that an outage does not become the
    expectation within a day while a lasting change does after a few.
    """

    def __init__(self, row_count: int, series_count: int, window: int) -> None:
        self.levels: Floats = np.full((row_count, series_count), np.nan)
        self._window = window
        self._sums = np.zeros((row_count + 1, series_count))
        self._known = np.zeros((row_count + 1, series_count))

    def fix(self, row: int) -> None:
        """Set `levels[row]` from the rows before; NaN while less than half of the window is known."""
        if not self._window:
            return
        start = max(0, row - self._window)
        known = self._known[row] - self._known[start]
        mean = (self._sums[row] - self._sums[start]) / np.maximum(known, 1)
        self.levels[row] = np.where(known * 2 >= self._window, mean, np.nan)

    def take(self, row: int, values: Floats) -> None:
        """Add the row's cleaned counts; NaN is unknown."""
        known = ~np.isnan(values)
        self._sums[row + 1] = self._sums[row] + np.where(known, values, 0.0)
        self._known[row + 1] = self._known[row] + known
