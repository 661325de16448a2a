"""Stored overrides laid over the environment: one loader judges both."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.kernel.crypto import SecretBox
from app.kernel.settings import PREFIX, Settings, SettingsError, load_settings
from app.preferences import repository
from app.preferences.catalogue import INERT, KEYS


def stored_values(session: Session) -> dict[str, Any]:
    """The values by key, secrets opened. One sealed with a key that is gone is left out: the environment's value holds again."""
    found: dict[str, Any] = {}
    for name, text in repository.overrides(session).items():
        key = KEYS.get(name)
        if key is None:
            continue
        try:
            found[name] = json.loads(box().open(text) if key.is_secret else text)
        except ValueError:
            continue
    return found


def stored_count(session: Session) -> int:
    """How many values are stored under keys there are, whether or not they can be opened."""
    return sum(name in KEYS for name in repository.overrides(session))


def box() -> SecretBox:
    """What seals secrets at rest."""
    return SecretBox(load_settings(os.environ).encryption_keys())


def as_written(stored: Mapping[str, Any]) -> dict[str, str]:
    """Overrides as the environment would have them, by the name of the setting they reach."""
    return {
        key.setting[1]: key.written(stored[key.name])
        for key in KEYS.values()
        if key.setting is not None and key.name in stored and key.name not in INERT
    }


def over_environment(stored: Mapping[str, Any]) -> Settings:
    """The settings with these overrides. SettingsError when they do not fit."""
    return load_settings({**os.environ, **{PREFIX + name.upper(): value for name, value in as_written(stored).items()}})


def fitting(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides without those that do not fit the environment as it is now."""
    return {name: value for name, value in stored.items() if not fault_of({name: value})}


def fault_of(stored: Mapping[str, Any]) -> str:
    """Why these overrides do not fit, in the loader's words; empty when they do."""
    try:
        over_environment(stored)
    except SettingsError as error:
        words = error.faults[0].partition(": ")[2] or error.faults[0]
        return words.removeprefix("Value error, ").replace("Input should", "The value must")
    return ""


def settings_in(session: Session) -> Settings:
    """The settings of an instance as its stored overrides make them, whatever process asks."""
    return over_environment(fitting(stored_values(session)))
