"""What people said about past alarms: verdicts on incidents, and decisions about what was told in the inbox."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.alerting.repository import decisions as rows
from app.alerting.scoring import Judged
from app.alerting.vocabulary import AlertDirection, AlertScope, GroupStatus
from app.detection import feedback
from app.detection.feedback import Verdict, VerdictKind
from app.identity.contracts import Actor
from app.projects.contracts import ProjectView

MOST_PAGES = 25
WORTH_TELLING = frozenset({VerdictKind.REAL, VerdictKind.TRACKING_BUG})


def judged_since(session: Session, actor: Actor, project: ProjectView, since: datetime) -> list[Judged]:
    """Incidents that people have judged and that reach this moment or later. A verdict comes before a decision in the inbox.

    Real incidents and tracking bugs were worth an alarm, expected ones and false positives were not. In the inbox an
    acknowledged or resolved group was worth it, a false positive was not.
    """
    verdicts = [_of_verdict(one) for one in _standing(session, actor, project.slug) if one.ended_at >= since]
    decided = [
        Judged(
            one.scan_config_id,
            (AlertScope(one.scope_type), one.scope_ref),
            AlertDirection(one.direction),
            one.bucket,
            one.bucket,
            one.status != GroupStatus.FALSE_POSITIVE,
        )
        for one in rows.decided_items(session, project.id, since)
    ]
    return verdicts + _without_covered(decided, verdicts)


def _standing(session: Session, actor: Actor, slug: str) -> list[Verdict]:
    found: list[Verdict] = []
    for number in range(MOST_PAGES):
        page = feedback.list_verdicts(session, actor, slug, limit=feedback.LARGEST_PAGE, offset=number * feedback.LARGEST_PAGE)
        found += [one for one in page if one.undone_at is None]
        if len(page) < feedback.LARGEST_PAGE:
            break
    return found


def _of_verdict(one: Verdict) -> Judged:
    return Judged(
        one.key.scan_config_id,
        (AlertScope(one.key.scope_type.value), one.key.ref),
        AlertDirection(one.direction.value),
        one.started_at,
        one.ended_at,
        one.kind in WORTH_TELLING,
    )


def _without_covered(decided: list[Judged], verdicts: list[Judged]) -> list[Judged]:
    # The same bucket told by several rules, or judged as part of an incident, counts once.
    spans: dict[tuple[object, ...], list[tuple[datetime, datetime]]] = {}
    for one in verdicts:
        spans.setdefault((one.scan_config_id, one.key, one.direction), []).append((one.started_at, one.ended_at))
    kept: dict[tuple[object, ...], Judged] = {}
    for one in decided:
        scope = (one.scan_config_id, one.key, one.direction)
        if not any(start <= one.started_at <= end for start, end in spans.get(scope, ())):
            kept.setdefault((*scope, one.started_at), one)
    return list(kept.values())
