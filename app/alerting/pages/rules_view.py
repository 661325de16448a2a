"""What the list of rules shows: each rule in a sentence, whom it tells, and how often it has lately."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.contracts import MonitorView
from app.alerting.pages.rule_view import filter_choices
from app.alerting.pages.rule_words import Names, names_of, sentence
from app.alerting.pages.words import channel_title
from app.alerting.service import RuleActivity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from components.format import ago, full_number, iso_utc, local_time


@dataclass(frozen=True)
class RuleRow:
    """One rule. `remark` says what keeps it silent beside its own switch."""

    id: str
    href: str
    name: str
    sentence: str
    destination_id: str
    destination: str
    destination_href: str
    channel: str
    last_fired: str
    last_fired_iso: str
    fired: str
    is_enabled: bool
    remark: str


def rule_rows(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> list[RuleRow]:
    """The project's rules by name. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    names = names_of(filter_choices(session, actor, slug))
    activity = alerting.rule_activity(session, actor, slug, now)
    found = alerting.list_monitors(session, actor, slug, now=now)
    return [
        _row(view, activity.get(view.rule.id, RuleActivity()), names, slug, zone)
        for view in sorted(found, key=lambda view: (view.rule.spec.name.lower(), view.rule.id))
    ]


def _row(view: MonitorView, activity: RuleActivity, names: Names, slug: str, zone: ZoneInfo) -> RuleRow:
    now, spec = SYSTEM_CLOCK.now(), view.rule.spec
    remark = ""
    if not view.destination_enabled:
        remark = "its destination is off"
    elif view.muted:
        remark = f"muted until {local_time(view.rule.muted_until, zone, now=now)}"
    return RuleRow(
        id=view.rule.id,
        href=ui_paths.project_rule(slug, view.rule.id),
        name=spec.name,
        sentence=sentence(spec, names, view.destination_name),
        destination_id=view.rule.destination_id,
        destination=view.destination_name,
        destination_href=ui_paths.project_destination(slug, view.rule.destination_id),
        channel=channel_title(view.destination_type),
        last_fired="never" if activity.last_at is None else ago(activity.last_at, now),
        last_fired_iso=iso_utc(activity.last_at),
        fired=full_number(activity.count),
        is_enabled=spec.enabled,
        remark=remark,
    )
