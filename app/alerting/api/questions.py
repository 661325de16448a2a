"""Routes that ask a rule: how two versions of it differ, and why it was silent. Additions of ours, tagged alerting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.alerting import service
from app.alerting.shapes.questions import (
    AlertCandidate,
    AlertRuleCompareRequest,
    AlertRuleComparisonResponse,
    AlertRuleExplanationResponse,
    candidates_response,
    comparison_response,
    explanation_response,
)
from app.alerting.vocabulary import AlertScope
from app.http import PROJECT, WaitingCaller
from app.kernel.clock import as_utc
from app.kernel.database import session_scope
from app.kernel.text import PlainText

router = APIRouter(tags=["alerting"])

RULE = PROJECT + "/rules/{rule_id}"


@router.post(RULE + "/compare", operation_id="compare_alert_rule")
def compare_alert_rule(
    slug: str, rule_id: UUID, body: AlertRuleCompareRequest, actor: WaitingCaller
) -> AlertRuleComparisonResponse:
    """The stored rule beside the same rule with changes, over the same days. Nothing is sent or changed."""
    with session_scope(write=False) as session:
        rule = service.get_rule(session, actor, slug, str(rule_id))
        changes = body.changes.changes()
        found = service.compare_rule(session, actor, slug, rule.destination_id, rule.id, changes, days=body.days)
    return comparison_response(found)


@router.get(RULE + "/explanation", operation_id="explain_alert_rule")
def explain_alert_rule(
    slug: str,
    rule_id: UUID,
    scan_config_id: UUID,
    scope_type: AlertScope,
    scope_ref: Annotated[PlainText, Query(min_length=1, max_length=64)],
    bucket: datetime,
    actor: WaitingCaller,
) -> AlertRuleExplanationResponse:
    """Why the rule did or did not tell about a bucket of a scope: every gate, and the first that was closed."""
    with session_scope(write=False) as session:
        where = (str(rule_id), str(scan_config_id), scope_type, scope_ref, as_utc(bucket))
        found = service.explain(session, actor, slug, *where)
    return explanation_response(found)


@router.get(PROJECT + "/alert-candidates", operation_id="list_alert_candidates")
def list_alert_candidates(
    slug: str,
    actor: WaitingCaller,
    days: Annotated[int, Query(ge=1, le=90)] = 14,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[AlertCandidate]:
    """What rules can be asked about: everything unusual of the last days, newest first."""
    with session_scope(write=False) as session:
        return candidates_response(service.recent_candidates(session, actor, slug, days=days)[:limit])
