"""The inbox: delivered items by correlation group, and what people decide about them (contract 12.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.alerting.contracts import GroupView
from app.alerting.repository import assignments
from app.alerting.repository import inbox as rows
from app.alerting.service import escalation
from app.alerting.vocabulary import AlertDirection, GroupAction, GroupStatus
from app.detection import service as detection
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK, as_utc
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.pagination import Page
from app.projects import service as projects
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertGroup
from models.alerting_people import AlertAssignment

SHOWN_FOR = timedelta(days=30)
LARGEST_PAGE = 200
LONGEST_NOTE = 2000
SIGMA_STEP, SIGMA_CAP = 0.5, 10.0
EXPECTED_STEP, EXPECTED_CAP = 5, 1000

_STATUS_OF = {
    GroupAction.ACKNOWLEDGE: GroupStatus.ACKNOWLEDGED,
    GroupAction.RESOLVE: GroupStatus.RESOLVED,
    GroupAction.MUTE: GroupStatus.MUTED,
    GroupAction.REOPEN: GroupStatus.OPEN,
    GroupAction.FALSE_POSITIVE: GroupStatus.FALSE_POSITIVE,
}
_Rows = Sequence[tuple[AlertDeliveryItem, AlertDelivery]]


def list_groups(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    status: str | None = None,
    assignee_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
    now: datetime | None = None,
) -> Page[GroupView]:
    """Groups of what was delivered in the last 30 days, the latest delivery first; only a member's own if one is named.

    Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    at = now or SYSTEM_CLOCK.now()
    limit, offset = max(1, min(limit, LARGEST_PAGE)), max(0, offset)
    by_group: dict[str, list[tuple[AlertDeliveryItem, AlertDelivery]]] = {}
    recent: Any = rows.recent_items(session, project.id, at - SHOWN_FOR)
    for item, delivery in recent:
        by_group.setdefault(str(item.correlation_group_id), []).append((item, delivery))
    decided = rows.groups(session, project.id, by_group)
    assigned = assignments.of_groups(session, project.id, by_group)
    views = [_view(group_id, found, decided.get(group_id), at, assigned.get(group_id)) for group_id, found in by_group.items()]
    wanted = [view for view in views if status is None or view.status == status]
    wanted = [view for view in wanted if assignee_id is None or view.assignee_id == assignee_id]
    return Page(wanted[offset : offset + limit], len(wanted), limit, offset)


def apply_action(
    session: Session,
    actor: Actor,
    slug: str,
    group_id: str,
    action: GroupAction,
    *,
    note: str | None = None,
    muted_until: datetime | None = None,
    now: datetime | None = None,
) -> GroupView:
    """Decide about a group; a missing note keeps the old one. Editors and owners.

    A false positive also makes detection more tolerant (contract 6.9). Errors: NotFound when no delivered item carries the id,
    InvalidInput for a mute without an end in the future.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    at = now or SYSTEM_CLOCK.now()
    if not rows.has_items(session, project.id, group_id):
        raise NotFound("Alert group not found")
    until = None if muted_until is None else as_utc(muted_until)
    if action is GroupAction.MUTE and (until is None or until <= at):
        raise InvalidInput("A mute needs an end in the future", field="muted_until")
    if note is not None and len(note) > LONGEST_NOTE:
        raise InvalidInput(f"must have at most {LONGEST_NOTE} characters", field="note")
    row = rows.group_for_update(session, project.id, group_id) or AlertGroup(project_id=project.id, correlation_group_id=group_id)
    row.status = _STATUS_OF[action].value
    row.muted_until = until if action is GroupAction.MUTE else None
    row.note = row.note if note is None else note
    row.acted_at, row.acted_by = at, actor.user_id
    if action is GroupAction.FALSE_POSITIVE:
        row.false_positive_count += 1
        _tolerate_more(session, actor, slug)
    session.add(row)
    session.flush()
    escalation.note_answer(session, project.id, group_id, is_open=action is GroupAction.REOPEN, now=at)
    identity.record_audit(
        session, actor, f"alert_group.{action.value}", "alert_group", group_id, project_slug=slug, payload={"note": note}
    )
    return get_group(session, actor, slug, group_id, now=at)


def get_group(session: Session, actor: Actor, slug: str, group_id: str, *, now: datetime | None = None) -> GroupView:
    """One group, however old. Errors: NotFound when no delivered item carries the id."""
    project = projects.get_project(session, actor, slug)
    at = now or SYSTEM_CLOCK.now()
    found: Any = rows.recent_items(session, project.id, datetime.min.replace(tzinfo=at.tzinfo), group_id=group_id)
    if not found:
        raise NotFound("Alert group not found")
    decided = rows.groups(session, project.id, [group_id]).get(group_id)
    return _view(group_id, found, decided, at, assignments.find(session, project.id, group_id))


def _tolerate_more(session: Session, actor: Actor, slug: str) -> None:
    settings = detection.get_settings(session, actor, slug)
    changes: dict[str, object] = {}
    if settings.sigma_threshold < SIGMA_CAP:
        changes["sigma_threshold"] = min(SIGMA_CAP, settings.sigma_threshold + SIGMA_STEP)
    if settings.min_expected_count < EXPECTED_CAP:
        changes["min_expected_count"] = min(EXPECTED_CAP, settings.min_expected_count + EXPECTED_STEP)
    if changes:
        detection.update_settings(session, actor, slug, changes)


def _view(group_id: str, found: _Rows, decided: AlertGroup | None, now: datetime, assigned: AlertAssignment | None) -> GroupView:
    status = GroupStatus.OPEN if decided is None else GroupStatus(decided.status)
    muted_until = None if decided is None else decided.muted_until
    if status is GroupStatus.MUTED and (muted_until is None or muted_until <= now):
        status, muted_until = GroupStatus.OPEN, None
    items = [item for item, _ in found]
    deliveries = {delivery.id: delivery for _, delivery in found}
    newest = max(items, key=lambda item: item.bucket)
    return GroupView(
        correlation_group_id=group_id,
        status=status,
        muted_until=muted_until,
        note=decided.note if decided else None,
        false_positive_count=decided.false_positive_count if decided else 0,
        item_count=len(items),
        delivery_count=len(deliveries),
        latest_bucket=newest.bucket,
        latest_delivery_at=max(delivery.created_at for delivery in deliveries.values()),
        direction=AlertDirection(newest.direction),
        scope_names=_distinct(item.scope_name for item in items),
        destination_names=_distinct(delivery.destination_name for delivery in deliveries.values()),
        rule_names=_distinct(delivery.rule_name for delivery in deliveries.values()),
        scan_names=_distinct(delivery.scan_name for delivery in deliveries.values()),
        acted_at=decided.acted_at if decided else None,
        acted_by=decided.acted_by if decided else None,
        assignee_id=assigned.user_id if assigned else None,
        assigned_at=assigned.assigned_at if assigned else None,
    )


def _distinct(names: Iterable[str]) -> list[str]:
    return sorted(set(names))
