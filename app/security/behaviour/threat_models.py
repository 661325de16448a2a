"""Threat models that a project writes itself: a pattern of events, a threshold, and perhaps what follows (contract C.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from app.security.behaviour.conditions import check_conditions, matches
from app.security.contracts import ActorHistory, Finding, SecurityEvent

LONGEST_WINDOW: Final = timedelta(hours=24)
_PATTERN = re.compile(r"[a-z0-9_.*]{1,100}")
_MOST_STARS: Final = 3
_SEVERITIES: Final = frozenset({"low", "medium", "high", "critical"})


@dataclass(frozen=True, slots=True)
class Step:
    """Events that count: their names by pattern (`auth.*`), their fields by conditions, within `window` (24 hours at most)."""

    event_pattern: str
    window: timedelta
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _PATTERN.fullmatch(self.event_pattern) or self.event_pattern.count("*") > _MOST_STARS:
            raise ValueError("An event pattern has lower-case letters, digits, underscores, dots and at most three stars")
        if not timedelta(0) < self.window <= LONGEST_WINDOW:
            raise ValueError("A window is longer than nothing and at most 24 hours")
        check_conditions(self.conditions)

    def takes(self, event: SecurityEvent) -> bool:
        """Whether the event counts."""
        return fnmatchcase(event.name, self.event_pattern) and matches(self.conditions, event)


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """One model. ValueError when a part of it cannot be used."""

    id: str
    name: str
    step: Step
    threshold: int = 1
    severity: str = "medium"
    followed_by: Step | None = None
    alert_type: str = "suspicious_activity"

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError("A threshold is at least 1")
        if self.severity not in _SEVERITIES:
            raise ValueError("A severity is low, medium, high or critical")


def model_findings(event: SecurityEvent, history: ActorHistory, models: Sequence[ThreatModel]) -> list[Finding]:
    """One finding for each model that the event completes. Events belong together by actor or by address."""
    groups = [
        (subject, earlier) for subject, earlier in ((event.actor_id, history.by_actor), (event.user_ip, history.by_ip)) if subject
    ]
    found = []
    for model in models:
        judge = _reached if model.followed_by is None else _followed
        finding = next((one for subject, earlier in groups if (one := judge(model, event, subject, earlier))), None)
        if finding is not None:
            found.append(finding)
    return found


def _reached(model: ThreatModel, event: SecurityEvent, subject: str, earlier: Sequence[SecurityEvent]) -> Finding | None:
    if not model.step.takes(event):
        return None
    counted = [*_within(model.step, event, earlier), event]
    if len(counted) < model.threshold:
        return None
    minutes = model.step.window // timedelta(minutes=1)
    return Finding(
        alert_type=model.alert_type,
        severity=model.severity,
        title=model.name,
        description=f"{len(counted)} event(s) {model.step.event_pattern} of {subject} within {minutes} minutes.",
        subject=f"{subject} {model.id}",
        details=_details(model, counted),
    )


def _followed(model: ThreatModel, event: SecurityEvent, subject: str, earlier: Sequence[SecurityEvent]) -> Finding | None:
    following = model.followed_by
    if following is None or not following.takes(event):
        return None
    oldest = event.at - following.window - model.step.window
    taken = [one for one in earlier if oldest <= one.at <= event.at and model.step.takes(one)]
    counted = _latest_run(taken, model, event.at - following.window)
    if not counted:
        return None
    return Finding(
        alert_type=model.alert_type,
        severity="critical",
        title=f"Possible account compromise: {model.name}",
        description=f"{len(counted)} event(s) {model.step.event_pattern} of {subject} were followed by {event.name}.",
        subject=f"{subject} {model.id}",
        details={**_details(model, counted), "followed_by": event.id},
    )


def _within(step: Step, last: SecurityEvent, earlier: Iterable[SecurityEvent]) -> list[SecurityEvent]:
    since = last.at - step.window
    return [one for one in earlier if since <= one.at <= last.at and step.takes(one)]


def _latest_run(taken: Sequence[SecurityEvent], model: ThreatModel, since: datetime) -> Sequence[SecurityEvent]:
    """The last events that reached the threshold, at `since` or later; none when it was not reached."""
    for end in range(len(taken), model.threshold - 1, -1):
        run = taken[end - model.threshold : end]
        if run[-1].at < since:
            break
        if run[-1].at - run[0].at <= model.step.window:
            return run
    return ()


def _details(model: ThreatModel, counted: Sequence[SecurityEvent]) -> dict[str, Any]:
    return {"model_id": model.id, "model_name": model.name, "count": len(counted), "events": [one.id for one in counted[-20:]]}
