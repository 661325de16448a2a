"""The constants of the detector in one place, with what each one trades. One set serves every series and interval."""

from __future__ import annotations

from typing import NamedTuple

# Buckets before the first score: the residual scale and the profiles know nothing earlier.
WARM_UP = 20
# A value beyond this cannot be squared safely with the rest of its series and counts as missing.
LARGEST_VALUE = 1e15


class Tuning(NamedTuple):
    """Defaults were chosen on the development series as a whole, never per file."""

    memory_days: float = 7.0  # regression: days of memory (weeks of daily buckets)
    ridge: float = 3.0  # pull of the weights towards the prior
    day_rate: float = 0.08  # profiles: share of a new value
    week_rate: float = 0.25
    winsor_sigma: float = 2.5  # what a bucket may teach at most
    belief_growth: float = 1.15  # of the limit, with every value in a row that exceeds it
    residual_cut: float = 4.0  # the regression ignores buckets beyond
    huber_sigma: float = 1.5
    slow_days: float = 3.5
    error_days: float = 10.0
    # Sigma beyond which a miss counts as this much. A count's noise is known from its size, a metric's only from its misses, and
    # incidents are among those: they are cut sooner.
    count_clip: float = 2.5
    metric_clip: float = 1.7
    spread_prior: float = 18.0  # buckets of a slot that weigh as much as the global spread
    spread_memory: float = 80.0
    window_cap: float = 3.8  # sigma one bucket may add to a window
    window_weeks: float = 2.0  # windows stay silent before
    recurrence: float = 0.2  # how much a peak that came back at this time of day is discounted
    recurrence_decay: float = 0.6
    tail_days: float = 28.0
    steepest_tail: float = 1.55
    flattest_tail: float = 0.3
    # The shape that most series have at hourly buckets, and what it gains with every fourfold width: sums over longer buckets are
    # nearer to normal. A series' own shape rests on two quantiles and is noisy, so most of the usual one is in every tail.
    usual_tail: float = 1.23
    tail_per_fourfold_width: float = 0.08
    tail_shrinkage: float = 0.9
    least_lower: float = 1.3  # a tail is never narrower
    least_upper: float = 1.9
    training_cut: float = 8.0  # surprise beyond which a bucket does not train the tail
    extreme_share: float = 0.4  # unless this share of the week was that extreme
    governor_step: float = 0.03
    governor_free_per_week: float = 14.0


DEFAULT_TUNING = Tuning()
