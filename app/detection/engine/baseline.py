"""The contract's baseline (contract 6.3): what it looks back at, and how much history that takes."""

from __future__ import annotations

from app.detection.contracts import DetectionSettings
from app.kernel.intervals import Interval

SEASONAL_FLOOR_SHARE = 0.05
# Until three weeks are known, a weekly rhythm looks like deviations from the daily one: a share of every count, not noise.
UNSEEN_WEEK_FLOOR_SHARE = 0.15
ROLLING_FLOOR_SHARE = 0.03
CYCLES_REQUIRED = 3
# Cycles looked back at. More make the median steadier, fewer let a changed shape become the expectation sooner.
LONG_CYCLES = 6
SHORT_CYCLES = 14
MOST_CYCLES = max(LONG_CYCLES, SHORT_CYCLES)
# A level computed from a handful of events is noise: this many events per trailing cycle pull its ratio towards 1.
LEVEL_PRIOR_EVENTS = 30.0
# Beyond the cycles of the median: those in which the calibration learns before the window that is asked for.
WARM_UP_CYCLES = {Interval.DAY: 6}
WARM_UP_DEFAULT = 2
ROLLING_WARM_UP_BUCKETS = 60


def history_needed(interval: Interval, settings: DetectionSettings) -> int:
    """How many buckets before a window should be loaded so that its verdicts do not depend on where loading began."""
    rolling = settings.baseline_window_buckets + ROLLING_WARM_UP_BUCKETS
    if not interval.seasonal_periods:
        return rolling
    return max(rolling, interval.seasonal_periods[0] * (LONG_CYCLES + WARM_UP_CYCLES.get(interval, WARM_UP_DEFAULT)))
