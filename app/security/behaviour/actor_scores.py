"""How unusual an actor's day is, against the actor's own days and those of peers, in many features at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

FEWEST_OWN_DAYS: Final = 7
FEWEST_DAYS: Final = 60
FEWEST_PEERS: Final = 5
MOST_KNOWN_DAYS: Final = 20_000
MOST_CONTRIBUTIONS: Final = 3
UNUSUAL_SCORE: Final = 99
FAR_OUTSIDE: Final = math.log(2)
"""Twice as much as anybody did before."""
LEAST_GROWTH: Final = math.log(4)
"""Four times as much as is usual for the actor."""
FEWEST_FIRST: Final = 5
"""How much of something that nobody did before stands out by itself."""
SEED: Final = 20

FEATURES: Final = (
    "events",
    "failed sign-ins",
    "data access",
    "administration",
    "kinds of event",
    "addresses",
    "countries",
    "devices",
    "events at night (UTC)",
)
"""What a day is described by, in the order of its figures. They go in as logarithms: twice as much is as far at any size."""

Days = Mapping[date, Sequence[float]]
"""The figures of an actor's days, those without an event left out."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """A feature that made the day unusual; `share` of all surprise, `usual` is the actor's own median."""

    feature: str
    value: float
    usual: float
    share: float


@dataclass(frozen=True, slots=True)
class ActorScore:
    """`score` from 0 to 100: the share of known days that are less unusual. None with a `reason` when that cannot be said."""

    score: float | None
    is_unusual: bool = False
    contributions: tuple[Contribution, ...] = ()
    reason: str = ""


def score_actors(days: Mapping[str, Days], day: date) -> dict[str, ActorScore]:
    """Everybody who did something on `day`, against own and others' earlier days. Days after it are not looked at.

    The same input gives the same answer. Beyond 20,000 earlier days a fixed choice of them is compared with.
    """
    earlier = {actor: _earlier(found, day) for actor, found in days.items()}
    usual = {actor: np.median(rows, axis=0) for actor, rows in earlier.items() if len(rows) >= FEWEST_OWN_DAYS}
    rows_known = sum(len(earlier[actor]) for actor in usual)
    scores: dict[str, ActorScore] = {}
    judged: list[str] = []
    for actor in (actor for actor, found in days.items() if day in found):
        peers = len(usual) - (actor in usual)
        if actor not in usual:
            reason = f"the actor has {len(earlier[actor])} earlier days, {FEWEST_OWN_DAYS} are needed"
            scores[actor] = ActorScore(None, reason=reason)
        elif peers < FEWEST_PEERS or rows_known < FEWEST_DAYS:
            reason = f"{peers} peers with {rows_known} days in all are too few to compare with"
            scores[actor] = ActorScore(None, reason=reason)
        else:
            judged.append(actor)
    if judged:
        known = np.concatenate([_beside(earlier[actor], usual[actor]) for actor in sorted(usual)])
        if len(known) > MOST_KNOWN_DAYS:
            known = known[np.random.default_rng(SEED).choice(len(known), MOST_KNOWN_DAYS, replace=False)]
        today = {actor: np.log1p(np.array(days[actor][day], dtype=float)) for actor in judged}
        rows = np.concatenate([_beside(today[actor][np.newaxis], usual[actor]) for actor in judged])
        found = _scored(known, rows)
        for actor, row, (score, is_unusual) in zip(judged, rows, found, strict=True):
            scores[actor] = ActorScore(score, is_unusual, _contributions(known, row, today[actor], usual[actor]))
    return scores


def _scored(known: Any, judged: Any) -> list[tuple[float, bool]]:
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest

    varying = np.ptp(np.concatenate([known, judged]), axis=0) > 0
    if not varying.any():
        return [(0.0, False)] * len(judged)
    fitted = known[:, varying], judged[:, varying]
    by_tails = _against(ECOD(), *fitted)
    by_isolation = _against(IForest(n_estimators=100, random_state=SEED), *fitted)
    # A forest cannot tell how far a value lies beyond those it was grown from, and takes no notice of a feature that nobody showed.
    is_outside = (judged > known.max(axis=0) + FAR_OUTSIDE).any(axis=1)
    half = len(FEATURES)
    is_first = np.ptp(known[:, :half], axis=0) == 0
    is_isolated = (is_first & (judged[:, :half] - known[0, :half] >= math.log1p(FEWEST_FIRST))).any(axis=1)
    as_far = by_isolation.is_tied & is_outside
    isolation = np.where(is_isolated | as_far, 100.0, by_isolation.share)
    # Both must agree: tails of single features and isolation in all of them together.
    scores, is_beyond = np.minimum(by_tails.share, isolation), by_tails.is_beyond | by_isolation.is_beyond
    # The rarest of many ordinary days is rare, but nothing to call somebody for.
    is_beyond &= (judged[:, half:] >= LEAST_GROWTH).any(axis=1)
    return [(round(float(score), 1), bool(score >= UNUSUAL_SCORE and far)) for score, far in zip(scores, is_beyond, strict=True)]


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where judged days stand among known ones: the share that is less unusual, as unusual as the most, more so."""

    share: Any
    is_tied: Any
    is_beyond: Any


def _against(detector: Any, known: Any, judged: Any) -> _Standing:
    detector.fit(known)
    before, now = np.sort(detector.decision_scores_), detector.decision_function(judged)
    share = 100 * np.searchsorted(before, now, side="left") / len(before)
    return _Standing(share, now >= before[-1], now > before[-1])


def _contributions(known: Any, judged: Any, today: Any, usual: Any) -> tuple[Contribution, ...]:
    surprise = _surprise(known, judged)
    total = float(surprise.sum()) or 1.0
    ranked = [index for index in np.argsort(-surprise, kind="stable")[:MOST_CONTRIBUTIONS] if surprise[index] > 0]
    return tuple(
        Contribution(
            FEATURES[index],
            round(math.expm1(today[index]), 3),
            round(math.expm1(usual[index]), 3),
            round(float(surprise[index]) / total, 3),
        )
        for index in ranked
    )


def _surprise(known: Any, judged: Any) -> Any:
    """Per feature, the rarity of a value at least as high, in itself and against the usual; usual values count nothing."""
    above = (known >= judged).mean(axis=0)
    tails = -np.log((above * len(known) + 1) / (len(known) + 1))
    half = len(FEATURES)
    moved = np.maximum(np.abs(judged[half:]), 0.0) > 0
    # Ties of equal tails are broken by how far the value is from the usual.
    return np.where(moved, tails[:half] + tails[half:] + np.abs(judged[half:]), 0.0)


def _earlier(days: Days, day: date) -> Any:
    rows = [days[when] for when in sorted(days) if when < day]
    return np.log1p(np.array(rows, dtype=float).reshape(len(rows), len(FEATURES)))


def _beside(rows: Any, usual: Any) -> Any:
    """The features themselves, which peers share, and their distance from what is usual for the actor."""
    return np.hstack([rows, rows - usual])
