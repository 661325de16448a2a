"""What the plan says about one event, as plain rows: its definition, its history in sentences, its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.plan import service as plan
from app.plan.pages.event_type_view import rules_of
from app.plan.pages.words import parts_of
from app.plan.tokens import token
from app.plan.views import EventChangeView, EventDetail, FieldView, MetaFieldView
from app.presentation import STATUS_TONES, STATUS_WORDS
from components.format import ago, day_text, iso_utc, local_time
from components.inline_edit import ValuePart

FIELD_PREFIX, META_PREFIX = "field:", "meta:"
_CONTROLS = {"json": "area", "date": "date"}
_TRUTH = [["true", "true"], ["false", "false"]]


@dataclass(frozen=True)
class ValueRow:
    """A field or meta field with the event's value for it. `key` names its control in the form."""

    key: str
    label: str
    name: str
    kind: str
    control: str
    options: list[list[str]]
    is_required: bool
    rules: str
    value: str
    parts: list[ValuePart]
    href: str


@dataclass(frozen=True)
class Definition:
    """The event as people write it."""

    id: str = ""
    name: str = ""
    status: str = ""
    status_word: str = ""
    status_tone: str = "neutral"
    description: str = ""
    tags: list[str] = field(default_factory=list)
    tags_text: str = ""
    sunset: str = ""
    sunset_words: str = ""
    owner_id: str = ""
    owner_name: str = ""
    is_reviewed: bool = False
    identity: str = ""
    type_name: str = ""
    type_href: str = ""
    type_color: str = ""
    planned_at: str = ""
    changed_at: str = ""
    version: str = ""
    fields: list[ValueRow] = field(default_factory=list)
    metas: list[ValueRow] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    people: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class HistoryRow:
    """One change as a sentence."""

    who: str
    what: str
    when: str
    iso: str
    title: str


def definition_of(session: Session, actor: Actor, slug: str, event: EventDetail, branch: str, zone: ZoneInfo) -> Definition:
    """The event's definition in one read."""
    now = SYSTEM_CLOCK.now()
    event_type = plan.get_event_type(session, actor, slug, event.event_type_id, branch=branch)
    values = {value.field_definition_id: value.value for value in event.field_values}
    metas = {value.meta_field_definition_id: value.value for value in event.meta_values}
    people = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    tags = [tag.name for tag in event.tags]
    return Definition(
        id=event.id,
        name=event.name,
        status=event.status.value,
        status_word=STATUS_WORDS[event.status.value],
        status_tone=STATUS_TONES.get(event.status.value, "neutral"),
        description=event.description,
        tags=tags,
        tags_text=", ".join(tags),
        sunset=event.sunset_at.astimezone(zone).date().isoformat() if event.sunset_at else "",
        sunset_words=day_text(event.sunset_at, zone, now) if event.sunset_at else "",
        owner_id=event.owner_id or "",
        owner_name=people.get(event.owner_id or "", ""),
        is_reviewed=event.reviewed,
        identity=event.source_name or "",
        type_name=event.event_type.display_name,
        type_href=f"{ui_paths.project_event_type(slug, event.event_type_id)}{ui_paths.branch_query(branch)}",
        type_color=event.event_type.color,
        planned_at=local_time(event.created_at, zone, now=now),
        changed_at=local_time(event.updated_at, zone, now=now),
        version=event.updated_at.isoformat(),
        fields=[field_row(entry, values.get(entry.id, "")) for entry in event_type.field_definitions],
        metas=[meta_row(entry, metas.get(entry.id, "")) for entry in plan.list_meta_fields(session, actor, slug, branch=branch)],
        tokens=[token(variable.name) for variable in plan.list_variables(session, actor, slug, branch=branch)],
        people=[[user_id, name] for user_id, name in people.items()],
    )


def field_row(entry: FieldView, value: str) -> ValueRow:
    """A field with the value an event gives it."""
    kind, options = entry.field_type.value, entry.enum_options
    rules = "; ".join(rules_of(entry))
    if entry.description:
        rules = f"{entry.description.rstrip(' .')}; {rules}" if rules else entry.description
    return _value_row(FIELD_PREFIX, entry, kind, options, value, rules)


