"""What a rule would have told in the past, and how two versions of it differ (contract 12.7). Sends and writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from app.alerting import messages, rules, views
from app.alerting.contracts import Candidate, EscalationStep, Firing, RuleSpec, Simulation
from app.alerting.escalation import Course, replay_with_steps
from app.alerting.matching import CandidateTable
from app.alerting.repository import candidates as found_rows
from app.alerting.repository import destinations as rows
from app.alerting.scoring import Score, score
from app.alerting.service import candidates
from app.alerting.service.escalation import escalation_of
from app.alerting.service.judgements import judged_since
from app.alerting.service.rules import checked, with_changes
from app.alerting.service.schedules import schedule_of
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.settings import get_settings
from app.projects import service as projects
from app.projects.contracts import ProjectView
from models.alerting import AlertDestination, AlertRule

NOISY_ABOVE = 50
LONGEST_WINDOW_DAYS = 90
REPLAY_SCAN_NAME = "(replay)"
_SAMPLE = Candidate(
    AlertScope.EVENT, "sample", "order_paid", datetime(2000, 1, 1, tzinfo=UTC), AlertDirection.DROP, actual=120, expected=480
)


@dataclass(frozen=True, slots=True)
class History:
    """Everything in a window that a rule could have told about, by the id of its scan."""

    since: datetime
    until: datetime
    tables: dict[str, CandidateTable]

    @property
    def count(self) -> int:
        """How many candidates there are."""
        return sum(len(table.candidates) for table in self.tables.values())


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A rule that is still being written, over its history: what it would have told, and how people judged that.

    All that a rule tells of one bucket and scan is one message; `last_message` is the newest one, or one about a made-up drop
    when there is none.
    """

    simulation: Simulation
    score: Score
    message_count: int
    last_message: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a rule over the same history: what both tell, what only one of them tells, and how people judged it."""

    before: Simulation
    after: Simulation
    kept: list[Candidate]
    lost: list[Candidate]
    gained: list[Candidate]
    before_score: Score
    after_score: Score


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
    spec = views.spec_of(rule)
    history = load_history(session, project, days, now or SYSTEM_CLOCK.now(), _scopes_of(spec))
    cooldown = spec.cooldown_minutes if cooldown_minutes_override is None else cooldown_minutes_override
    courses = _courses(session, project.id, rule, history)
    return _simulated(project, rule.id, destination, spec, history, days, cooldown, courses)[0]


def rehearse_rule(
    session: Session,
    actor: Actor,
    slug: str,
    destination_id: str,
    spec: RuleSpec,
    *,
    rule_id: str = "",
    days: int = 14,
    now: datetime | None = None,
) -> Rehearsal:
    """Replay the last days through a rule as somebody is writing it. Anybody signed in.

    Errors: NotFound for the destination or a filter's target, InvalidInput as for creating the rule.
    """
    project = projects.get_project(session, actor, slug)
    destination = rows.find_destination(session, project.id, destination_id)
    if destination is None:
        raise NotFound("Alert destination not found")
    draft = checked(session, project.id, DestinationType(destination.type), spec)
    history = load_history(session, project, days, now or SYSTEM_CLOCK.now(), _scopes_of(draft))
    stored = rows.find_rule(session, project.id, rule_id) if rule_id else None
    courses = {} if stored is None else _courses(session, project.id, stored[0], history)
    simulation, told = _simulated(project, rule_id, destination, draft, history, days, draft.cooldown_minutes, courses)
    newest = [candidate for scan_id, candidate in told if (scan_id, candidate.bucket) == (told[-1][0], told[-1][1].bucket)]
    sample = newest or [replace(_SAMPLE, bucket=history.until.replace(minute=0, second=0, microsecond=0))]
    return Rehearsal(
        simulation,
        score(told, judged_since(session, actor, project, history.since)),
        message_count=len({(scan_id, candidate.bucket) for scan_id, candidate in told}),
        last_message=_message(_context(project, rule_id, destination, draft), _items(project, sample)),
    )


def recent_candidates(
    session: Session, actor: Actor, slug: str, *, days: int = 14, now: datetime | None = None
) -> list[tuple[str, str, Candidate]]:
    """Everything of the last days that a rule could be asked about, newest first, with the id and name of its scan.

    Anybody signed in. Errors: NotFound, InvalidInput for a number of days outside 1 to 90.
    """
    project = projects.get_project(session, actor, slug)
    history = load_history(session, project, days, now or SYSTEM_CLOCK.now(), frozenset(AlertScope))
    names = dict(found_rows.scans_of(session, project.id))
    found = [(scan_id, names[scan_id], one) for scan_id, table in history.tables.items() for one in table.candidates]
    return sorted(found, key=lambda one: one[2].bucket, reverse=True)


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
    wanted = _scopes_of(stored) | _scopes_of(edited)
    history = load_history(session, project, days, now or SYSTEM_CLOCK.now(), wanted)
    courses = _courses(session, project.id, rule, history)
    before, earlier = _simulated(project, rule.id, destination, stored, history, days, stored.cooldown_minutes, courses)
    after, later = _simulated(project, rule.id, destination, edited, history, days, edited.cooldown_minutes, courses)
    judged = judged_since(session, actor, project, history.since)
    told_before, told_after = ({_identity(one) for one in told} for told in (earlier, later))
    return Comparison(
        before,
        after,
        kept=[one[1] for one in later if _identity(one) in told_before],
        lost=[one[1] for one in earlier if _identity(one) not in told_after],
        gained=[one[1] for one in later if _identity(one) not in told_before],
        before_score=score(earlier, judged),
        after_score=score(later, judged),
    )


def load_history(session: Session, project: ProjectView, days: int, now: datetime, scopes: Collection[AlertScope] = ()) -> History:
    """What happened in the last days; drifts of distribution and release regressions when they are among the scopes.

    Errors: InvalidInput for a number of days outside 1 to 90.
    """
    if not 1 <= days <= LONGEST_WINDOW_DAYS:
        raise InvalidInput(f"must lie between 1 and {LONGEST_WINDOW_DAYS}", field="days")
    since = now - timedelta(days=days)
    known = found_rows.names(session, project.id)
    tables = {
        scan_id: CandidateTable(candidates.past(session, project.id, project.name, known, scan_id, since, now, scopes))
        for scan_id, _ in found_rows.scans_of(session, project.id)
    }
    return History(since, now, tables)


def _scopes_of(spec: RuleSpec) -> frozenset[AlertScope]:
    return frozenset(scope for scope in AlertScope if rules.includes_scope(spec, scope))


_Told = tuple[str, Candidate]


def _identity(told: _Told) -> tuple[str, object, datetime, object]:
    scan_id, candidate = told
    return scan_id, candidate.key, candidate.bucket, candidate.direction


def _simulated(
    project: ProjectView,
    rule_id: str,
    destination: AlertDestination,
    spec: RuleSpec,
    history: History,
    days: int,
    cooldown_minutes: int,
    courses: Mapping[str, Course],
) -> tuple[Simulation, Sequence[_Told]]:
    if cooldown_minutes < 0:
        raise InvalidInput("must be at least 0", field="cooldown_minutes_override")
    matching = {scan_id: table.matching(spec) for scan_id, table in history.tables.items()}
    cooldown = timedelta(minutes=cooldown_minutes)
    told: list[_Told] = []
    steps: list[EscalationStep] = []
    for scan_id, found in matching.items():
        course = courses.get(scan_id)
        fired_there, taken = (rules.replay(found, cooldown), []) if course is None else replay_with_steps(found, cooldown, course)
        told += [(scan_id, one) for one in fired_there]
        steps += taken
    told.sort(key=lambda one: one[1].bucket)
    fired = [candidate for _, candidate in told]
    context, items = _context(project, rule_id, destination, spec), _items(project, fired)
    simulation = Simulation(
        rule_id=rule_id,
        rule_name=spec.name,
        days=days,
        window_from=history.since,
        window_to=history.until,
        considered_count=history.count,
        matched_count=sum(map(len, matching.values())),
        firings=[Firing(item.candidate, messages.rendered_item(context, item)) for item in items],
        is_noisy=len(fired) > NOISY_ABOVE,
        cooldown_minutes_used=cooldown_minutes,
        rendered_message=_message(context, items) if items else None,
        steps=sorted(steps, key=lambda one: one.at),
    )
    return simulation, told


def _courses(session: Session, project_id: str, rule: AlertRule, history: History) -> dict[str, Course]:
    """How the rule escalates what each scan gives it to tell; empty for a rule that does not."""
    escalation, schedule = escalation_of(rule), schedule_of(rule)
    if escalation is None:
        return {}
    looks = found_rows.looks(session, project_id, history.since, history.until)
    return {scan_id: Course(escalation, schedule, buckets, width, history.until) for scan_id, (width, buckets) in looks.items()}


def _context(project: ProjectView, rule_id: str, destination: AlertDestination, spec: RuleSpec) -> messages.Context:
    return messages.Context(
        base_url=get_settings().base_url,
        project_name=project.name,
        project_slug=project.slug,
        channel=DestinationType(destination.type),
        destination_id=destination.id,
        destination_name=destination.name,
        rule_id=rule_id,
        rule=spec,
        scan_id="",
        scan_name=REPLAY_SCAN_NAME,
        subject_template=destination.email_subject_template,
    )


def _items(project: ProjectView, candidates_told: Sequence[Candidate]) -> list[messages.Item]:
    return [messages.Item(one, *messages.paths_of(project.slug, one)) for one in candidates_told]


def _message(context: messages.Context, items: Sequence[messages.Item]) -> str:
    return messages.rendered_message(context, items, len(items))


def _find(session: Session, project_id: str, destination_id: str, rule_id: str) -> tuple[AlertRule, AlertDestination]:
    if rows.find_destination(session, project_id, destination_id) is None:
        raise NotFound("Alert destination not found")
    found = rows.find_rule(session, project_id, rule_id, destination_id)
    if found is None:
        raise NotFound("Alert rule not found")
    return found
