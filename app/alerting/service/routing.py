"""Who is told: the owners of what an alert is about where a rule says so, else the rule's destination.

An event's owner is the member named by the event; without one, the owners of its event type. A member chooses for each project
where they are told; owners who chose nothing are told by nobody, so the rule's destination is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.alerting.contracts import Candidate
from app.alerting.destination_rules import checked_address
from app.alerting.repository import destinations as rows
from app.alerting.repository import routing
from app.alerting.vocabulary import DestinationType
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.kernel.errors import Forbidden, InvalidInput, Unauthorized
from app.projects import service as projects
from models.alerting import AlertDestination
from models.alerting_people import AlertContact


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a message goes. `id` is a destination's, or that of the member whose mailbox it is; then `user_id` is set."""

    id: str
    name: str
    channel: DestinationType
    subject_template: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a member is told about what they own: at most one of the two is set."""

    destination_id: str | None = None
    email: str | None = None


def recipient_of(destination: AlertDestination) -> Recipient:
    """The destination as somewhere a message goes."""
    return Recipient(destination.id, destination.name, DestinationType(destination.type), destination.email_subject_template)


def by_owner(
    session: Session, project_id: str, fallback: Recipient, firings: Sequence[Candidate]
) -> dict[Recipient, list[Candidate]]:
    """What each recipient is told, in the order of the firings; several owners are told the same."""
    events = routing.event_owners(session, {one.event_id for one in firings if one.event_id})
    types = routing.type_owners(session, {one.event_type_id for one in firings if one.event_type_id})
    reachable = routing.reachable(session, project_id)
    told: dict[Recipient, list[Candidate]] = {}
    for one in firings:
        owner = events.get(one.event_id or "")
        user_ids = [owner] if owner else types.get(one.event_type_id or "", [])
        found = dict.fromkeys(_as_recipient(reachable[user_id]) for user_id in user_ids if user_id in reachable)
        for recipient in found or (fallback,):
            told.setdefault(recipient, []).append(one)
    return told


def _as_recipient(reach: routing.Reach) -> Recipient:
    if reach.destination is not None:
        return recipient_of(reach.destination)
    return Recipient(reach.user_id, f"{reach.name} (owner)", DestinationType.EMAIL, user_id=reach.user_id)


def get_contact(session: Session, actor: Actor, slug: str) -> Contact:
    """Where the caller is told about what they own. Anybody signed in. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    row = routing.contact_of(session, project.id, actor.user_id or "")
    return Contact() if row is None else Contact(row.destination_id, row.email)


def set_contact(session: Session, actor: Actor, slug: str, wanted: Contact) -> Contact:
    """Choose where the caller is told about what they own; nothing leaves it to the rules' destinations.

    Viewers can name no mailbox but that of their account. Errors: NotFound, Unauthorized, Forbidden, InvalidInput for both at
    once, a destination of another project, or what is no mail address.
    """
    actor.require_write()
    project = projects.get_project(session, actor, slug)
    user_id = actor.user_id
    if user_id is None:
        raise Unauthorized("Only members own events")
    email = checked_address(wanted.email, "email") if wanted.email else None
    if email and wanted.destination_id:
        raise InvalidInput("Choose a destination or a mail address, not both", field="email")
    if wanted.destination_id and rows.find_destination(session, project.id, wanted.destination_id) is None:
        raise InvalidInput("This destination does not exist in the project", field="destination_id")
    if email and actor.role is UserRole.VIEWER and email.lower() != identity.get_me(session, actor).email.lower():
        raise Forbidden("Viewers are told at the mail address of their account")
    row = routing.contact_of(session, project.id, user_id) or AlertContact(project_id=project.id, user_id=user_id)
    row.destination_id, row.email = wanted.destination_id, email
    rows.save(session, row)
    payload = {"destination_id": row.destination_id, "by_mail": row.email is not None}
    identity.record_audit(session, actor, "alert_contact.update", "user", user_id, project_slug=slug, payload=payload)
    return Contact(row.destination_id, row.email)
