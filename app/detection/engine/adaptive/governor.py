"""Repeated episodes raise the bar: a series that alarms every day needs more surprise than one that never did.

Each new episode lifts the bar a little; it decays so that the free number of episodes a week costs nothing in the long run.
"""

from __future__ import annotations

import math

from app.detection.engine.adaptive.layout import ALARM_RUN, BAR, EPISODE_QUIET, IN_EPISODE, QUIET_RUN, Floats
from app.detection.engine.adaptive.surprise import normal_surprise
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled

REFERENCE_SIGMA = 3.0
QUIET_BUCKETS = 3
_REFERENCE_SURPRISE = normal_surprise(REFERENCE_SIGMA)


@compiled
def govern(state: Floats, tuning: Tuning, surprise: float, daily_correction: float, buckets_per_day: float) -> float:
    """The surprise after the bar; `daily_correction` is ln(buckets a day), what one bucket owes to the others of its day."""
    daily = surprise - daily_correction
    bar = state[BAR]
    if daily >= _REFERENCE_SURPRISE * bar:
        if state[IN_EPISODE] == 0.0:
            bar *= 1.0 + tuning.governor_step
        state[IN_EPISODE], state[EPISODE_QUIET] = 1.0, 0.0
    elif state[IN_EPISODE] == 1.0:
        state[EPISODE_QUIET] += 1.0
        if state[EPISODE_QUIET] >= QUIET_BUCKETS:
            state[IN_EPISODE] = 0.0
    decay = tuning.governor_step * tuning.governor_free_per_week / (7.0 * max(buckets_per_day, 1.0))
    state[BAR] = max(1.0, bar * math.exp(-decay))
    return daily / state[BAR] + daily_correction if state[BAR] > 1.0 and daily > 0.0 else surprise


@compiled
def track_run(state: Floats, score: float) -> None:
    """Count the buckets of the running episode and the quiet ones behind it."""
    if score >= REFERENCE_SIGMA:
        state[ALARM_RUN] += 1.0
        state[QUIET_RUN] = 0.0
    else:
        state[QUIET_RUN] = min(state[QUIET_RUN] + 1.0, 1e6)
        if state[QUIET_RUN] >= QUIET_BUCKETS:
            state[ALARM_RUN] = 0.0
