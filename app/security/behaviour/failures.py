"""Many failed sign-ins at once: from one address, or against one account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from app.security.behaviour.rules import BehaviourRules
from app.security.contracts import ActorHistory, Finding, SecurityEvent

FAILED: Final = "auth.login_failed"
MOST_NAMED_ACTORS: Final = 20


def brute_force(event: SecurityEvent, history: ActorHistory, rules: BehaviourRules) -> list[Finding]:
    """Findings of the failed sign-in `event` with those before it; windows include both ends."""
    if event.name != FAILED:
        return []
    found = []
    if event.user_ip:
        failures = [*_failures(history.by_ip, event.at, rules.failures_per_ip_window), event]
        if len(failures) >= rules.failures_per_ip:
            found.append(_from_address(event.user_ip, failures, rules))
    if event.actor_id:
        failures = [*_failures(history.by_actor, event.at, rules.failures_per_actor_window), event]
        if len(failures) >= rules.failures_per_actor:
            found.append(_against_account(event.actor_id, failures, rules))
    return found


def _failures(earlier: Iterable[SecurityEvent], at: datetime, window: timedelta) -> list[SecurityEvent]:
    return [one for one in earlier if one.name == FAILED and at - window <= one.at <= at]


def _from_address(address: str, failures: list[SecurityEvent], rules: BehaviourRules) -> Finding:
    actors = sorted({one.actor_id for one in failures if one.actor_id})
    minutes = rules.failures_per_ip_window // timedelta(minutes=1)
    return Finding(
        alert_type="brute_force_attack",
        severity="high",
        title=f"Brute force from {address}",
        description=f"{len(failures)} sign-ins from {address} failed within {minutes} minutes, for {len(actors)} account(s).",
        subject=address,
        details={"rule": "failures_per_ip", "failures": len(failures), "actors": actors[:MOST_NAMED_ACTORS], **_span(failures)},
    )


def _against_account(actor: str, failures: list[SecurityEvent], rules: BehaviourRules) -> Finding:
    addresses = sorted({one.user_ip for one in failures if one.user_ip})
    minutes = rules.failures_per_actor_window // timedelta(minutes=1)
    return Finding(
        alert_type="brute_force_attack",
        severity="high",
        title=f"Brute force against {actor}",
        description=f"{len(failures)} sign-ins of {actor} failed within {minutes} minutes, from {len(addresses)} address(es).",
        subject=actor,
        details={
            "rule": "failures_per_actor",
            "failures": len(failures),
            "addresses": addresses[:MOST_NAMED_ACTORS],
            **_span(failures),
        },
    )


def _span(failures: list[SecurityEvent]) -> dict[str, str]:
    return {"first_at": failures[0].at.isoformat(), "last_at": failures[-1].at.isoformat()}
