"""What the page of a rule reads first: the rule, its form, and the choices that the form offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.contracts import DestinationView, RuleSpec, RuleView
from app.alerting.pages.rule_form import FORMAT_WORDS, RuleDraft, draft_of
from app.alerting.pages.words import channel_title
from app.alerting.vocabulary import FORMATS, DestinationType, FilterField, MessageFormat
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Forbidden
from app.plan import service as plan
from components.format import local_time

MOST_EVENTS = 1000


@dataclass(frozen=True)
class EditorView:
    """The rule beside its form. `destinations` are (id, text) choices; `place_names` and `formats` go by destination."""

    rule_id: str = ""
    title: str = ""
    is_new: bool = False
    may_write: bool = False
    destination_id: str = ""
    destination_name: str = ""
    destination_href: str = ""
    destinations: list[list[str]] = field(default_factory=list)
    place_names: dict[str, str] = field(default_factory=dict)
    formats: dict[str, list[list[str]]] = field(default_factory=dict)
    muted: str = ""


def editor_view(
    session: Session, actor: Actor, slug: str, rule_id: str, zone: ZoneInfo
) -> tuple[EditorView, RuleDraft, RuleSpec | None, dict[str, list[list[str]]]]:
    """The rule, its form, the rule as it is stored, and what filters can name. Errors: NotFound, Forbidden for a new rule."""
    may_write = actor.role is not UserRole.VIEWER
    destinations = alerting.list_destinations(session, actor, slug)
    choices = filter_choices(session, actor, slug)
    offered = [[one.id, f"{one.name} ({channel_title(one.type)})"] for one in destinations]
    formats = {one.id: _formats(one.type) for one in destinations}
    names = {one.id: one.name for one in destinations}
    if rule_id == ui_paths.NEW:
        if not may_write:
            raise Forbidden("Editors and owners write rules.")
        first = destinations[0].id if destinations else ""
        view = EditorView("", "New rule", True, True, first, "", "", offered, names, formats)
        return view, draft_of(RuleSpec(name=""), first, choices), None, choices
    rule = alerting.get_rule(session, actor, slug, rule_id)
    place = next(one for one in destinations if one.id == rule.destination_id)
    view = _stored_view(rule, place, slug, may_write, formats, zone)
    return view, draft_of(rule.spec, rule.destination_id, choices), rule.spec, choices


def _stored_view(
    rule: RuleView,
    place: DestinationView,
    slug: str,
    may_write: bool,
    formats: dict[str, list[list[str]]],
    zone: ZoneInfo,
) -> EditorView:
    now = SYSTEM_CLOCK.now()
    is_muted = rule.muted_until is not None and rule.muted_until > now
    return EditorView(
        rule_id=rule.id,
        title=rule.spec.name,
        may_write=may_write,
        destination_id=place.id,
        destination_name=place.name,
        destination_href=ui_paths.project_destination(slug, place.id),
        destinations=[[place.id, place.name]],
        place_names={place.id: place.name},
        formats=formats,
        muted=f"Muted until {local_time(rule.muted_until, zone, now=now)}" if is_muted else "",
    )


def _formats(channel: DestinationType) -> list[list[str]]:
    return [[one.value, FORMAT_WORDS[one]] for one in FORMATS.get(channel, (MessageFormat.PLAIN,))]


def filter_choices(session: Session, actor: Actor, slug: str) -> dict[str, list[list[str]]]:
    """Events and event types that a filter can name, by name."""
    events = plan.event_names(session, actor, slug, limit=MOST_EVENTS)
    types = plan.list_event_types(session, actor, slug)
    return {
        FilterField.EVENT.value: [[event_id, name] for event_id, name in events],
        FilterField.EVENT_TYPE.value: sorted([[one.id, one.display_name] for one in types], key=lambda one: one[1]),
    }
