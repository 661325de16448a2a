"""What a rule that is being written would have told: a count, a chart, the newest message, and the stored rule beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.contracts import Candidate, RuleSpec
from app.alerting.pages.rule_form import Choices, changes_of
from app.alerting.pages.rule_words import names_of, sentence
from app.alerting.scoring import Score
from app.alerting.vocabulary import SCOPE_LABELS
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from components import ChartData
from components.chart_data import ChartPoint, chart_data
from components.format import deviation, full_number, iso_utc, local_time

DAYS = 14
MOST_FIRINGS = 8
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FiringRow:
    """Something the rule tells about. `key` tells it apart on the page."""

    key: str
    when: str
    iso: str
    direction: str
    kind: str
    name: str
    size: str


@dataclass(frozen=True)
class CompareRow:
    """A figure of the stored rule beside that of the draft; `tone` says whether the draft is better or worse."""

    label: str
    stored: str
    draft: str
    tone: str = "neutral"


@dataclass(frozen=True)
class RehearsalView:
    """What the draft would have done in the last 14 days. `problem` stands instead when the form does not describe a rule yet."""

    sentence: str = ""
    problem: str = ""
    headline: str = ""
    note: str = ""
    verdicts: str = ""
    is_noisy: bool = False
    chart: ChartData = field(default_factory=ChartData)
    firings: list[FiringRow] = field(default_factory=list)
    firings_note: str = ""
    message: str = ""
    figures: list[CompareRow] = field(default_factory=list)
    lost: list[FiringRow] = field(default_factory=list)
    gained: list[FiringRow] = field(default_factory=list)
    is_compared: bool = False


def rehearsal_view(
    session: Session,
    actor: Actor,
    slug: str,
    rule_id: str,
    destination_id: str,
    destination_name: str,
    spec: RuleSpec,
    choices: Choices,
    zone: ZoneInfo,
    *,
    with_comparison: bool = False,
) -> RehearsalView:
    """The draft over the last 14 days; beside the stored rule when that is wanted and there is one.

    Errors: NotFound, InvalidInput as for storing it.
    """
    now = SYSTEM_CLOCK.now()
    # A rule may be tried before it has a name.
    named = spec if spec.name else RuleSpec(**{**changes_of(spec), "name": "New rule"})  # type: ignore[arg-type]
    found = alerting.rehearse_rule(session, actor, slug, destination_id, named, rule_id=rule_id, days=DAYS, now=now)
    fired = [one.candidate for one in found.simulation.firings]
    times = len(fired)
    held = found.simulation.saved_count
    figures, lost, gained = (
        _comparison(session, actor, slug, destination_id, rule_id, named, zone, now)
        if with_comparison and rule_id
        else ([], [], [])
    )
    steps = len(found.simulation.steps)
    return RehearsalView(
        sentence=sentence(spec, names_of(choices), destination_name),
        headline=f"This would have fired {_times(times)} in {DAYS} days",
        note=_note(found.message_count, times, held, found.simulation.considered_count) + _escalated(steps),
        verdicts=_verdicts(found.score),
        is_noisy=found.simulation.is_noisy,
        chart=_daily(fired, zone, now),
        firings=[_firing(one, zone, now) for one in reversed(fired[-MOST_FIRINGS:])],
        firings_note=f"the newest {MOST_FIRINGS} of {full_number(times)}" if times > MOST_FIRINGS else "newest first",
        message=found.last_message,
        figures=figures,
        lost=lost,
        gained=gained,
        is_compared=bool(figures),
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{full_number(count)} times"


def _note(messages: int, times: int, held: int, considered: int) -> str:
    if considered == 0:
        return "Nothing unusual was found in these days, so there was nothing to tell."
    parts = []
    if messages < times:
        parts.append(f"in {full_number(messages)} message{'' if messages == 1 else 's'}")
    if held:
        parts.append(f"the cooldown held back {full_number(held)} more")
    parts.append(f"{full_number(considered)} unusual bucket{'' if considered == 1 else 's'} looked at")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _escalated(steps: int) -> str:
    if not steps:
        return ""
    return f" Had nobody answered, it would have told others {_times(steps)} more."


def _verdicts(found: Score) -> str:
    if found.judged == 0:
        return "Nobody has judged an incident of these days yet: verdicts in the inbox tell whether a rule is right."
    return (
        f"Of {full_number(found.judged)} judged incident{'' if found.judged == 1 else 's'}: {found.true_alarms} told rightly, "
        f"{found.false_alarms} told for nothing, {found.missed} missed."
    )


def _daily(fired: Sequence[Candidate], zone: ZoneInfo, now: datetime) -> ChartData:
    """Firings of each day of the viewer's calendar, today included."""
    today = now.astimezone(zone).date()
    counts = Counter(one.bucket.astimezone(zone).date() for one in fired)
    days = [today - back * _DAY for back in range(DAYS, -1, -1)]
    points = [ChartPoint(datetime.combine(day, time(), tzinfo=zone), counts.get(day, 0)) for day in days]
    return chart_data(points, zone, int(_DAY.total_seconds()), subject="Firings of the rule", now=now)


def _firing(one: Candidate, zone: ZoneInfo, now: datetime) -> FiringRow:
    return FiringRow(
        key=f"{one.scope_type}/{one.scope_ref}/{iso_utc(one.bucket)}/{one.direction}",
        when=local_time(one.bucket, zone, now=now),
        iso=iso_utc(one.bucket),
        direction=one.direction.value,
        kind=SCOPE_LABELS[one.scope_type],
        name=one.scope_name,
        size=size_of(one),
    )


def size_of(one: Candidate) -> str:
    """How far the candidate is from what was expected, or what drifted."""
    if one.drift_field is not None:
        return f"{one.drift_field}: {(one.drift_type or '').replace('_', ' ')}"
    return deviation(one.actual, one.expected)


def _comparison(
    session: Session, actor: Actor, slug: str, destination_id: str, rule_id: str, spec: RuleSpec, zone: ZoneInfo, now: datetime
) -> tuple[list[CompareRow], list[FiringRow], list[FiringRow]]:
    found = alerting.compare_rule(session, actor, slug, destination_id, rule_id, changes_of(spec), days=DAYS, now=now)
    before, after, was, becomes = found.before, found.after, found.before_score, found.after_score
    rows = [
        _figure("Firings", len(before.firings), len(after.firings)),
        _figure("Held back by the cooldown", before.saved_count, after.saved_count),
        _figure("Steps of escalation, had nobody answered", len(before.steps), len(after.steps)),
        _figure("True alarms", was.true_alarms, becomes.true_alarms, better=1),
        _figure("False alarms", was.false_alarms, becomes.false_alarms, better=-1),
        _figure("Missed", was.missed, becomes.missed, better=-1),
        _figure("Not judged by anybody", was.unjudged, becomes.unjudged),
    ]
    lost, gained = ([_firing(one, zone, now) for one in reversed(listed[-MOST_FIRINGS:])] for listed in (found.lost, found.gained))
    return rows, lost, gained


def _figure(label: str, stored: int, draft: int, *, better: int = 0) -> CompareRow:
    moved = (draft > stored) - (draft < stored)
    tone = "neutral" if not moved or not better else "ok" if moved == better else "bad"
    return CompareRow(label, full_number(stored), full_number(draft), tone)
