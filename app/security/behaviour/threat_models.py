"""Threat models that a project writes itself: a pattern of events, a threshold, and perhaps what follows (contract C.6)."""

from __future__ import annotations

import math
import re
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
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
ANY, ACTOR, ADDRESS = "any", "actor", "ip"
GROUPINGS: Final = frozenset({ANY, ACTOR, ADDRESS})
MOST_NAMED_EVENTS: Final = 20
MOST_EVENTS: Final = 10_000
"""The highest threshold; more events than this are not held against one model at once."""


class TooSlow(ValueError):
    """The conditions of a model take too long on real events."""


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

    def takes_name(self, name: str) -> bool:
        """Whether events of the name can count."""
        return fnmatchcase(name, self.event_pattern)

    def takes(self, event: SecurityEvent) -> bool:
        """Whether the event counts."""
        return self.takes_name(event.name) and matches(self.conditions, event)


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """One model. ValueError when a part of it cannot be used.

    `group_by` says which events belong together: those of one actor, those from one address, or either (`any`).
    """

    id: str
    name: str
    step: Step
    threshold: int = 1
    severity: str = "medium"
    followed_by: Step | None = None
    alert_type: str = "suspicious_activity"
    group_by: str = ANY

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= MOST_EVENTS:
            raise ValueError(f"A threshold is at least 1 and at most {MOST_EVENTS}")
        if self.severity not in _SEVERITIES:
            raise ValueError("A severity is low, medium, high or critical")
        if self.group_by not in GROUPINGS:
            raise ValueError("Events are grouped by actor, ip or any")

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in their order."""
        return (self.step,) if self.followed_by is None else (self.step, self.followed_by)

    @property
    def reach(self) -> timedelta:
        """How far back from an event the model looks."""
        return sum((step.window for step in self.steps), timedelta(0))

    def is_completed_by(self, name: str) -> bool:
        """Whether an event of the name can be the one that the model fires on."""
        return self.steps[-1].takes_name(name)


def model_findings(event: SecurityEvent, history: ActorHistory, models: Sequence[ThreatModel]) -> list[Finding]:
    """One finding for each model that the event completes."""
    if not models:
        return []
    around = {one.id: one for one in (*history.by_actor, *history.by_ip, event)}
    events = sorted(around.values(), key=_place)
    return [found for model in models if (found := ModelPass(model, events).finding(event)) is not None]


class ModelPass:
    """One model over many events: each is held against the conditions once. ValueError when that takes too long."""

    def __init__(self, model: ThreatModel, events: Sequence[SecurityEvent], *, seconds: float = math.inf) -> None:
        """`events` are in order, those to be judged among them; `seconds` of processor time are allowed."""
        self.model = model
        self.counted = 0
        self._completing: set[str] = set()
        self._groups: dict[tuple[str, str], list[SecurityEvent]] = defaultdict(list)
        until = time.thread_time() + seconds
        for event in events:
            if model.step.takes(event):
                self.counted += 1
                for group in _groups_of(model, event):
                    self._groups[group].append(event)
            if model.steps[-1].takes(event):
                self._completing.add(event.id)
            if time.thread_time() > until:
                raise TooSlow(f"The conditions took longer than {seconds:g} seconds")

    def finding(self, event: SecurityEvent) -> Finding | None:
        """What the event, one of those given, completes."""
        if event.id not in self._completing:
            return None
        judge = self._reached if self.model.followed_by is None else self._followed
        found = (judge(event, group[1], self._groups.get(group, ())) for group in _groups_of(self.model, event))
        return next((one for one in found if one is not None), None)

    def _reached(self, event: SecurityEvent, subject: str, taken: Sequence[SecurityEvent]) -> Finding | None:
        model, stop = self.model, bisect_right(taken, _place(event), key=_place)
        start = bisect_left(taken, event.at - model.step.window, key=_moment)
        if stop - start < model.threshold:
            return None
        minutes = model.step.window // timedelta(minutes=1)
        return Finding(
            alert_type=model.alert_type,
            severity=model.severity,
            title=model.name,
            description=f"{stop - start} event(s) {model.step.event_pattern} of {subject} within {minutes} minutes.",
            subject=f"{subject} {model.id}",
            details=self._details(stop - start, taken[max(start, stop - MOST_NAMED_EVENTS) : stop]),
        )

    def _followed(self, event: SecurityEvent, subject: str, taken: Sequence[SecurityEvent]) -> Finding | None:
        model, following = self.model, self.model.followed_by
        if following is None:
            return None
        oldest = event.at - following.window - model.step.window
        earlier = taken[bisect_left(taken, oldest, key=_moment) : bisect_left(taken, _place(event), key=_place)]
        counted = _latest_run(earlier, model, event.at - following.window)
        if not counted:
            return None
        return Finding(
            alert_type=model.alert_type,
            severity="critical",
            title=f"Possible account compromise: {model.name}",
            description=f"{len(counted)} event(s) {model.step.event_pattern} of {subject} were followed by {event.name}.",
            subject=f"{subject} {model.id}",
            details={**self._details(len(counted), counted[-MOST_NAMED_EVENTS:]), "followed_by": event.id},
        )

    def _details(self, count: int, newest: Sequence[SecurityEvent]) -> dict[str, Any]:
        return {
            "model_id": self.model.id,
            "model_name": self.model.name,
            "count": count,
            "events": [one.id for one in newest],
        }


def _groups_of(model: ThreatModel, event: SecurityEvent) -> list[tuple[str, str]]:
    found = ((ACTOR, event.actor_id), (ADDRESS, event.user_ip))
    return [(kind, subject) for kind, subject in found if subject and model.group_by in (ANY, kind)]


def _latest_run(taken: Sequence[SecurityEvent], model: ThreatModel, since: datetime) -> Sequence[SecurityEvent]:
    """The last events that reached the threshold, at `since` or later; none when it was not reached."""
    for end in range(len(taken), model.threshold - 1, -1):
        first, last = taken[end - model.threshold], taken[end - 1]
        if last.at < since:
            break
        if last.at - first.at <= model.step.window:
            return taken[end - model.threshold : end]
    return ()


def _place(event: SecurityEvent) -> tuple[datetime, str]:
    return event.at, event.id


def _moment(event: SecurityEvent) -> datetime:
    return event.at
