"""Bounds of the rules over sign-ins; the defaults are the contract's (C.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class BehaviourRules:
    """When a pattern becomes a finding. Speeds in km/h, distances in km."""

    failures_per_ip: int = 5
    failures_per_ip_window: timedelta = timedelta(minutes=5)
    failures_per_actor: int = 10
    failures_per_actor_window: timedelta = timedelta(hours=1)
    fastest_travel: float = 1_000.0
    shortest_travel: float = 100.0
    blocked_countries: frozenset[str] = frozenset()


DEFAULT_RULES = BehaviourRules()
