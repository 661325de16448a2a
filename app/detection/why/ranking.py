"""Ranks what is recorded near a departure by how much of it each thing accounts for. Pure: records in, sentences out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from app.detection.contracts import Direction
from app.detection.why import measured
from app.detection.why.contracts import (
    Cause,
    ChartMark,
    Explanation,
    FieldDrift,
    Findings,
    NewRelease,
    PlanChange,
    PlannedWindow,
    Ranking,
    Subject,
)
from app.detection.why.timing import closeness, lead_of

LEAST_STRENGTH = 0.4
MOST_EXPLANATIONS = 8
NOTHING_FITS = "Nothing that is recorded near this signal accounts for it"

PLANNED, PLANNED_FOR_ALL = 0.97, 0.92
MARKED, MARKED_FOR_ALL = 0.82, 0.72
RELEASED, RELEASE_FIT, FIT_OF_TOTAL = 0.45, 0.5, 0.5
NEARLY_ALL, LEAST_FIT = 0.95, 0.2
TOUCHED, TOUCHES_NOTHING, UNMATCHED_BONUS = 0.78, 0.3, 0.15
DRIFTED, NEW_FIELD = 0.62, 0.42


def rank(subject: Subject, findings: Findings) -> Ranking:
    """The explanations that are strong enough to be told, strongest first; what people said beats coincidence in time."""
    found = [one for one in _explanations(subject, findings) if one.strength >= LEAST_STRENGTH]
    found.sort(key=lambda one: (-one.strength, list(Cause).index(one.cause), one.title))
    if found:
        return Ranking(tuple(found[:MOST_EXPLANATIONS]))
    return Ranking((), ". ".join([NOTHING_FITS, *findings.not_seen]) + ".")


def _explanations(subject: Subject, findings: Findings) -> Iterator[Explanation]:
    for planned in findings.planned:
        yield _of_planned(subject, planned)
    for mark in findings.marks:
        yield _of_mark(subject, mark)
    for release in findings.releases:
        yield _of_release(subject, release)
    is_unmatched = measured.unmatched_share(findings.source) >= measured.LEAST_UNMATCHED and subject.direction is Direction.DROP
    for change in findings.plan_changes:
        yield _of_plan_change(subject, change, is_unmatched=is_unmatched)
    for drift in findings.drifts:
        yield _of_drift(subject, drift)
    yield from measured.of_values(subject, findings.values)
    yield from measured.of_source(subject, findings.source)
    yield from measured.of_logs(findings.logs)


def _of_planned(subject: Subject, planned: PlannedWindow) -> Explanation:
    touches = planned.starts_at < subject.bucket + subject.width and planned.ends_at > subject.bucket
    strength = (PLANNED if planned.is_of_scope else PLANNED_FOR_ALL) if touches else 0.0
    about = "this series" if planned.is_of_scope else "the whole project"
    note = f": {planned.note}" if planned.note else ""
    return Explanation(
        Cause.PLANNED_EVENT,
        planned.name,
        f"The planned event “{planned.name}” covers it, for {about}{note}.",
        strength,
        planned.id,
        {"starts_at": planned.starts_at.isoformat(), "ends_at": planned.ends_at.isoformat()},
    )


def _of_mark(subject: Subject, mark: ChartMark) -> Explanation:
    base = MARKED if mark.is_of_scope else MARKED_FOR_ALL
    about = "this series" if mark.is_of_scope else "every chart"
    return Explanation(
        Cause.ANNOTATION,
        mark.label,
        f"Somebody noted “{mark.label}” on {about}, {_distance(subject, mark.at)}.",
        base * closeness(subject, mark.at),
        mark.id,
        {"at": mark.at.isoformat()},
    )


def _of_release(subject: Subject, release: NewRelease) -> Explanation:
    # A release spreads for days: it may well come into use long before enough people run it.
    near = closeness(subject, release.appeared_at, lead=8 * lead_of(subject))
    figures: dict[str, float | str] = {"share": round(release.share, 4), "appeared_at": release.appeared_at.isoformat()}
    if release.observed is None or release.expected is None:
        fit, counted = FIT_OF_TOTAL, ""
    else:
        carried = _share_of(release.observed - release.expected, subject.delta)
        counted = f" and accounts for {carried:.0%} of it: {release.observed:,.0f} instead of {release.expected:,.0f}"
        figures |= {"observed": release.observed, "expected": round(release.expected, 1), "share_of_change": round(carried, 3)}
        fit = _beyond(carried, release.share)
    return Explanation(
        Cause.RELEASE,
        f"Release {release.version}",
        f"Release {release.version} came into use {_distance(subject, release.appeared_at)}, has {release.share:.0%} of the traffic"
        f"{counted}.",
        near * (RELEASED + RELEASE_FIT * fit) if fit >= LEAST_FIT else 0.0,
        release.version,
        figures,
    )


def _of_plan_change(subject: Subject, change: PlanChange, *, is_unmatched: bool) -> Explanation:
    base = TOUCHED if change.touched else TOUCHES_NOTHING
    if is_unmatched:
        base += UNMATCHED_BONUS
    what = f"The branch {change.name} was merged" if change.is_merge else f"The revision “{change.name}” was made"
    touched = f" and changes {', '.join(change.touched[:3])}" if change.touched else ""
    return Explanation(
        Cause.PLAN_CHANGE,
        change.name,
        f"{what} {_distance(subject, change.at)}{touched}.",
        base * closeness(subject, change.at),
        change.id,
        {"at": change.at.isoformat(), "changes": change.change_count, "is_merge": str(change.is_merge).lower()},
    )


def _of_drift(subject: Subject, drift: FieldDrift) -> Explanation:
    # Scans find drifts when they count a bucket, which is after it ended.
    near = closeness(subject, drift.first_seen_at, lag=lead_of(subject))
    base = NEW_FIELD if drift.drift_type == "new_field" else DRIFTED
    return Explanation(
        Cause.SCHEMA_DRIFT,
        f"{drift.event_type_name}.{drift.field_name}",
        f"The field {drift.field_name} of {drift.event_type_name} departs from the plan "
        f"({drift.drift_type.replace('_', ' ')}), first seen {_distance(subject, drift.first_seen_at)}.",
        base * near,
        drift.id,
        {"drift_type": drift.drift_type, "first_seen_at": drift.first_seen_at.isoformat()},
    )


def _beyond(carried: float, share: float) -> float:
    """How much of the change a release carries beyond its share of the traffic; older releases tell no more once it has all."""
    return FIT_OF_TOTAL * carried if share >= NEARLY_ALL else max(0.0, (carried - share) / (1 - share))


def _share_of(part: float, whole: float) -> float:
    return 0.0 if whole == 0 else max(0.0, min(1.0, part / whole))


def _distance(subject: Subject, moment: datetime) -> str:
    before = (subject.bucket - moment).total_seconds()
    if before < 0:
        return "in its first bucket" if -before < subject.width.total_seconds() else "right after it began"
    if before < 5_400:
        return f"{round(before / 60)} minutes before it began"
    if before < 172_800:
        return f"{round(before / 3600)} hours before it began"
    return f"{round(before / 86_400)} days before it began"
