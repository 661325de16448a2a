"""Bodies about whom a rule tells beside its destination, where members are told, and who works on what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.alerting.contracts import GroupView
from app.alerting.escalation import Escalation
from app.alerting.service import Contact, Routing
from app.alerting.shapes.deliveries import AlertInboxGroupResponse
from app.kernel.pagination import Page
from app.kernel.text import PlainText


class EscalationPayload(BaseModel):
    """Who is told when nobody answers: after each span of minutes, in at most so many steps."""

    after_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30
    most_steps: Annotated[int, Field(ge=1, le=10)] = 1
    destination_ids: Annotated[list[UUID], Field(min_length=1, max_length=5)]
    ignores_quiet_hours: bool = False


class RuleRoutingPayload(BaseModel):
    """Whom a rule tells beside its destination."""

    to_owners: bool = False
    escalation: EscalationPayload | None = None

    def routing(self) -> Routing:
        """The routing as the service takes it."""
        given = self.escalation
        if given is None:
            return Routing(self.to_owners)
        chosen = tuple(map(str, given.destination_ids))
        found = Escalation(timedelta(minutes=given.after_minutes), given.most_steps, chosen, given.ignores_quiet_hours)
        return Routing(self.to_owners, found)


def routing_response(found: Routing) -> RuleRoutingPayload:
    """The wire form of a routing."""
    one = found.escalation
    return RuleRoutingPayload(
        to_owners=found.to_owners,
        escalation=None
        if one is None
        else EscalationPayload(
            after_minutes=int(one.after.total_seconds() // 60),
            most_steps=one.most_steps,
            destination_ids=[UUID(each) for each in one.destination_ids],
            ignores_quiet_hours=one.ignores_quiet_hours,
        ),
    )


class AlertContactPayload(BaseModel):
    """Where the caller is told about what they own; at most one of the two."""

    destination_id: UUID | None = None
    email: Annotated[PlainText, Field(max_length=320)] | None = None

    def contact(self) -> Contact:
        """The contact as the service takes it."""
        email = (self.email or "").strip() or None
        return Contact(None if self.destination_id is None else str(self.destination_id), email)


def contact_response(found: Contact) -> AlertContactPayload:
    """The wire form of a contact."""
    return AlertContactPayload(
        destination_id=None if found.destination_id is None else UUID(found.destination_id), email=found.email
    )


class AlertAssigneeRequest(BaseModel):
    """The member to hand a group to; null for nobody."""

    user_id: UUID | None


class AssignedGroupResponse(AlertInboxGroupResponse):
    """A correlation group with the member who works on it."""

    assignee_id: str | None
    assigned_at: datetime | None


class AssignedGroupListResponse(BaseModel):
    """A page of what is assigned."""

    items: list[AssignedGroupResponse]
    total: int


def assigned_response(found: GroupView) -> AssignedGroupResponse:
    """The wire form of a group with its member."""
    return AssignedGroupResponse.model_validate(found)


def assigned_list_response(found: Page[GroupView]) -> AssignedGroupListResponse:
    """The wire form of a page of groups."""
    return AssignedGroupListResponse(items=[assigned_response(one) for one in found.items], total=found.total)
