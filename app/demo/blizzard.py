"""What detection must find in the flights of 2013: the blizzard of 8 and 9 February, and hardly anything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.demo.flight_records import CANCELLED, DEPARTED
from app.detection.contracts import Direction

BLIZZARD_START = datetime(2013, 2, 8, 12, tzinfo=UTC)
BLIZZARD_END = datetime(2013, 2, 10, 12, tzinfo=UTC)
MOST_FLAGGED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Finding:
    """One incident, from its first to its last bucket; `scope_name` is the event's name, or the project's for the total."""

    scope_name: str
    direction: Direction
    started_at: datetime
    ended_at: datetime
    bucket_count: int


def flagged_share(findings: Iterable[Finding], *, hours: int, series_count: int) -> float:
    """Flagged hourly buckets among all those of the series."""
    return sum(finding.bucket_count for finding in findings) / max(1, hours * series_count)


def of_blizzard(findings: Iterable[Finding], scope_name: str, direction: Direction) -> list[Finding]:
    """Incidents of the event in the direction that touch the days of the blizzard."""
    return [
        finding
        for finding in findings
        if finding.scope_name == scope_name
        and finding.direction is direction
        and finding.started_at <= BLIZZARD_END
        and finding.ended_at >= BLIZZARD_START
    ]


def shortcomings(findings: Sequence[Finding], *, hours: int, series_count: int) -> list[str]:
    """What the findings lack, one sentence each; nothing when detection did its work.

    `findings` are those of the events and the total, `hours` the length of the period, `series_count` how many series they are.
    """
    faults = []
    if not of_blizzard(findings, CANCELLED, Direction.SPIKE):
        faults.append("The spike of cancellations on 8 and 9 February was not found.")
    if not of_blizzard(findings, DEPARTED, Direction.DROP):
        faults.append("The drop of departures on 8 and 9 February was not found.")
    share = flagged_share(findings, hours=hours, series_count=series_count)
    if share > MOST_FLAGGED_SHARE:
        faults.append(f"{share:.2%} of all hourly buckets are flagged, more than {MOST_FLAGGED_SHARE:.0%}.")
    return faults
