"""Rules: when a destination is told (contract 12.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import views
from app.alerting.contracts import RuleFilter, RuleSpec, RuleView
from app.alerting.repository import decisions
from app.alerting.repository import destinations as rows
from app.alerting.service import schedules
from app.alerting.templates import ITEM_VARIABLES, MESSAGE_VARIABLES, unknown_variables
from app.alerting.vocabulary import FORMATS, DestinationType, FilterField, FilterOperator, MessageFormat
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.ids import is_uuid
from app.projects import service as projects
from models.alerting import AlertDestination, AlertRule
from models.plan import Event, EventType

LONGEST_NAME = 255
LONGEST_TEMPLATE = 20_000
LONGEST_COOLDOWN = 5_256_000
MOST_FILTERS = 50
MOST_VALUES = 1_000
ACTIVE_FOR = timedelta(days=14)
_NULL_MEANS_NONE = frozenset({"message_template", "items_template"})


@dataclass(frozen=True, slots=True)
class RuleActivity:
    """How often a rule fired in the last 14 days and when it last did, whatever became of the messages."""

    count: int = 0
    last_at: datetime | None = None


def create_rule(session: Session, actor: Actor, slug: str, destination_id: str, spec: RuleSpec) -> RuleView:
    """Add a rule to a destination. Editors and owners. Errors: NotFound (also for a filter's target), InvalidInput."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    destination = rows.find_destination(session, project.id, destination_id, lock=True)
    if destination is None:
        raise NotFound("Alert destination not found")
    row = AlertRule(destination_id=destination.id, name="")
    views.write_spec(row, checked(session, project.id, DestinationType(destination.type), spec))
    rows.save(session, row)
    _audit(session, actor, slug, "alert_rule.create", row)
    return views.rule_view(row)


def update_rule(
    session: Session, actor: Actor, slug: str, destination_id: str, rule_id: str, changes: Mapping[str, object]
) -> RuleView:
    """Change what is named; filters are replaced as a whole, null clears a template and leaves everything else alone.

    A rule that is switched off forgets what it had told. Editors and owners. Errors: NotFound, InvalidInput.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row, destination = _find(session, project.id, rule_id, destination_id, lock=True)
    spec = checked(session, project.id, DestinationType(destination.type), with_changes(views.spec_of(row), changes))
    if row.enabled and not spec.enabled:
        schedules.withdraw(session, row, SYSTEM_CLOCK.now(), "The rule was switched off before the message left")
        rows.clear_states(session, [row.id])
    views.write_spec(row, spec)
    rows.save(session, row)
    _audit(session, actor, slug, "alert_rule.update", row, changed=sorted(changes))
    return views.rule_view(row)


def delete_rule(session: Session, actor: Actor, slug: str, destination_id: str, rule_id: str) -> None:
    """Remove a rule; what it delivered stays in the history. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row, _ = _find(session, project.id, rule_id, destination_id, lock=True)
    schedules.withdraw(session, row, SYSTEM_CLOCK.now(), "The rule was deleted before the message left")
    rows.delete(session, row)
    _audit(session, actor, slug, "alert_rule.delete", row)


def get_rule(session: Session, actor: Actor, slug: str, rule_id: str) -> RuleView:
    """One rule of the project. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return views.rule_view(_find(session, project.id, rule_id)[0])


def rule_activity(session: Session, actor: Actor, slug: str, now: datetime) -> dict[str, RuleActivity]:
    """The activity of every rule that ever fired, by its id. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    counts = decisions.made_since(session, project.id, now - ACTIVE_FOR)
    return {
        rule_id: RuleActivity(counts.get(rule_id, 0), last_at)
        for rule_id, last_at in decisions.last_made(session, project.id).items()
    }


def with_changes(spec: RuleSpec, changes: Mapping[str, object]) -> RuleSpec:
    """The rule with the changes of an edit."""
    given = {name: value for name, value in changes.items() if value is not None or name in _NULL_MEANS_NONE}
    return replace(spec, **given)  # type: ignore[arg-type]


def checked(session: Session, project_id: str, channel: DestinationType, spec: RuleSpec) -> RuleSpec:
    """The rule in its stored form. Errors: InvalidInput, NotFound for a filter that names nothing of the project."""
    name = spec.name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(f"must have between 1 and {LONGEST_NAME} characters", field="name")
    if not (spec.notify_on_spike or spec.notify_on_drop):
        raise InvalidInput("At least one direction must stay on", field="notify_on_drop")
    for field in ("min_percent_delta", "min_absolute_delta", "min_expected_count"):
        value = getattr(spec, field)
        if not (math.isfinite(value) and value >= 0):
            raise InvalidInput("must be a number of at least 0", field=field)
    if not 1 <= spec.cooldown_minutes <= LONGEST_COOLDOWN:
        raise InvalidInput(f"must lie between 1 and {LONGEST_COOLDOWN}", field="cooldown_minutes")
    allowed = FORMATS.get(channel, (MessageFormat.PLAIN,))
    if spec.message_format not in allowed:
        raise InvalidInput(f"must be one of {', '.join(allowed)} for {channel.value}", field="message_format")
    message = _checked_template(spec.message_template, "message_template", MESSAGE_VARIABLES)
    items = _checked_template(spec.items_template, "items_template", ITEM_VARIABLES)
    _check_filters(session, project_id, spec.filters)
    return replace(spec, name=name, message_template=message, items_template=items)


def _checked_template(template: str | None, field: str, known: frozenset[str]) -> str | None:
    if template is None or not template.strip():
        return None
    if len(template) > LONGEST_TEMPLATE:
        raise InvalidInput(f"must have at most {LONGEST_TEMPLATE} characters", field=field)
    unknown = unknown_variables(template, known)
    if unknown:
        raise InvalidInput(f"Unknown variables: {', '.join(unknown)}", field=field)
    return template


def _check_filters(session: Session, project_id: str, filters: tuple[RuleFilter, ...]) -> None:
    if len(filters) > MOST_FILTERS:
        raise InvalidInput(f"must have at most {MOST_FILTERS} filters", field="filters")
    wanted: dict[FilterField, set[str]] = {FilterField.EVENT: set(), FilterField.EVENT_TYPE: set()}
    for one in filters:
        if not 1 <= len(one.values) <= MOST_VALUES:
            raise InvalidInput(f"A filter needs between 1 and {MOST_VALUES} values", field="filters")
        if one.operator in (FilterOperator.EQ, FilterOperator.NE) and len(one.values) != 1:
            raise InvalidInput(f"The operator {one.operator.value} takes exactly one value", field="filters")
        if one.field is FilterField.DIRECTION:
            if any(value not in ("up", "down") for value in one.values):
                raise InvalidInput("A direction is up or down", field="filters")
        elif all(map(is_uuid, one.values)):
            wanted[one.field] |= set(one.values)
        else:
            raise InvalidInput("Events and event types are named by their ids", field="filters")
    for field, table in ((FilterField.EVENT, Event), (FilterField.EVENT_TYPE, EventType)):
        ids = sorted(wanted[field])
        if ids and rows.known_ids(session, project_id, table, ids) != wanted[field]:
            raise NotFound("A filter names an event or event type that is not of this project")


def _find(
    session: Session, project_id: str, rule_id: str, destination_id: str | None = None, *, lock: bool = False
) -> tuple[AlertRule, AlertDestination]:
    if destination_id is not None and rows.find_destination(session, project_id, destination_id) is None:
        raise NotFound("Alert destination not found")
    found = rows.find_rule(session, project_id, rule_id, destination_id, lock=lock)
    if found is None:
        raise NotFound("Alert rule not found")
    return found


def _audit(session: Session, actor: Actor, slug: str, action: str, row: AlertRule, **payload: object) -> None:
    details = {"name": row.name, "destination_id": row.destination_id, **payload}
    identity.record_audit(session, actor, action, "alert_rule", row.id, project_slug=slug, payload=details)
