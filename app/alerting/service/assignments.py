"""Who works on what was told: a correlation group of the inbox belongs to at most one member.

Being assigned is no answer: an alert stops escalating when somebody acknowledges it, not when it is handed to them.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.alerting.contracts import GroupView
from app.alerting.repository import assignments as rows
from app.alerting.repository import inbox as inbox_rows
from app.alerting.service import inbox
from app.alerting.vocabulary import GroupAction, GroupStatus
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.projects import service as projects
from models.alerting_people import AlertAssignment


def assign(
    session: Session, actor: Actor, slug: str, group_id: str, user_id: str | None, *, now: datetime | None = None
) -> GroupView:
    """Hand the group to a member, or to nobody. Editors and owners.

    Errors: NotFound when no delivered item carries the id, InvalidInput for somebody who is no member.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    at = now or SYSTEM_CLOCK.now()
    if not inbox_rows.has_items(session, project.id, group_id):
        raise NotFound("Alert group not found")
    name = None if user_id is None else rows.member_name(session, user_id)
    if user_id is not None and name is None:
        raise InvalidInput("There is no such member", field="user_id")
    row = rows.find(session, project.id, group_id)
    if user_id is None:
        if row is not None:
            session.delete(row)
    else:
        row = row or AlertAssignment(project_id=project.id, correlation_group_id=group_id, user_id=user_id, assigned_at=at)
        row.user_id, row.assigned_at = user_id, at
        session.add(row)
    session.flush()
    payload = {"user_id": user_id, "name": name}
    identity.record_audit(session, actor, "alert_group.assign", "alert_group", group_id, project_slug=slug, payload=payload)
    return inbox.get_group(session, actor, slug, group_id, now=at)


def take(session: Session, actor: Actor, slug: str, group_id: str, *, now: datetime | None = None) -> GroupView:
    """Make the group the caller's own and acknowledge an open one. Editors and owners. Errors: as `assign`."""
    view = assign(session, actor, slug, group_id, actor.user_id, now=now)
    if view.status is not GroupStatus.OPEN:
        return view
    return inbox.apply_action(session, actor, slug, group_id, GroupAction.ACKNOWLEDGE, now=now)
