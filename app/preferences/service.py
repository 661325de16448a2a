"""Reading and changing instance settings (contract section 17)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.settings import Settings, SettingsError, use_overrides
from app.preferences import repository
from app.preferences.catalogue import EMBEDDING_DIMENSIONS, INERT, KEYS, SettingKey, SettingSource
from app.preferences.overrides import as_written, box, fault_of, fitting, over_environment, settings_in, stored_values

__all__ = ["SettingsView", "change_settings", "clear_override", "get_settings_view", "refresh", "settings_in", "text_of"]


@dataclass(frozen=True, slots=True)
class SettingsView:
    """Effective values by section and key, secrets as `..._configured`; and which keys have a stored override."""

    sections: Mapping[str, Mapping[str, Any]]
    overridden: tuple[str, ...]
    sources: Mapping[str, SettingSource]


def get_settings_view(session: Session, actor: Actor) -> SettingsView:
    """Every setting with its source. Owners only."""
    actor.require_owner()
    return _view(stored_values(session))


def change_settings(session: Session, actor: Actor, changes: Mapping[str, Any], now: datetime) -> SettingsView:
    """Store overrides of the keys given; a value of None leaves its key alone. Owners only.

    They hold in this process as soon as `refresh` ran after the commit. InvalidInput at the key whose value does not fit.
    """
    actor.require_owner()
    wanted = {name: _checked(name, value) for name, value in changes.items() if value is not None and name not in INERT}
    stored = {**stored_values(session), **wanted}
    _check_together(stored)
    _check_inert(changes, stored)
    for name, value in wanted.items():
        text = json.dumps(value)
        repository.store(session, name, box().seal(text) if KEYS[name].is_secret else text, actor.user_id, now)
    if wanted:
        shown = {name: "[secret]" if KEYS[name].is_secret else value for name, value in wanted.items()}
        identity.record_audit(session, actor, "settings.update", "settings", "instance", payload=shown)
    return _view(stored)


def clear_override(session: Session, actor: Actor, name: str) -> SettingsView:
    """Give a key back to the environment. Owners only. Errors: NotFound for a key that has no override."""
    actor.require_owner()
    stored = stored_values(session)
    if name not in stored:
        raise NotFound("There is no override of this setting")
    repository.remove(session, [name])
    identity.record_audit(session, actor, "settings.clear", "settings", "instance", payload={"name": name})
    del stored[name]
    return _view(stored)


def refresh(session: Session) -> None:
    """Let the stored overrides hold in this process. What no longer fits the environment is left out rather than stop it."""
    stored = stored_values(session)
    try:
        use_overrides(as_written(stored))
    except SettingsError:
        use_overrides(as_written(fitting(stored)))


def text_of(session: Session, name: str) -> str:
    """The effective text of a key that only the database can change, such as a prompt."""
    found = stored_values(session).get(name, KEYS[name].default)
    return str(found)


def _view(stored: Mapping[str, Any]) -> SettingsView:
    settings = over_environment(fitting(stored))
    sections: dict[str, dict[str, Any]] = {}
    for key in KEYS.values():
        shown = f"{key.name}_configured" if key.is_secret else key.name
        sections.setdefault(key.section, {})[shown] = _effective(key, settings, stored)
    sections["ai"]["search_embedding_dimensions"] = EMBEDDING_DIMENSIONS
    sections["system"] = _system(settings)
    sources = {
        f"{key.section}.{key.name}": SettingSource.OVERRIDE if key.name in stored else SettingSource.ENV for key in KEYS.values()
    }
    return SettingsView(sections, tuple(name for name in KEYS if name in stored), sources)


def _effective(key: SettingKey, settings: Settings, stored: Mapping[str, Any]) -> Any:
    if key.is_secret and key.name in stored:
        return bool(stored[key.name])
    if key.setting is None and key.name in stored:
        return stored[key.name]
    return key.value_in(settings)


def _system(settings: Settings) -> dict[str, bool]:
    storage = settings.storage
    return {
        "debug": not settings.is_production,
        "database_url_configured": bool(storage.database_url.get_secret_value()),
        "sync_database_url_configured": bool(storage.database_url.get_secret_value()),
        "rabbitmq_url_configured": False,
        "redis_url_configured": bool(storage.redis_url.get_secret_value()),
        "encryption_key_configured": bool(settings.encryption_keys()),
        "openai_api_key_configured": bool(settings.ai.ai_api_key.get_secret_value()),
    }


def _checked(name: str, value: Any) -> Any:
    if name == "ai_base_url":
        value = value.strip().rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("Enter an address that begins with http:// or https:// and names a host", field=name)
    return value


def _check_inert(changes: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """A client may send back what it read, also where the value follows from others; it cannot change it."""
    settings = over_environment(stored)
    for name in INERT & changes.keys():
        if changes[name] not in (None, KEYS[name].value_in(settings)):
            raise InvalidInput(f"{name} follows from other settings and cannot be changed", field=name)


def _check_together(stored: Mapping[str, Any]) -> None:
    for name, value in stored.items():
        if fault := fault_of({name: value}):
            raise InvalidInput(fault, field=name)
