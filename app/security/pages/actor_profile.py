"""What the panel of one actor shows, as finished texts, and the words that the list of actors shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor
from app.kernel.errors import NotFound, Unavailable
from app.security.behaviour.actor_scores import FEATURES
from app.security.pages.wording import SEVERITY_TONES, STATUS_TONES, STATUS_WORDS
from app.security.refusals import PlanRestricted
from app.security.service import actor_ranking, triage
from app.security.service.actor_ranking import Comparison, DayScore
from app.security.service.actor_scoring import HISTORY_DAYS, ScoreView, last_hour
from components.chart_data import spark_path
from components.format import ago, full_number, iso_utc, local_time, percent

MOST_ALERTS: Final = 5


@dataclass(frozen=True)
class FeatureRow:
    """One feature of the scored day, of the days before, and of everybody else."""

    name: str
    share: str
    width: int
    spark: str
    spark_label: str
    value: str
    usual: str
    peers: str
    most: str


@dataclass(frozen=True)
class AlertLine:
    """An alert about the actor."""

    title: str
    severity: str
    tone: str
    status: str
    status_tone: str
    age: str
    iso: str
    href: str


@dataclass(frozen=True)
class Profile:
    """One actor in full; `problem` says why there is nothing."""

    name: str = ""
    problem: str = ""
    score: str = ""
    tone: str = "neutral"
    is_unusual: bool = False
    verdict: str = ""
    spark: str = ""
    spark_label: str = ""
    spark_from: str = ""
    spark_to: str = ""
    features: list[FeatureRow] = field(default_factory=list)
    note: str = ""
    is_store_away: bool = False
    alerts: list[AlertLine] = field(default_factory=list)
    alerts_note: str = ""
    alerts_href: str = ""
    events_href: str = ""


def profile_view(session: Session, actor: Actor, slug: str, actor_id: str, zone: ZoneInfo, now: datetime) -> Profile:
    """One actor: the score, what drove it, own days before, peers, alerts. Errors: NotFound for the project."""
    events = security_paths.project_security_events(slug, actor=actor_id, days="90")
    every = security_paths.project_security_alerts(slug, status="all", actor=actor_id)
    alerts, alerts_note = _alerts(session, actor, slug, actor_id, now)
    try:
        found = actor_ranking.ranked(session, actor, slug, actor_id, now)
    except NotFound as refusal:
        if refusal.message.startswith("Project"):
            raise
        problem = "Nobody of this name was active in the last 90 days, or scoring has not come round yet: it runs every hour."
        return Profile(actor_id, problem, alerts=alerts, alerts_note=alerts_note, alerts_href=every, events_href=events)
    newest = found.newest
    compared: Comparison | None = None
    with suppress(Unavailable):
        compared = actor_ranking.comparison(session, actor, slug, actor_id, newest.scored_at, now)
    first = newest.day - timedelta(days=HISTORY_DAYS - 1)
    return Profile(
        name=actor_id,
        score=score_text(newest),
        tone=score_tone(newest),
        is_unusual=newest.is_unusual,
        verdict=_verdict(newest, zone, now),
        spark=score_spark(found.history, first, newest.day),
        spark_label=history_label(found.history, first),
        spark_from=day_name(first),
        spark_to=day_name(newest.day),
        features=_features(newest, compared),
        note=_note(compared, zone, now),
        is_store_away=compared is None,
        alerts=alerts,
        alerts_note=alerts_note,
        alerts_href=every,
        events_href=events,
    )


def score_text(score: ScoreView) -> str:
    """The score in words."""
    return "unknown" if score.score is None else f"{score.score:.1f}"


def score_tone(score: ScoreView) -> str:
    """The tone of its badge."""
    if score.score is None:
        return "unknown"
    return "warn" if score.is_unusual else "neutral"


def _verdict(score: ScoreView, zone: ZoneInfo, now: datetime) -> str:
    until = local_time(last_hour(score.scored_at), zone, now=now)
    if score.score is None:
        return f"{sentence(score.reason)} The 24 hours until {until} could not be judged."
    less = f"{score.score:.1f}\u00a0% of the known days are less unusual than the 24 hours until {until}."
    return less + (" Both detectors call them unusual." if score.is_unusual else " They are no cause for an alert.")


def sentence(reason: str) -> str:
    """The reason as a sentence; empty for none."""
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def score_spark(history: Sequence[DayScore], first: date, last: date) -> str:
    """The scores of the days as bars of which a full one is 100; a day without a score leaves a hole."""
    known = {one.day: one.score for one in history}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    values: list[int | None] = [None if (score := known.get(day)) is None else round(score) for day in days]
    return spark_path(values, peak=100)


def history_label(history: Sequence[DayScore], first: date) -> str:
    """The scores since the day in words."""
    scores = [one.score for one in history if one.score is not None and one.day >= first]
    if not scores:
        return "No score in the last 28 days"
    days = f"{len(scores)} day{'' if len(scores) == 1 else 's'}"
    return f"Scores of {days}, from {min(scores):.0f} to {max(scores):.0f}"


def _features(score: ScoreView, compared: Comparison | None) -> list[FeatureRow]:
    """The features that drove the score first, then those the store tells of."""
    driving = {str(part["feature"]): part for part in score.contributions} if score.score is not None else {}
    rest = [name for name in FEATURES if name not in driving] if compared is not None and compared.own else []
    return [_feature(name, driving.get(name), compared) for name in [*driving, *rest]]


def _feature(name: str, part: Mapping[str, Any] | None, compared: Comparison | None) -> FeatureRow:
    place = FEATURES.index(name) if name in FEATURES else None
    series: list[int | None] = []
    value = usual = middle = high = None
    if compared is not None and place is not None:
        series = [round(compared.own[back][place]) if back in compared.own else 0 for back in range(compared.reach, -1, -1)]
        earlier = [figures[place] for back, figures in compared.own.items() if back]
        value = compared.own[0][place] if 0 in compared.own else None
        usual = median(earlier) if earlier else None
        if compared.peers.count:
            middle, high = compared.peers.middle[place], compared.peers.high[place]
    if part is not None:
        value, usual = float(part["value"]), float(part["usual"])
    label = name[:1].upper() + name[1:]
    return FeatureRow(
        name=label,
        share=percent(float(part["share"])) if part is not None else "",
        width=max(1, round(100 * float(part["share"]))) if part is not None else 0,
        spark=spark_path(series) if len(series) > 1 else "",
        spark_label=f"{label}, by 24 hours: at most {full_number(max((one or 0) for one in series))}" if series else "",
        value=_figure(value),
        usual=_figure(usual),
        peers=_figure(middle),
        most=_figure(high),
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}".removesuffix(".0")


def _note(compared: Comparison | None, zone: ZoneInfo, now: datetime) -> str:
    if compared is None:
        return ""
    peers = compared.peers.count
    others = f"{full_number(peers)} other actor{'' if peers == 1 else 's'}" if peers else "nobody else"
    earlier = f"own days of the {compared.reach} before" if compared.reach else "no earlier days that the plan shows"
    until = local_time(compared.until, zone, now=now)
    return (
        f"The 24 hours until {until}, beside {earlier} and {others} in the same hours. Most is what 95\u00a0% of them stay within."
    )


def _alerts(session: Session, actor: Actor, slug: str, actor_id: str, now: datetime) -> tuple[list[AlertLine], str]:
    try:
        alerts, total = triage.list_alerts(session, actor, slug, now, actor_id=actor_id, limit=MOST_ALERTS, offset=0)
    except PlanRestricted:
        return [], "Alerts need the plan pro or enterprise."
    lines = [
        AlertLine(
            title=alert.title,
            severity=alert.severity,
            tone=SEVERITY_TONES.get(alert.severity, "neutral"),
            status=STATUS_WORDS.get(alert.status, alert.status),
            status_tone=STATUS_TONES.get(alert.status, "neutral"),
            age=ago(alert.created_at, now),
            iso=iso_utc(alert.created_at),
            href=security_paths.project_security_alert(slug, alert.id),
        )
        for alert in alerts
    ]
    if not lines:
        return [], "No alert names this actor."
    return lines, f"The newest {len(lines)} of {full_number(total)}." if total > len(lines) else ""


def day_name(day: date) -> str:
    """The day in a few characters: "Tue 24 Nov"."""
    return f"{day:%a} {day.day} {day:%b}"
