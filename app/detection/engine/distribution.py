"""Distribution drift: the Population Stability Index of one bucket against the buckets before it (contract 8.4). Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ABSENT_SHARE = 1e-4
MINOR_FROM = 0.10
SIGNIFICANT_FROM = 0.25
MOVER_COUNT = 5


class Band(StrEnum):
    """How far a distribution moved."""

    STABLE = "stable"
    MINOR = "minor"
    SIGNIFICANT = "significant"


@dataclass(frozen=True, slots=True)
class Mover:
    """One value's shares of the baseline and of the bucket, and what it adds to the index."""

    value: str
    baseline_share: float
    current_share: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Drift:
    """The index with its band and the values that moved most, largest contribution first."""

    psi: float
    band: Band
    baseline_total: int
    current_total: int
    top_movers: list[Mover]


def band_of(psi: float) -> Band:
    """Below 0.10 stable, below 0.25 minor, else significant."""
    if psi < MINOR_FROM:
        return Band.STABLE
    return Band.MINOR if psi < SIGNIFICANT_FROM else Band.SIGNIFICANT


def drift_of(baseline: Mapping[str, int], current: Mapping[str, int]) -> Drift | None:
    """The drift from the baseline's counts to the bucket's; None when either has no rows."""
    baseline_total, current_total = sum(baseline.values()), sum(current.values())
    if baseline_total <= 0 or current_total <= 0:
        return None
    movers = []
    for value in sorted(baseline.keys() | current.keys()):
        before, now = baseline.get(value, 0) / baseline_total, current.get(value, 0) / current_total
        left, right = before or ABSENT_SHARE, now or ABSENT_SHARE
        movers.append(Mover(value, before, now, (right - left) * math.log(right / left)))
    psi = math.fsum(mover.contribution for mover in movers)
    largest = sorted(movers, key=lambda mover: (-mover.contribution, mover.value))[:MOVER_COUNT]
    return Drift(psi, band_of(psi), baseline_total, current_total, largest)
