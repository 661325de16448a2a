"""The schedule of a rule: when its messages may leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, cast
from zoneinfo import available_timezones

from sqlmodel import Session

from app.alerting.repository import destinations as rows
from app.alerting.repository import escalations, holding, states
from app.alerting.schedules import Digest, QuietHours, Rhythm, Schedule, not_before
from app.alerting.vocabulary import DeliveryStatus
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.projects import service as projects
from models.alerting import AlertRule


def get_schedule(session: Session, actor: Actor, slug: str, rule_id: str) -> Schedule:
    """When the rule's messages may leave. Anybody signed in. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    found = rows.find_rule(session, project.id, rule_id)
    if found is None:
        raise NotFound("Alert rule not found")
    return schedule_of(found[0])


def set_schedule(
    session: Session, actor: Actor, slug: str, rule_id: str, schedule: Schedule, *, now: datetime | None = None
) -> Schedule:
    """Hold messages back by this schedule from now on; those that wait already are moved to it. Editors and owners.

    Errors: NotFound, InvalidInput for a zone nobody knows, quiet hours without a length or a day.
    """
    actor.require_editor()
    at = now or SYSTEM_CLOCK.now()
    project = projects.get_project(session, actor, slug)
    found = rows.find_rule(session, project.id, rule_id, lock=True)
    if found is None:
        raise NotFound("Alert rule not found")
    rule, _ = found
    _check(schedule)
    rule.schedule = _stored(schedule) if schedule.holds else None
    rows.save(session, rule)
    replan(session, rule, at)
    payload = {"name": rule.name, "schedule": rule.schedule}
    identity.record_audit(session, actor, "alert_rule.schedule", "alert_rule", rule.id, project_slug=slug, payload=payload)
    return schedule


def replan(session: Session, rule: AlertRule, now: datetime) -> None:
    """Move what the rule holds back to when it may leave by its schedule and mute as they are now."""
    silent_until = max(now, rule.muted_until or now)
    leaves = not_before(schedule_of(rule), silent_until)
    for delivery in holding.held_deliveries(session, [rule.id], now):
        delivery.held_until = delivery.next_attempt_at = leaves
        rows.save(session, delivery)
        escalations.move_wait(session, delivery.id, leaves)


def withdraw(session: Session, rule: AlertRule, now: datetime, reason: str) -> None:
    """What the rule holds back never leaves by itself; it stays in the history with the reason."""
    for delivery in holding.held_deliveries(session, [rule.id], now):
        delivery.status, delivery.error_kind, delivery.error_message = DeliveryStatus.FAILED.value, "withdrawn", reason
        delivery.held_until = delivery.next_attempt_at = None
        rows.save(session, delivery)
        escalations.move_wait(session, delivery.id, None)
        states.release_scopes(session, delivery, arrived_at=None)


def schedule_of(rule: AlertRule) -> Schedule:
    """The rule's schedule; the empty one when it has none."""
    if not rule.schedule:
        return Schedule()
    stored = cast("Mapping[str, Any]", rule.schedule)
    quiet, digest = stored.get("quiet"), stored.get("digest")
    return Schedule(
        zone=str(stored["zone"]),
        quiet=None
        if quiet is None
        else QuietHours(time.fromisoformat(quiet["start"]), time.fromisoformat(quiet["end"]), frozenset(quiet["days"])),
        digest=None
        if digest is None
        else Digest(Rhythm(digest["every"]), time.fromisoformat(digest["at"]), int(digest["weekday"])),
    )


def _stored(schedule: Schedule) -> dict[str, object]:
    quiet, digest = schedule.quiet, schedule.digest
    return {
        "zone": schedule.zone,
        "quiet": quiet
        and {"start": quiet.start.isoformat("minutes"), "end": quiet.end.isoformat("minutes"), "days": sorted(quiet.days)},
        "digest": digest and {"every": digest.every.value, "at": digest.at.isoformat("minutes"), "weekday": digest.weekday},
    }


def _check(schedule: Schedule) -> None:
    if schedule.zone not in available_timezones():
        raise InvalidInput("is no time zone such as Europe/Berlin", field="zone")
    quiet, digest = schedule.quiet, schedule.digest
    if quiet is not None:
        if quiet.start == quiet.end:
            raise InvalidInput("Quiet hours must end: choose two different times", field="quiet_end")
        if not quiet.days or not quiet.days <= frozenset(range(7)):
            raise InvalidInput("Choose at least one day, from 0 for Monday to 6 for Sunday", field="quiet_days")
    if digest is not None and digest.weekday not in range(7):
        raise InvalidInput("must be a day from 0 for Monday to 6 for Sunday", field="weekday")
