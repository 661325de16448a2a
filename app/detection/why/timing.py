"""How near a recorded moment lies to a departure. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.detection.why.contracts import Subject

LEAST_LEAD = timedelta(hours=6)
FARTHEST_CLOSENESS = 0.5


def lead_of(subject: Subject) -> timedelta:
    """How long before the first bucket a change may lie and still be its cause: six hours, at least two buckets."""
    return max(LEAST_LEAD, 2 * subject.width)


def closeness(subject: Subject, moment: datetime, *, lead: timedelta | None = None, lag: timedelta = timedelta()) -> float:
    """1 within the first bucket or the one before it, falling to a half at the lead's far end, 0 outside of it.

    What comes after the first bucket caused nothing, unless it is noticed late by nature: then up to `lag` is as good as within.
    """
    lead = lead_of(subject) if lead is None else lead
    if moment >= subject.bucket + subject.width + lag:
        return 0.0
    before = subject.bucket - moment
    if before <= subject.width:
        return 1.0
    if before > lead:
        return 0.0
    return 1.0 - (1.0 - FARTHEST_CLOSENESS) * ((before - subject.width) / max(lead - subject.width, timedelta(seconds=1)))
