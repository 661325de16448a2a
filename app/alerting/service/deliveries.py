"""Deliveries as people read them, and the retry they can ask for (contract 12.5)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.alerting import views
from app.alerting.contracts import DeliveryView
from app.alerting.repository import deliveries as rows
from app.alerting.repository import states
from app.alerting.repository.deliveries import DeliveryFilter
from app.alerting.vocabulary import DeliveryStatus
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.kernel.pagination import Page
from app.projects import service as projects
from models.alerting import AlertDelivery

LARGEST_PAGE = 200


def list_deliveries(
    session: Session, actor: Actor, slug: str, wanted: DeliveryFilter | None = None, *, limit: int = 50, offset: int = 0
) -> Page[DeliveryView]:
    """The project's deliveries, newest first, without their items. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    limit, offset = max(1, min(limit, LARGEST_PAGE)), max(0, offset)
    found, total = rows.page(session, project.id, wanted or DeliveryFilter(), limit=limit, offset=offset)
    return Page([views.delivery_view(row) for row in found], total, limit, offset)


def get_delivery(session: Session, actor: Actor, slug: str, delivery_id: str) -> DeliveryView:
    """One delivery with its items. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    row = rows.find(session, project.id, delivery_id)
    if row is None:
        raise NotFound("Alert delivery not found")
    return _with_items(session, row)


def retry_delivery(session: Session, actor: Actor, slug: str, delivery_id: str, *, now: datetime | None = None) -> DeliveryView:
    """Send the stored message of a failed delivery again. Editors and owners. Errors: NotFound, Conflict unless it failed."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = rows.find(session, project.id, delivery_id, lock=True)
    if row is None:
        raise NotFound("Alert delivery not found")
    if row.status != DeliveryStatus.FAILED:
        raise Conflict("Only failed deliveries can be retried")
    row.status = DeliveryStatus.PENDING.value
    row.error_message = row.error_kind = None
    row.attempt_count = 0
    row.next_attempt_at = now or SYSTEM_CLOCK.now()
    row.claimed_by = row.claimed_until = None
    session.flush()
    states.hold_scopes(session, row)
    identity.record_audit(session, actor, "alert_delivery.retry", "alert_delivery", row.id, project_slug=slug)
    return _with_items(session, row)


def _with_items(session: Session, row: AlertDelivery) -> DeliveryView:
    return views.delivery_view(row, rows.items_of(session, row.id))
