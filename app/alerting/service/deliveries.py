"""Deliveries as people read them, and the retry they can ask for (contract 12.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import views
from app.alerting.delivery_contracts import DeliveryView
from app.alerting.repository import deliveries as rows
from app.alerting.repository import states
from app.alerting.repository.deliveries import DeliveryFilter
from app.alerting.vocabulary import DeliveryStatus, DestinationType
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.kernel.pagination import Page
from app.projects import service as projects
from models.alerting import AlertDelivery

LARGEST_PAGE = 200
HEALTH_WINDOW = timedelta(days=7)
DRILL = "drill"
MAKES_TICKETS = frozenset({DestinationType.JIRA, DestinationType.LINEAR})
"""Channels where a second message makes a second ticket."""


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """Names of destinations whose newest delivery failed, and how many deliveries were given up in the last seven days."""

    failing_destinations: list[str]
    given_up_count: int


def list_deliveries(
    session: Session, actor: Actor, slug: str, wanted: DeliveryFilter | None = None, *, limit: int = 50, offset: int = 0
) -> Page[DeliveryView]:
    """The project's deliveries, newest first, without their items. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    limit, offset = max(1, min(limit, LARGEST_PAGE)), max(0, offset)
    found, total = rows.page(session, project.id, wanted or DeliveryFilter(), limit=limit, offset=offset)
    return Page([_marked(views.delivery_view(row), project.id) for row in found], total, limit, offset)


def get_delivery(session: Session, actor: Actor, slug: str, delivery_id: str) -> DeliveryView:
    """One delivery with its items, also of the newest fire drill. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    row = rows.find(session, project.id, delivery_id, with_drills=True)
    if row is None:
        raise NotFound("Alert delivery not found")
    return _marked(_with_items(session, row), project.id)


def _marked(view: DeliveryView, project_id: str) -> DeliveryView:
    """The view, said to be a drill's when it belongs to the canary of one."""
    return view if view.project_id == project_id else replace(view, kind=DRILL)


def retry_delivery(session: Session, actor: Actor, slug: str, delivery_id: str, *, now: datetime | None = None) -> DeliveryView:
    """Send the stored message of a failed delivery again. Editors and owners. Errors: NotFound, Conflict unless it failed."""
    row = _locked(session, actor, slug, delivery_id)
    if row.status != DeliveryStatus.FAILED:
        raise Conflict("Only failed deliveries can be retried")
    _queue(session, row, now)
    states.hold_scopes(session, row)
    identity.record_audit(session, actor, "alert_delivery.retry", "alert_delivery", row.id, project_slug=slug)
    return _with_items(session, row)


def redeliver(session: Session, actor: Actor, slug: str, delivery_id: str, *, now: datetime | None = None) -> DeliveryView:
    """Send the stored message once more although it arrived, under the same id. Editors and owners.

    Errors: NotFound, Conflict unless it was sent, and where a second message would make a second ticket.
    """
    row = _locked(session, actor, slug, delivery_id)
    if row.status != DeliveryStatus.SENT:
        raise Conflict("Only sent deliveries can be sent once more")
    if row.channel in MAKES_TICKETS:
        raise Conflict("A ticket was made of this delivery; a second one would say the same")
    _queue(session, row, now)
    identity.record_audit(session, actor, "alert_delivery.redeliver", "alert_delivery", row.id, project_slug=slug)
    return _with_items(session, row)


def newest_deliveries(session: Session, actor: Actor, slug: str) -> dict[str, DeliveryView]:
    """The newest delivery of each of the project's destinations, by destination. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return {key: views.delivery_view(row) for key, row in rows.newest_of_destinations(session, project.id).items()}


def delivery_health(session: Session, now: datetime) -> DeliveryHealth:
    """How deliveries of all projects fare, for the operator of the instance."""
    newest = rows.newest_of_destinations(session).values()
    failing = sorted(row.destination_name for row in newest if row.status == "failed" and row.error_kind not in rows.KEPT_BACK)
    return DeliveryHealth(failing, rows.given_up_count(session, now - HEALTH_WINDOW))


def _locked(session: Session, actor: Actor, slug: str, delivery_id: str) -> AlertDelivery:
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = rows.find(session, project.id, delivery_id, lock=True)
    if row is None:
        raise NotFound("Alert delivery not found")
    return row


def _queue(session: Session, row: AlertDelivery, now: datetime | None) -> None:
    row.status = DeliveryStatus.PENDING.value
    row.error_message = row.error_kind = None
    row.attempt_count = 0
    row.next_attempt_at = now or SYSTEM_CLOCK.now()
    row.claimed_by = row.claimed_until = None
    row.heeds_decisions = False  # somebody wants it sent as it is
    session.flush()


def _with_items(session: Session, row: AlertDelivery) -> DeliveryView:
    return views.delivery_view(row, rows.items_of(session, row.id))
