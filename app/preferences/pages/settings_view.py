"""What the settings page shows, as finished texts, and what its forms mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from sqlmodel import Session

from app.assistant import service as assistant
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput, NotFound
from app.preferences import service
from app.preferences.catalogue import KEYS
from app.preferences.shapes import InstanceSettingsUpdate
from app.preferences.tree import SECTIONS, Kind, Origin, SettingLine, list_settings
from components.format import full_number

SCOPES: Final = {"": "All", "changed": "Changed here", "changeable": "Changeable"}
_ORIGINS: Final = {
    Origin.DEFAULT: ("default", "neutral"),
    Origin.ENVIRONMENT: ("environment", "neutral"),
    Origin.OVERRIDE: ("changed here", "accent"),
}
_SWITCH: Final = [["true", "On"], ["false", "Off"]]
_LONGEST_SHOWN: Final = 160
_LONG_FIGURE: Final = 10_000
_UNITS: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(frozen=True)
class SettingRow:
    """One setting. `entered` is what a form begins with; `key_line` names it for the API and the environment."""

    name: str
    title: str
    key_line: str
    shown: str
    entered: str
    control: str
    choices: list[list[str]]
    origin: str
    tone: str
    note: str
    is_changeable: bool
    is_changed: bool


@dataclass(frozen=True)
class SettingSection:
    """Settings that belong together."""

    key: str
    title: str
    rows: list[SettingRow]


@dataclass(frozen=True)
class SettingsView:
    """The tree, or what a search left of it."""

    sections: list[SettingSection] = field(default_factory=list)
    summary: str = ""
    assistant: str = ""
    is_assistant_on: bool = False


def settings_view(session: Session, actor: Actor, query: str, scope: str) -> SettingsView:
    """Settings that hold every word of the query in name, variable or description. Owners only."""
    lines = list_settings(session, actor)
    found = [line for line in lines if _is_wanted(line, query.lower().split(), scope)]
    sections = [
        SettingSection(key, title, [_row(line) for line in found if line.section == key])
        for key, title in SECTIONS.items()
        if any(line.section == key for line in found)
    ]
    changed = sum(line.origin is Origin.OVERRIDE for line in lines)
    summary = f"{full_number(len(found))} of {full_number(len(lines))} settings, {full_number(changed)} changed here"
    is_on = assistant.is_enabled()
    words = "On: the model below is asked when somebody uses the assistant." if is_on else _why_off(lines)
    return SettingsView(sections, summary, words, is_on)


def save_setting(session: Session, actor: Actor, name: str, text: str, now: datetime) -> None:
    """Store what the form of one setting holds. Owners only. InvalidInput at the setting's name."""
    key = KEYS.get(name)
    if key is None:
        raise NotFound("There is no such setting")
    if key.is_secret and not text:
        raise InvalidInput("Enter a value. To take one back, reset the setting.", field=name)
    service.change_settings(session, actor, {name: typed_value(key.section, name, text)}, now)


def reset_setting(session: Session, actor: Actor, name: str) -> None:
    """Give the setting back to the environment. Owners only."""
    service.clear_override(session, actor, name)


def take_effect(session: Session, actor: Actor) -> None:
    """Let what was stored hold in this process at once. Owners only."""
    actor.require_owner()
    service.refresh(session)


def typed_value(section: str, name: str, text: str) -> Any:
    """The text as the type of the setting, judged as the API judges it. InvalidInput at the name."""
    try:
        body = InstanceSettingsUpdate.model_validate({section: {name: text}})
    except ValidationError as error:
        words = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise InvalidInput(words.replace("Input should", "The value must"), field=name) from None
    return getattr(getattr(body, section), name)


def _is_wanted(line: SettingLine, words: Sequence[str], scope: str) -> bool:
    if scope == "changed" and line.origin is not Origin.OVERRIDE:
        return False
    if scope == "changeable" and (not line.is_changeable or line.is_kept_only):
        return False
    text = f"{line.name} {line.variable} {line.description} {SECTIONS[line.section]}".lower()
    return all(word in text for word in words)


def _row(line: SettingLine) -> SettingRow:
    origin, tone = _ORIGINS[line.origin]
    choices = _SWITCH if line.kind is Kind.SWITCH else [[choice, choice] for choice in line.choices]
    return SettingRow(
        name=line.name,
        title=line.description or line.name,
        key_line=" · ".join(part for part in (line.name, line.variable) if part),
        shown=_shown(line),
        entered="" if line.kind is Kind.SEALED else str(line.value).lower() if line.kind is Kind.SWITCH else str(line.value),
        control="choice" if choices else line.kind.value,
        choices=choices,
        origin=origin,
        tone=tone,
        note=line.note,
        is_changeable=line.is_changeable,
        is_changed=line.origin is Origin.OVERRIDE,
    )


def _shown(line: SettingLine) -> str:
    if line.kind is Kind.SEALED:
        return "set, not shown" if line.value else "not set"
    if line.kind is Kind.SWITCH:
        return "on" if line.value else "off"
    if line.kind is Kind.NUMBER:
        return _number_shown(line)
    text = " ".join(str(line.value).split())
    if not text:
        return "empty"
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _number_shown(line: SettingLine) -> str:
    """Bytes in the unit a person would choose, and long figures in groups; a port is a name and stays as it is."""
    value = line.value
    if not isinstance(value, int) or value < _LONG_FIGURE or line.name.endswith("port"):
        return str(value)
    if not line.name.endswith("bytes"):
        return full_number(value)
    size = next((f"{value // unit:,} {name}" for unit, name in _UNITS if value % unit == 0), "")
    return f"{size} ({full_number(value)} bytes)" if size else f"{full_number(value)} bytes"


def _why_off(lines: Sequence[SettingLine]) -> str:
    values = {line.name: line.value for line in lines}
    if not values["ai_enabled"]:
        return "Off: nothing is sent to a model. Turn “ai_enabled” on and give a key to use it."
    return "Off: there is no key. A server of your own that asks for none takes any word as its key."
