"""Routes on monitors, tagged alerting (contract 12.8)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.alerting import service
from app.alerting.shapes.monitors import (
    MonitorDetailResponse,
    MonitorMuteRequest,
    MonitorsSummaryResponse,
    monitor_response,
    monitors_response,
)
from app.http import PROJECT, Caller, Db, Editor

router = APIRouter(tags=["alerting"])

MONITOR = PROJECT + "/monitors/{rule_id}"


@router.get(PROJECT + "/monitors-summary", operation_id="get_monitors_summary")
def get_monitors_summary(slug: str, session: Db, actor: Caller) -> MonitorsSummaryResponse:
    """All rules by destination name and rule name, counted by status."""
    return monitors_response(service.list_monitors(session, actor, slug))


@router.get(MONITOR, operation_id="get_monitor")
def get_monitor(slug: str, rule_id: UUID, session: Db, actor: Caller) -> MonitorDetailResponse:
    """One rule and what it has delivered."""
    return monitor_response(service.get_monitor(session, actor, slug, str(rule_id)))


@router.post(MONITOR + "/mute", operation_id="mute_monitor")
def mute_monitor(slug: str, rule_id: UUID, body: MonitorMuteRequest, session: Db, actor: Editor) -> MonitorDetailResponse:
    """Send nothing until then; the rule keeps watching."""
    return monitor_response(service.mute_monitor(session, actor, slug, str(rule_id), body.muted_until))


@router.post(MONITOR + "/unmute", operation_id="unmute_monitor")
def unmute_monitor(slug: str, rule_id: UUID, session: Db, actor: Editor) -> MonitorDetailResponse:
    """Send again."""
    return monitor_response(service.unmute_monitor(session, actor, slug, str(rule_id)))
