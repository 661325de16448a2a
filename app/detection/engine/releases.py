"""Release regressions: what the newest app release counts less of than the one before it (contract 7). Pure.

Versions come in the order from old to new; buckets are running numbers of one grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LEAST_SHARE = 0.05
LEAST_RUN = 2
LEAST_EVENTS = 200
LEAST_EXPECTED = 30.0
LEAST_PREVIOUS_SHARE = 0.001
MISSING_BELOW = 0.05
DROP_UP_TO = 0.5
DROP_SIGMA = 3.0
# The comparability gate: traffic that a release has beyond so many times its share before, and how much of it is too much.
FAMILIAR_GROWTH = 5.0
LEAST_NEW_EVENTS = 30
MOST_UNFAMILIAR = 0.25

CountsByBucket = Mapping[int, int]


class RegressionKind(StrEnum):
    """How much of a scope a release lost."""

    MISSING = "missing"
    VOLUME_DROP = "volume_drop"


@dataclass(frozen=True, slots=True)
class ActiveRelease:
    """A release with traffic worth comparing; `activated` is the first of its consecutive buckets with a real share."""

    version: str
    activated: int


@dataclass(frozen=True, slots=True)
class Deficit:
    """A scope of which the release counts far less than its traffic lets expect."""

    kind: RegressionKind
    observed: int
    expected: float
    ratio: float
    share_prev: float
    share_new: float


def active_releases(
    by_version: Mapping[str, CountsByBucket], traffic: CountsByBucket, order: Sequence[str], longest_window: int
) -> list[ActiveRelease]:
    """Releases that hold 5 % of the traffic for two buckets in a row and have 200 events since, in the order given.

    `traffic` counts every version, also those not in `order`. Windows end at the newest bucket of the traffic.
    """
    if not traffic:
        return []
    newest = max(traffic)
    found = []
    for version in order:
        counts = by_version[version]
        activated = _activation(counts, traffic)
        if activated is None:
            continue
        start = max(activated, newest - longest_window + 1)
        if sum(count for bucket, count in counts.items() if bucket >= start) >= LEAST_EVENTS:
            found.append(ActiveRelease(version, activated))
    return found


def _activation(counts: CountsByBucket, traffic: CountsByBucket) -> int | None:
    run = 0
    before: int | None = None
    for bucket in sorted(counts):
        holds = counts[bucket] > 0 and counts[bucket] >= LEAST_SHARE * traffic.get(bucket, 0)
        run = (run + 1 if before == bucket - 1 else 1) if holds else 0
        before = bucket
        if run >= LEAST_RUN:
            return bucket - LEAST_RUN + 1
    return None


def deficit(observed: int, previous: int, total_new: int, total_previous: int) -> Deficit | None:
    """The deficit of one scope in the window, or None when it is no regression or there is too little to tell."""
    if total_new <= 0 or total_previous <= 0:
        return None
    expected = total_new * previous / total_previous
    share_previous = previous / total_previous
    if expected < LEAST_EXPECTED or share_previous < LEAST_PREVIOUS_SHARE:
        return None
    ratio = (observed + 0.5) / (expected + 0.5)
    if ratio < MISSING_BELOW:
        kind = RegressionKind.MISSING
    elif ratio <= DROP_UP_TO and observed < expected - DROP_SIGMA * math.sqrt(expected):
        kind = RegressionKind.VOLUME_DROP
    else:
        return None
    return Deficit(kind, observed, expected, ratio, share_previous, observed / total_new)


def unfamiliar_share(pairs: Iterable[tuple[int, int]], total_new: int, total_previous: int) -> float:
    """How much of a release's traffic goes to scopes that the one before hardly had; above MOST_UNFAMILIAR they do not compare.

    `pairs` are (observed, previous) of scopes that do not contain each other: the event types, or the events. 0 without traffic.
    """
    if total_new <= 0 or total_previous <= 0:
        return 0.0
    return sum(
        max(0.0, observed / total_new - FAMILIAR_GROWTH * previous / total_previous)
        for observed, previous in pairs
        if observed >= LEAST_NEW_EVENTS
    )
