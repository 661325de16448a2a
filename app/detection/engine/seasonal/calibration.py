"""How wide a series' own deviations run, learned as it goes.

Real counts scatter more than their floors say, and a median over few cycles is itself uncertain; a fixed threshold of three
sigma would flag far more than three buckets in a thousand. Two things answer that, and both only ever widen the contract's
spread: the mean deviation of all phases together is a floor under each phase's own spread, which a handful of cycles measures
badly; and a factor grows until no more than the tail share of the judged buckets lies beyond the normal tail point.

Each kind of baseline has a row of its own: a young baseline must not teach an older one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.detection.engine.compiled import inlined
from app.detection.engine.seasonal.work import LOG_WIDTH, MEAN_DEVIATION, TEACHERS, WAS_ANOMALOUS, Floats, Rules
from app.kernel.intervals import Interval

MEAN_TO_SIGMA = 1.2533
POOL_SHARE = 0.9
POOL_CUT = 3.0
PRIOR_MEAN = 1.0 / MEAN_TO_SIGMA
PRIOR_BUCKETS = 12.0
STEP = 0.15
NARROWEST_LOG = -0.2
WIDEST_LOG = math.log(20.0)


@dataclass(frozen=True, slots=True)
class Tail:
    """A normal deviate exceeds `point` in absolute value with probability `share`; `memory` is in buckets."""

    share: float
    point: float
    memory: int


# Long buckets are few: a rarer tail would be learned only after years.
TAILS = {
    Interval.QUARTER_HOUR: Tail(0.01, 2.576, 672),
    Interval.HOUR: Tail(0.01, 2.576, 168),
    Interval.SIX_HOURS: Tail(0.03, 2.170, 56),
    Interval.DAY: Tail(0.05, 1.960, 28),
    Interval.WEEK: Tail(0.05, 1.960, 12),
}


@inlined
def start_calibration(cells: Floats, kind: int) -> None:
    """Nothing is known yet."""
    cells[kind, LOG_WIDTH], cells[kind, MEAN_DEVIATION] = 0.0, PRIOR_MEAN
    cells[kind, TEACHERS], cells[kind, WAS_ANOMALOUS] = PRIOR_BUCKETS, 0.0


@inlined
def plain_spread(cells: Floats, kind: int, own: float, floor: float) -> float:
    """The largest of a phase's own spread, the floor of counts, and the spread that all phases show together."""
    pooled: float = POOL_SHARE * MEAN_TO_SIGMA * cells[kind, MEAN_DEVIATION] * floor
    return max(own, floor, pooled)


@inlined
def width(cells: Floats, kind: int) -> float:
    """The factor by which the plain spread is widened, at least 1."""
    log_width: float = cells[kind, LOG_WIDTH]
    return math.exp(log_width) if log_width > 0.0 else 1.0


@inlined
def learn_deviation(
    cells: Floats, kind: int, rules: Rules, deviation: float, plain: float, floor: float, is_anomalous: bool
) -> None:
    """Take |actual - expected| of a judged bucket.

    Of a run of anomalies only the first bucket teaches: an incident says nothing about ordinary days.
    """
    repeats = is_anomalous and cells[kind, WAS_ANOMALOUS] != 0.0
    cells[kind, WAS_ANOMALOUS] = 1.0 if is_anomalous else 0.0
    if repeats:
        return
    widened = width(cells, kind) * plain
    beyond = 1.0 if deviation > rules.tail_point * widened else 0.0
    cells[kind, LOG_WIDTH] = min(max(cells[kind, LOG_WIDTH] + (beyond - rules.tail_share) * STEP, NARROWEST_LOG), WIDEST_LOG)
    cells[kind, TEACHERS] += 1.0
    rate = max(1.0 / cells[kind, TEACHERS], 1.0 / rules.tail_memory)
    taken = min(deviation, POOL_CUT * widened) / floor
    cells[kind, MEAN_DEVIATION] += rate * (taken - cells[kind, MEAN_DEVIATION])
