"""What a rule would have told in the past, and how two versions of it differ (contract 12.7). Sends and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import messages, rules, views
from app.alerting.contracts import Candidate, Firing, RuleSpec, Simulation
from app.alerting.matching import CandidateTable
from app.alerting.repository import candidates as found_rows
from app.alerting.repository import destinations as rows
from app.alerting.service.rules import checked, with_changes
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.settings import get_settings
from app.projects import service as projects
from app.projects.contracts import ProjectView
from models.alerting import AlertDestination, AlertRule

NOISY_ABOVE = 50
LONGEST_WINDOW_DAYS = 90
LONGEST_COOLDOWN_OVERRIDE = 10_080
REPLAY_SCAN_NAME = "(replay)"


@dataclass(frozen=True, slots=True)
class History:
    """Everything stored in a window that a rule could have told about, by scan."""

    since: datetime
    until: datetime
    tables: list[CandidateTable]

    @property
    def count(self) -> int:
        """How many candidates there are."""
        return sum(len(table.candidates) for table in self.tables)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a rule over the same history: what both tell, and what only one of them tells."""

    before: Simulation
    after: Simulation
    kept: list[Candidate]
    lost: list[Candidate]
    gained: list[Candidate]


def simulate_rule(
    session: Session,
    actor: Actor,
    slug: str,
    destination_id: str,
    rule_id: str,
    *,
    days: int = 7,
    cooldown_minutes_override: int | None = None,
    now: datetime | None = None,
) -> Simulation:
    """Replay the stored anomalies and drifts of the last days through a rule. Anybody signed in. Errors: NotFound, InvalidInput."""
    project = projects.get_project(session, actor, slug)
    rule, destination = _find(session, project.id, destination_id, rule_id)
    history = load_history(session, project, days, now or SYSTEM_CLOCK.now())
    cooldown = rule.cooldown_minutes if cooldown_minutes_override is None else cooldown_minutes_override
    return _simulated(project, rule, destination, views.spec_of(rule), history, days, cooldown)


def compare_rule(
    session: Session,
    actor: Actor,
    slug: str,
    destination_id: str,
    rule_id: str,
    changes: Mapping[str, object],
    *,
    days: int = 7,
    now: datetime | None = None,
) -> Comparison:
    """The stored rule beside the same rule with changes, over the same days. Errors: NotFound, InvalidInput as for an update."""
    project = projects.get_project(session, actor, slug)
    rule, destination = _find(session, project.id, destination_id, rule_id)
    stored = views.spec_of(rule)
    edited = checked(session, project.id, DestinationType(destination.type), with_changes(stored, changes))
    history = load_history(session, project, days, now or SYSTEM_CLOCK.now())
    before, after = (
        _simulated(project, rule, destination, spec, history, days, spec.cooldown_minutes) for spec in (stored, edited)
    )
    told_before = {one.candidate.id for one in before.firings}
    told_after = {one.candidate.id for one in after.firings}
    return Comparison(
        before,
        after,
        kept=[one.candidate for one in after.firings if one.candidate.id in told_before],
        lost=[one.candidate for one in before.firings if one.candidate.id not in told_after],
        gained=[one.candidate for one in after.firings if one.candidate.id not in told_before],
    )


def load_history(session: Session, project: ProjectView, days: int, now: datetime) -> History:
    """What happened in the last days. Errors: InvalidInput for a number of days outside 1 to 90."""
    if not 1 <= days <= LONGEST_WINDOW_DAYS:
        raise InvalidInput(f"must lie between 1 and {LONGEST_WINDOW_DAYS}", field="days")
    since = now - timedelta(days=days)
    known = found_rows.names(session, project.id)
    tables = []
    for scan_id, _ in found_rows.scans_of(session, project.id):
        found = found_rows.anomalies(session, project.id, project.name, known, since=since, until=now, scan_config_id=scan_id)
        found += found_rows.drifts(session, project.id, now=now, since=since, scan_config_id=scan_id)
        found.sort(key=lambda one: one.bucket)
        tables.append(CandidateTable(found))
    return History(since, now, tables)


def _simulated(
    project: ProjectView,
    rule: AlertRule,
    destination: AlertDestination,
    spec: RuleSpec,
    history: History,
    days: int,
    cooldown_minutes: int,
) -> Simulation:
    if cooldown_minutes < 0:
        raise InvalidInput("must be at least 0", field="cooldown_minutes_override")
    matching = [table.matching(spec) for table in history.tables]
    cooldown = timedelta(minutes=cooldown_minutes)
    fired = sorted((one for found in matching for one in rules.replay(found, cooldown)), key=lambda one: one.bucket)
    context = messages.Context(
        base_url=get_settings().base_url,
        project_name=project.name,
        project_slug=project.slug,
        channel=DestinationType(destination.type),
        destination_id=destination.id,
        destination_name=destination.name,
        rule_id=rule.id,
        rule=spec,
        scan_id="",
        scan_name=REPLAY_SCAN_NAME,
        subject_template=destination.email_subject_template,
    )
    items = [messages.Item(one, *messages.paths_of(project.slug, one)) for one in fired]
    return Simulation(
        rule_id=rule.id,
        rule_name=spec.name,
        days=days,
        window_from=history.since,
        window_to=history.until,
        considered_count=history.count,
        matched_count=sum(map(len, matching)),
        firings=[Firing(item.candidate, messages.rendered_item(context, item)) for item in items],
        is_noisy=len(fired) > NOISY_ABOVE,
        cooldown_minutes_used=cooldown_minutes,
        rendered_message=messages.rendered_message(context, items, len(items)) if items else None,
    )


def _find(session: Session, project_id: str, destination_id: str, rule_id: str) -> tuple[AlertRule, AlertDestination]:
    if rows.find_destination(session, project_id, destination_id) is None:
        raise NotFound("Alert destination not found")
    found = rows.find_rule(session, project_id, rule_id, destination_id)
    if found is None:
        raise NotFound("Alert rule not found")
    return found
