"""Routes on deliveries and the inbox, tagged alerting (contract 12.5, 12.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.alerting import service
from app.alerting.shapes.deliveries import (
    AlertDeliveryDetailResponse,
    AlertDeliveryListResponse,
    AlertInboxActionRequest,
    AlertInboxGroupResponse,
    AlertInboxListResponse,
)
from app.http import PROJECT, Caller, Db, Editor
from app.kernel.text import PlainText

router = APIRouter(tags=["alerting"])

DELIVERIES = PROJECT + "/alert-deliveries"
DELIVERY = DELIVERIES + "/{delivery_id}"
INBOX = PROJECT + "/alert-inbox"

Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=9_223_372_036_854_775_807)]


@router.get(DELIVERIES, operation_id="list_alert_deliveries")
def list_alert_deliveries(
    slug: str,
    session: Db,
    actor: Caller,
    status: Annotated[PlainText | None, Query()] = None,
    channel: Annotated[PlainText | None, Query()] = None,
    destination_id: UUID | None = None,
    rule_id: UUID | None = None,
    scan_config_id: UUID | None = None,
    date_from: datetime | None = None,
    date_to: datetime | None = None,
    offset: Offset = 0,
    limit: Limit = 50,
) -> AlertDeliveryListResponse:
    """Deliveries, newest first."""
    wanted = service.DeliveryFilter(
        status=status,
        channel=channel,
        destination_id=None if destination_id is None else str(destination_id),
        rule_id=None if rule_id is None else str(rule_id),
        scan_config_id=None if scan_config_id is None else str(scan_config_id),
        date_from=date_from,
        date_to=date_to,
    )
    return AlertDeliveryListResponse.model_validate(
        service.list_deliveries(session, actor, slug, wanted, limit=limit, offset=offset)
    )


@router.get(DELIVERY, operation_id="get_alert_delivery")
def get_alert_delivery(slug: str, delivery_id: UUID, session: Db, actor: Caller) -> AlertDeliveryDetailResponse:
    """One delivery with its items."""
    return AlertDeliveryDetailResponse.model_validate(service.get_delivery(session, actor, slug, str(delivery_id)))


@router.post(DELIVERY + "/retry", operation_id="retry_alert_delivery")
def retry_alert_delivery(slug: str, delivery_id: UUID, session: Db, actor: Editor) -> AlertDeliveryDetailResponse:
    """Send the stored message of a failed delivery again."""
    return AlertDeliveryDetailResponse.model_validate(service.retry_delivery(session, actor, slug, str(delivery_id)))


@router.post(DELIVERY + "/redeliver", operation_id="redeliver_alert_delivery")
def redeliver_alert_delivery(slug: str, delivery_id: UUID, session: Db, actor: Editor) -> AlertDeliveryDetailResponse:
    """Send the stored message of a delivery that arrived once more, under the same id."""
    return AlertDeliveryDetailResponse.model_validate(service.redeliver(session, actor, slug, str(delivery_id)))


@router.get(INBOX, operation_id="list_alert_inbox")
def list_alert_inbox(
    slug: str,
    session: Db,
    actor: Caller,
    status: Annotated[PlainText | None, Query()] = None,
    offset: Offset = 0,
    limit: Limit = 50,
) -> AlertInboxListResponse:
    """Groups of what was delivered in the last 30 days, the latest delivery first."""
    found = service.list_groups(session, actor, slug, status=status, limit=limit, offset=offset)
    return AlertInboxListResponse.model_validate(found)


@router.post(INBOX + "/{correlation_group_id}/actions", operation_id="apply_alert_inbox_action")
def apply_alert_inbox_action(
    slug: str, correlation_group_id: UUID, body: AlertInboxActionRequest, session: Db, actor: Editor
) -> AlertInboxGroupResponse:
    """Acknowledge, resolve, mute, reopen or dismiss a group."""
    group = service.apply_action(
        session, actor, slug, str(correlation_group_id), body.action, note=body.note, muted_until=body.muted_until
    )
    return AlertInboxGroupResponse.model_validate(group)
