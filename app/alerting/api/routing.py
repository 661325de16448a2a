"""Routes on owners, escalation and assignees. Additions of ours, tagged alerting."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.alerting import service
from app.alerting.api.deliveries import INBOX, Limit, Offset
from app.alerting.shapes.routing import (
    AlertAssigneeRequest,
    AlertContactPayload,
    AssignedGroupListResponse,
    AssignedGroupResponse,
    RuleRoutingPayload,
    assigned_list_response,
    assigned_response,
    contact_response,
    routing_response,
)
from app.alerting.vocabulary import GroupStatus
from app.http import PROJECT, Caller, Db, Editor

router = APIRouter(tags=["alerting"])

ROUTING = PROJECT + "/rules/{rule_id}/routing"
CONTACT = PROJECT + "/alert-contact"


@router.get(ROUTING, operation_id="get_alert_rule_routing")
def get_alert_rule_routing(slug: str, rule_id: UUID, session: Db, actor: Caller) -> RuleRoutingPayload:
    """Whom the rule tells beside its destination."""
    return routing_response(service.get_routing(session, actor, slug, str(rule_id)))


@router.put(ROUTING, operation_id="set_alert_rule_routing")
def set_alert_rule_routing(slug: str, rule_id: UUID, body: RuleRoutingPayload, session: Db, actor: Editor) -> RuleRoutingPayload:
    """Tell owners first, and others when nobody answers."""
    return routing_response(service.set_routing(session, actor, slug, str(rule_id), body.routing()))


@router.get(CONTACT, operation_id="get_alert_contact")
def get_alert_contact(slug: str, session: Db, actor: Caller) -> AlertContactPayload:
    """Where the caller is told about the events they own."""
    return contact_response(service.get_contact(session, actor, slug))


@router.put(CONTACT, operation_id="set_alert_contact")
def set_alert_contact(slug: str, body: AlertContactPayload, session: Db, actor: Caller) -> AlertContactPayload:
    """Choose where the caller is told about the events they own; nothing leaves it to the rules' destinations."""
    return contact_response(service.set_contact(session, actor, slug, body.contact()))


@router.get(INBOX + "/assigned", operation_id="list_assigned_alerts")
def list_assigned_alerts(
    slug: str,
    session: Db,
    actor: Caller,
    assignee_id: Annotated[UUID | None, Query(description="The caller when it is left out")] = None,
    status: GroupStatus | None = None,
    offset: Offset = 0,
    limit: Limit = 50,
) -> AssignedGroupListResponse:
    """What a member works on, the latest delivery first."""
    member = str(assignee_id) if assignee_id is not None else actor.user_id or ""
    found = service.list_groups(session, actor, slug, status=status, assignee_id=member, limit=limit, offset=offset)
    return assigned_list_response(found)


@router.put(INBOX + "/{correlation_group_id}/assignee", operation_id="assign_alert_group")
def assign_alert_group(
    slug: str, correlation_group_id: UUID, body: AlertAssigneeRequest, session: Db, actor: Editor
) -> AssignedGroupResponse:
    """Hand a group of the inbox to a member, or to nobody."""
    member = None if body.user_id is None else str(body.user_id)
    return assigned_response(service.assign(session, actor, slug, str(correlation_group_id), member))
