"""How well a rule would have told what people later judged. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.alerting.contracts import Candidate, ScopeKey
from app.alerting.vocabulary import AlertDirection


@dataclass(frozen=True, slots=True)
class Judged:
    """An incident of a scan's scope, from its first to its last bucket, and whether it was worth an alarm."""

    scan_config_id: str
    key: ScopeKey
    direction: AlertDirection
    started_at: datetime
    ended_at: datetime
    is_real: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Judged incidents by what the rule did: told rightly, told for nothing, and kept silent about what was real.

    `unjudged` are messages about something that nobody judged.
    """

    true_alarms: int = 0
    false_alarms: int = 0
    missed: int = 0
    unjudged: int = 0

    @property
    def judged(self) -> int:
        """How many incidents the score rests on."""
        return self.true_alarms + self.false_alarms + self.missed


def score(told: Iterable[tuple[str, Candidate]], judged: Sequence[Judged]) -> Score:
    """Score what was told, each with its scan, against the judged incidents. Of overlapping incidents the first in order counts."""
    by_scope: dict[tuple[str, ScopeKey, AlertDirection], list[int]] = defaultdict(list)
    for place, one in enumerate(judged):
        by_scope[one.scan_config_id, one.key, one.direction].append(place)
    reached: set[int] = set()
    unjudged = 0
    for scan_id, candidate in told:
        places = by_scope.get((scan_id, candidate.key, candidate.direction), ())
        about = next((place for place in places if _covers(judged[place], candidate)), None)
        if about is None:
            unjudged += 1
        else:
            reached.add(about)
    real = {place for place, one in enumerate(judged) if one.is_real}
    return Score(len(reached & real), len(reached - real), len(real - reached), unjudged)


def _covers(one: Judged, candidate: Candidate) -> bool:
    # An outage is one candidate at its first bucket; a verdict may begin within it.
    return one.started_at <= candidate.newest_bucket and candidate.bucket <= one.ended_at
