"""Routes on the schedule of a rule: quiet hours and digests. An addition of ours, tagged alerting."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.alerting import service
from app.alerting.shapes.schedules import RuleSchedulePayload, schedule_response
from app.http import PROJECT, Caller, Db, Editor

router = APIRouter(tags=["alerting"])

SCHEDULE = PROJECT + "/rules/{rule_id}/schedule"


@router.get(SCHEDULE, operation_id="get_alert_rule_schedule")
def get_alert_rule_schedule(slug: str, rule_id: UUID, session: Db, actor: Caller) -> RuleSchedulePayload:
    """When the rule's messages may leave."""
    return schedule_response(service.get_schedule(session, actor, slug, str(rule_id)))


@router.put(SCHEDULE, operation_id="set_alert_rule_schedule")
def set_alert_rule_schedule(slug: str, rule_id: UUID, body: RuleSchedulePayload, session: Db, actor: Editor) -> RuleSchedulePayload:
    """Hold messages back by this schedule; the empty one holds nothing back."""
    return schedule_response(service.set_schedule(session, actor, slug, str(rule_id), body.schedule()))
