"""Routes on destinations and their rules, tagged alerting (contract 12.1, 12.2, 12.7)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.alerting import service
from app.alerting.api.parameters import EarlyEditor
from app.alerting.shapes.destinations import (
    AlertDestinationCreate,
    AlertDestinationResponse,
    AlertDestinationTest,
    AlertDestinationTestResponse,
    AlertDestinationUpdate,
    destination_response,
    trial_response,
)
from app.alerting.shapes.rules import (
    AlertRuleCreate,
    AlertRuleResponse,
    AlertRuleSimulateResponse,
    AlertRuleUpdate,
    rule_response,
    simulation_response,
)
from app.http import PROJECT, Caller, Db, Editor, WaitingCaller
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope

router = APIRouter(tags=["alerting"])

DESTINATIONS = PROJECT + "/alert-destinations"
DESTINATION = DESTINATIONS + "/{destination_id}"
RULE = DESTINATION + "/rules/{rule_id}"


@router.get(DESTINATIONS, operation_id="list_alert_destinations")
def list_alert_destinations(slug: str, session: Db, actor: Caller) -> list[AlertDestinationResponse]:
    """The project's destinations with their rules, newest first."""
    return [destination_response(view) for view in service.list_destinations(session, actor, slug)]


@router.post(DESTINATIONS, operation_id="create_alert_destination", status_code=201)
def create_alert_destination(slug: str, body: AlertDestinationCreate, actor: EarlyEditor) -> AlertDestinationResponse:
    """Add a destination."""
    fields = body.channel_fields()
    service.check_reach(body.type, fields)
    with session_scope() as session:
        view = service.create_destination(session, actor, slug, body.type, body.name, fields, enabled=body.enabled)
    return destination_response(view)


@router.get(DESTINATION, operation_id="get_alert_destination")
def get_alert_destination(slug: str, destination_id: UUID, session: Db, actor: Caller) -> AlertDestinationResponse:
    """One destination with its rules."""
    return destination_response(service.get_destination(session, actor, slug, str(destination_id)))


@router.patch(DESTINATION, operation_id="update_alert_destination")
def update_alert_destination(
    slug: str, destination_id: UUID, body: AlertDestinationUpdate, actor: EarlyEditor
) -> AlertDestinationResponse:
    """Change a destination; its type stays, blank secrets keep the stored ones."""
    with session_scope(write=False) as session:
        kind = service.get_destination(session, actor, slug, str(destination_id)).type
    service.check_reach(kind, body.channel_fields())
    with session_scope() as session:
        view = service.update_destination(session, actor, slug, str(destination_id), body.changes())
    return destination_response(view)


@router.delete(DESTINATION, operation_id="delete_alert_destination", status_code=204)
def delete_alert_destination(slug: str, destination_id: UUID, session: Db, actor: Editor) -> None:
    """Remove a destination with its rules."""
    service.delete_destination(session, actor, slug, str(destination_id))


@router.post(DESTINATIONS + "/test", operation_id="test_alert_destination_draft")
def test_alert_destination_draft(slug: str, body: AlertDestinationTest, actor: EarlyEditor) -> AlertDestinationTestResponse:
    """Send a test message to a destination that is not stored; a message that does not arrive is an answer, not an error."""
    known = None if body.destination_id is None else str(body.destination_id)
    fields, now = body.channel_fields(), SYSTEM_CLOCK.now()
    with session_scope(write=False) as session:
        trial = service.trial_of_draft(session, actor, slug, body.type, body.name, fields, now, destination_id=known)
    return _tried(actor, slug, trial)


@router.post(DESTINATION + "/test", operation_id="test_alert_destination")
def test_alert_destination(slug: str, destination_id: UUID, actor: EarlyEditor) -> AlertDestinationTestResponse:
    """Send a test message to a stored destination and keep how that went."""
    with session_scope(write=False) as session:
        trial = service.trial_of_stored(session, actor, slug, str(destination_id), SYSTEM_CLOCK.now())
    return _tried(actor, slug, trial)


def _tried(actor: Actor, slug: str, trial: service.Trial) -> AlertDestinationTestResponse:
    with session_scope() as session:
        service.take_trial_turn(session, actor, SYSTEM_CLOCK.now())
    result = service.run_trial(trial, SYSTEM_CLOCK.now())
    if trial.destination_id is not None:
        with session_scope() as session:
            service.record_trial(session, actor, slug, trial, result)
    return trial_response(result)


@router.post(DESTINATION + "/rules", operation_id="create_alert_rule", status_code=201)
def create_alert_rule(slug: str, destination_id: UUID, body: AlertRuleCreate, session: Db, actor: Editor) -> AlertRuleResponse:
    """Add a rule to a destination."""
    return rule_response(service.create_rule(session, actor, slug, str(destination_id), body.spec()))


@router.patch(RULE, operation_id="update_alert_rule")
def update_alert_rule(
    slug: str, destination_id: UUID, rule_id: UUID, body: AlertRuleUpdate, session: Db, actor: Editor
) -> AlertRuleResponse:
    """Change a rule; filters are replaced as a whole."""
    return rule_response(service.update_rule(session, actor, slug, str(destination_id), str(rule_id), body.changes()))


@router.delete(RULE, operation_id="delete_alert_rule", status_code=204)
def delete_alert_rule(slug: str, destination_id: UUID, rule_id: UUID, session: Db, actor: Editor) -> None:
    """Remove a rule."""
    service.delete_rule(session, actor, slug, str(destination_id), str(rule_id))


@router.post(RULE + "/simulate", operation_id="simulate_alert_rule")
def simulate_alert_rule(
    slug: str,
    destination_id: UUID,
    rule_id: UUID,
    actor: WaitingCaller,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
    cooldown_minutes_override: Annotated[int | None, Query(ge=0, le=10_080)] = None,
) -> AlertRuleSimulateResponse:
    """What the rule would have told in the last days. Nothing is sent or changed."""
    with session_scope(write=False) as session:
        found = service.simulate_rule(
            session,
            actor,
            slug,
            str(destination_id),
            str(rule_id),
            days=days,
            cooldown_minutes_override=cooldown_minutes_override,
        )
    return simulation_response(found)