def meta_row(entry: MetaFieldView, value: str) -> ValueRow:
    """A meta field with the value an event gives it, and the link its template makes of it."""
    href = entry.link_template.replace("${value}", quote(value, safe="")) if entry.link_template and value else ""
    if entry.field_type == "url" and value.startswith(("https://", "http://")):
        href = href or value
    return _value_row(META_PREFIX, entry, entry.field_type.value, entry.enum_options, value, "", href)


def _value_row(
    prefix: str,
    entry: FieldView | MetaFieldView,
    kind: str,
    options: Sequence[str] | None,
    value: str,
    rules: str,
    href: str = "",
) -> ValueRow:
    choices = [[option, option] for option in options or ()] if kind == "enum" else _TRUTH if kind == "boolean" else []
    if choices and value and [value, value] not in choices:
        # A template such as ${plan} is no option, and must survive being shown in a list of them.
        choices = [*choices, [value, value]]
    return ValueRow(
        key=f"{prefix}{entry.id}",
        label=entry.display_name,
        name=entry.name,
        kind=kind,
        control="choice" if choices else _CONTROLS.get(kind, "line"),
        options=[["", "–"], *choices] if choices else [],
        is_required=entry.is_required,
        rules=rules,
        value=value,
        parts=parts_of(value),
        href=href,
    )


def history_of(session: Session, actor: Actor, slug: str, event_id: str, branch: str, zone: ZoneInfo) -> list[HistoryRow]:
    """What happened to the event, newest first."""
    now = SYSTEM_CLOCK.now()
    names = {user.email: user.name or user.email for user in identity.list_users(session, actor)}
    return [
        HistoryRow(
            who=names.get(change.user_email or "", change.user_email or "Plumbline"),
            what=sentence(change, zone, now),
            when=ago(change.created_at, now),
            iso=iso_utc(change.created_at),
            title=local_time(change.created_at, zone, now=now),
        )
        for change in plan.get_event_history(session, actor, slug, event_id, branch=branch)
    ]


def sentence(change: EventChangeView, zone: ZoneInfo, now: datetime) -> str:
    """What was done, to follow the name of who did it."""
    old, new = change.old_value or "", change.new_value or ""
    kind, _, name = change.field.partition(":")
    was = f" (it was {_cut(old)})" if old else ""
    if not new:
        what = {"description": "the description", "sunset_at": "the sunset date", "tags": f"the tags {old}"}.get(kind)
        return f"removed {what}" if what else f"removed the value of {name or kind}{was}"
    said = {
        "created": "created this event",
        "name": f"renamed it from {old} to {new}",
        "status": f"moved it from {STATUS_WORDS.get(old, old)} to {STATUS_WORDS.get(new, new)}",
        "description": f"described it as “{_cut(new)}”",
        "sunset_at": f"set the sunset date to {_day(new, zone, now)}",
        "tags": f"tagged it {new}{was}",
    }
    return said.get(kind, f"set {name or kind} to {_cut(new)}{was}")


def _cut(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"


def _day(text: str, zone: ZoneInfo, now: datetime) -> str:
    try:
        return day_text(datetime.fromisoformat(text), zone, now)
    except ValueError:
        return text


def schema_text(session: Session, actor: Actor, slug: str, event_id: str, branch: str) -> str:
    """The JSON Schema as it is copied."""
    return json.dumps(plan.event_json_schema(session, actor, slug, event_id, branch=branch), indent=2, ensure_ascii=False)


def texts(definition: Definition) -> Mapping[str, tuple[str, str]]:
    """Everything that can be edited, as (label, text) by the name of its control."""
    plain = {
        "name": ("Name", definition.name),
        "status": ("Status", definition.status_word),
        "description": ("Description", definition.description),
        "tags": ("Tags", definition.tags_text),
        "sunset": ("Sunset date", definition.sunset),
        "owner": ("Owner", definition.owner_name),
        "reviewed": ("Reviewed", "yes" if definition.is_reviewed else "no"),
    }
    return plain | {row.key: (row.label, row.value) for row in (*definition.fields, *definition.metas)}
