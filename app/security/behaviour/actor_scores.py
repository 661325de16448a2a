"""How unusual an actor's day is, against the actor's own days and those of peers, in many features at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final

import numpy as np

from app.security.behaviour.failures import FAILED
from app.security.behaviour.surroundings import device_of
from app.security.contracts import SecurityEvent

FEWEST_OWN_DAYS: Final = 7
FEWEST_DAYS: Final = 60
FEWEST_PEERS: Final = 5
MOST_CONTRIBUTIONS: Final = 3
UNUSUAL_SCORE: Final = 99
SEED: Final = 20
_NIGHT_ENDS: Final = 6


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


def _distinct(of: Callable[[SecurityEvent], object]) -> Callable[[Sequence[SecurityEvent]], float]:
    return lambda events: float(len({of(one) for one in events} - {None}))


def _count(takes: Callable[[SecurityEvent], bool]) -> Callable[[Sequence[SecurityEvent]], float]:
    return lambda events: float(sum(1 for one in events if takes(one)))


FEATURES: Final[Mapping[str, Callable[[Sequence[SecurityEvent]], float]]] = {
    "events": lambda events: float(len(events)),
    "failed sign-ins": _count(lambda one: one.name == FAILED),
    "data access": _count(lambda one: one.name.startswith("data.")),
    "administration": _count(lambda one: one.name.startswith(("admin.", "authz."))),
    "kinds of event": _distinct(lambda one: one.name),
    "addresses": _distinct(lambda one: one.user_ip),
    "countries": _distinct(lambda one: one.enrichment.country_code),
    "devices": _distinct(lambda one: device_of(one.metadata)),
    "events at night (UTC)": _count(lambda one: one.at.astimezone(UTC).hour < _NIGHT_ENDS),
}
"""What a day is described by. Counts go in as logarithms: twice as much is as far at any size."""


def score_actor(own: Sequence[SecurityEvent], peers: Mapping[str, Sequence[SecurityEvent]], day: date) -> ActorScore:
    """The actor's `day` (UTC) against earlier days. Days after it are not looked at; the same input gives the same answer."""
    own_days = _days(own)
    today = own_days.pop(day, None)
    if today is None:
        return ActorScore(None, reason="the actor has no event on this day")
    earlier = {when: features for when, features in own_days.items() if when < day}
    if len(earlier) < FEWEST_OWN_DAYS:
        return ActorScore(None, reason=f"the actor has {len(earlier)} earlier days, {FEWEST_OWN_DAYS} are needed")
    own_rows = np.array(list(earlier.values()))
    usual = np.median(own_rows, axis=0)
    rows = [_beside(own_rows, usual)]
    others = 0
    for events in peers.values():
        found = [features for when, features in _days(events).items() if when < day]
        if len(found) >= FEWEST_OWN_DAYS:
            others += 1
            peer_rows = np.array(found)
            rows.append(_beside(peer_rows, np.median(peer_rows, axis=0)))
    known = np.concatenate(rows)
    if others < FEWEST_PEERS or len(known) < FEWEST_DAYS:
        return ActorScore(None, reason=f"{others} peers with {len(known)} days in all are too few to compare with")
    judged = _beside(np.array([today]), usual)
    return _scored(known, judged, np.array(today), usual)


def _scored(known: Any, judged: Any, today: Any, usual: Any) -> ActorScore:
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest

    varying = np.ptp(np.concatenate([known, judged]), axis=0) > 0
    if not varying.any():
        return ActorScore(0.0)
    shares = []
    for detector in (ECOD(), IForest(n_estimators=100, random_state=SEED)):
        detector.fit(known[:, varying])
        before, now = detector.decision_scores_, float(detector.decision_function(judged[:, varying])[0])
        shares.append((100 * float(np.mean(before < now)), now > float(before.max())))
    # Both must agree: tails of single features and isolation in all of them together.
    score = min(share for share, _ in shares)
    surprise = _surprise(known, judged[0])
    total = float(surprise.sum()) or 1.0
    names = list(FEATURES)
    ranked = [index for index in np.argsort(-surprise, kind="stable")[:MOST_CONTRIBUTIONS] if surprise[index] > 0]
    return ActorScore(
        round(score, 1),
        score >= UNUSUAL_SCORE and any(beyond for _, beyond in shares),
        tuple(
            Contribution(
                names[index],
                round(math.expm1(today[index]), 3),
                round(math.expm1(usual[index]), 3),
                round(float(surprise[index]) / total, 3),
            )
            for index in ranked
        ),
    )


def _surprise(known: Any, judged: Any) -> Any:
    """Per feature, the rarity of a value at least as high, in itself and against the usual; usual values count nothing."""
    above = (known >= judged).mean(axis=0)
    tails = -np.log((above * len(known) + 1) / (len(known) + 1))
    half = len(FEATURES)
    moved = np.maximum(np.abs(judged[half:]), 0.0) > 0
    # Ties of equal tails are broken by how far the value is from the usual.
    return np.where(moved, tails[:half] + tails[half:] + np.abs(judged[half:]), 0.0)


def _days(events: Sequence[SecurityEvent]) -> dict[date, list[float]]:
    grouped: dict[date, list[SecurityEvent]] = defaultdict(list)
    for one in events:
        grouped[one.at.astimezone(UTC).date()].append(one)
    return {day: [math.log1p(measure(found)) for measure in FEATURES.values()] for day, found in sorted(grouped.items())}


def _beside(rows: Any, usual: Any) -> Any:
    """The features themselves, which peers share, and their distance from what is usual for the actor."""
    return np.hstack([rows, rows - usual])
