"""What people have said about something that is about to be told: then it is not told, or nobody else is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting.repository import inbox
from app.alerting.vocabulary import SERIES_SCOPES, AlertScope, GroupStatus
from app.detection import feedback
from app.detection.contracts import Direction
from app.detection.feedback import Verdict, VerdictKind
from app.detection.planned import expected_departures
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR
from app.metrics.contracts import ScopeType, SeriesKey
from models.alerting import AlertDeliveryItem, AlertGroup

MOST_PAGES = 5
_WORDS = {
    GroupStatus.ACKNOWLEDGED: "acknowledged",
    GroupStatus.RESOLVED: "resolved",
    GroupStatus.FALSE_POSITIVE: "marked as a false positive",
    GroupStatus.MUTED: "muted",
}
_VERDICTS = {
    VerdictKind.EXPECTED: "expected",
    VerdictKind.FALSE_POSITIVE: "a false positive",
    VerdictKind.REAL: "real",
    VerdictKind.TRACKING_BUG: "a tracking bug",
}
NOT_WORTH_TELLING = frozenset({VerdictKind.EXPECTED, VerdictKind.FALSE_POSITIVE})


def answers(
    session: Session,
    project_id: str,
    slug: str,
    scan_config_id: str,
    items: Sequence[AlertDeliveryItem],
    since: datetime | None,
    now: datetime,
    *,
    any_verdict: bool,
) -> dict[str, str]:
    """Why each of the items need not be told, by its id; those that nobody has settled are missing.

    Decisions of the inbox count as they stand, verdicts when they were given `since` then, if that is said. A verdict that the
    incident is real answers an alert, but is no reason to keep it back: it counts with `any_verdict` only.
    """
    if not items:
        return {}
    decided = inbox.groups(session, project_id, {str(one.correlation_group_id) for one in items})
    names = {user.id: user.name or user.email for user in identity.list_users(session, SYSTEM_ACTOR)} if decided else {}
    expected = expected_departures(session, project_id, min(one.bucket for one in items))
    verdicts = _verdicts(session, slug, since)
    found: dict[str, str] = {}
    for one in items:
        reason = _decision(decided.get(str(one.correlation_group_id)), names, now)
        if not reason and AlertScope(one.scope_type) in SERIES_SCOPES:
            key = SeriesKey(scan_config_id, ScopeType(one.scope_type), one.scope_ref)
            direction = Direction(one.direction)
            verdict = _verdict(verdicts, key, direction, one.bucket, any_verdict=any_verdict)
            reason = verdict or expected.reason(key, direction, one.bucket, one.bucket, timedelta(seconds=1))
        if reason:
            found[one.id] = reason
    return found


def _decision(row: AlertGroup | None, names: dict[str, str], now: datetime) -> str:
    status = GroupStatus.OPEN if row is None else GroupStatus(row.status)
    is_over = row is not None and status is GroupStatus.MUTED and (row.muted_until is None or row.muted_until <= now)
    if row is None or status is GroupStatus.OPEN or is_over:
        return ""
    by = f" by {names[row.acted_by]}" if row.acted_by in names else ""
    return f"{_WORDS[status]}{by}"


def _verdict(verdicts: Sequence[Verdict], key: SeriesKey, direction: Direction, bucket: datetime, *, any_verdict: bool) -> str:
    for one in verdicts:
        is_about = one.key == key and one.direction is direction and one.started_at <= bucket <= one.ended_at
        if is_about and (any_verdict or one.kind in NOT_WORTH_TELLING):
            return f"judged {_VERDICTS[one.kind]} by {one.created_by_name or 'somebody'}"
    return ""


def _verdicts(session: Session, slug: str, since: datetime | None) -> list[Verdict]:
    """Standing verdicts, given since then if it is said, newest first, at most a few pages."""
    found: list[Verdict] = []
    for number in range(MOST_PAGES):
        page = feedback.list_verdicts(
            session, SYSTEM_ACTOR, slug, limit=feedback.LARGEST_PAGE, offset=number * feedback.LARGEST_PAGE
        )
        found += [one for one in page if one.undone_at is None and (since is None or one.created_at >= since)]
        if len(page) < feedback.LARGEST_PAGE or (since is not None and page[-1].created_at < since):
            break
    return found
