"""The whole tree of settings as a person looks at it: what each is for, its value, where that comes from, who may change it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import SecretStr
from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.settings import SettingEntry, Settings, entries
from app.preferences.catalogue import INERT, KEYS, SettingKey
from app.preferences.overrides import fault_of, fitting, over_environment, stored_values


class Origin(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    OVERRIDE = "override"


class Kind(StrEnum):
    """How a value is written."""

    SWITCH = "switch"
    NUMBER = "number"
    CHOICE = "choice"
    LINE = "line"
    TEXT = "text"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting. `value` of a secret says only whether there is one; `variable` is empty for what no variable sets.

    What cannot be changed here is set by the environment, unless `note` says otherwise. The note also tells why a setting changes
    nothing here, or why a stored value does not hold.
    """

    section: str
    name: str
    variable: str
    description: str
    kind: Kind
    choices: tuple[str, ...]
    value: Any
    origin: Origin
    is_changeable: bool
    is_kept_only: bool
    note: str


SECTIONS: Final[Mapping[str, str]] = {
    "runtime": "Server",
    "security": "Sign-in and security",
    "second_factor": "Second factor",
    "oidc": "Single sign-on",
    "email": "Mail",
    "ai": "Assistant and search",
    "storage": "Storage and pictures",
    "retention": "Retention",
    "observability": "Logs and metrics",
    "ingest": "Arriving events",
    "kafka": "Events from Kafka",
    "jobs": "Scheduler",
    "outbound": "Outgoing calls",
    "other": "Other",
}
_SECTION_OF_GROUP: Final = {"photos": "storage", "scans": "runtime"}
_PROMPTS: Final = {
    "describe_system_prompt": "what the model is told when it describes events and fields",
    "ask_system_prompt": "what the model is told when it answers questions about the plan",
    "alert_explanation_system_prompt": "what the model is told when it explains an alert, for rules that ask for it",
}
_KEPT: Final = "Kept for programs that use the settings API. This server does not act on it."
_FOLLOWS: Final = "Follows from other settings."
_AT_NEXT_START: Final = frozenset({"log_level"})
_CHOICES: Final = {
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
    "durability": ("fsync", "write"),
    "oidc_role": ("viewer", "editor"),
    "environment": ("development", "production"),
}
_OWN_WORDS: Final = {
    "cors_allow_origins": "sites whose pages may call the API",
    "session_cookie_name": "name of the session cookie",
    "session_cookie_secure": "whether the session cookie goes over HTTPS only",
    "security_headers_enabled": "whether answers carry security headers",
    "hsts_enabled": "whether browsers are told to stay on HTTPS",
    "hsts_max_age_seconds": "how long browsers stay on HTTPS, in seconds",
    "content_security_policy": "what pages may load",
    "photo_storage_backend": "where pictures are kept",
    "photo_local_dir": "folder of pictures inside the data folder",
    "photo_allowed_mime": "kinds of pictures that may be uploaded",
    "photo_max_size_mb": "largest picture that may be uploaded, in MB",
    "gcs_photo_credentials_path": "file with the bucket's credentials",
    "gcs_photo_public": "whether pictures of the bucket are public",
    "gcs_photo_signed_url_ttl_seconds": "life of a picture's signed address, in seconds",
    "request_id_header": "header that carries the request's id",
    "log_json": "whether log lines are JSON",
    "prometheus_metrics_enabled": "whether /metrics answers",
    "otel_exporter_otlp_endpoint": "where traces of this server go",
    "otel_service_name": "name of this server in traces",
    "search_embedding_provider": "who makes embeddings",
}


def list_settings(session: Session, actor: Actor) -> list[SettingLine]:
    """Every setting by section. Owners only."""
    actor.require_owner()
    stored = stored_values(session)
    settings = over_environment(fitting(stored))
    known = {(entry.group, entry.name): entry for entry in entries()}
    lines = [_of_key(key, known.get(key.setting or ("", "")), settings, stored) for key in KEYS.values()]
    told = {key.setting for key in KEYS.values() if key.name not in INERT}
    lines += [_of_entry(entry, settings) for place, entry in known.items() if place not in told]
    order = list(SECTIONS)
    return sorted(lines, key=lambda line: (order.index(line.section), not line.is_changeable, line.is_kept_only))


def _of_key(key: SettingKey, entry: SettingEntry | None, settings: Settings, stored: Mapping[str, Any]) -> SettingLine:
    value = key.value_in(settings)
    if key.setting is None and key.name in stored:
        value = bool(stored[key.name]) if key.is_secret else stored[key.name]
    origin = Origin.OVERRIDE if key.name in stored else _origin(entry)
    is_kept_only = key.setting is None and key.name not in _PROMPTS
    note = _FOLLOWS if key.name in INERT else _KEPT if is_kept_only else ""
    if key.name in stored and (fault := fault_of({key.name: stored[key.name]})):
        note = f"The stored value does not hold: {fault}"
    elif key.name in _AT_NEXT_START:
        note = "Holds from the next start."
    described = entry.description if entry and key.name not in _OWN_WORDS else ""
    return SettingLine(
        section=key.section,
        name=key.name,
        variable=entry.variable if entry and key.name not in INERT else "",
        description=_sentence(described or _OWN_WORDS.get(key.name) or _PROMPTS.get(key.name, "")),
        kind=Kind.TEXT if key.name in _PROMPTS else _kind(key.name, value, is_secret=key.is_secret),
        choices=_CHOICES.get(key.name, ()),
        value=value,
        origin=origin,
        is_changeable=key.name not in INERT,
        is_kept_only=is_kept_only,
        note=note,
    )


def _of_entry(entry: SettingEntry, settings: Settings) -> SettingLine:
    found = getattr(getattr(settings, entry.group), entry.name)
    value = bool(found.get_secret_value()) if isinstance(found, SecretStr) else found
    return SettingLine(
        section=_section_of(entry.group),
        name=entry.name,
        variable=entry.variable,
        description=_sentence(entry.description),
        kind=_kind(entry.name, value, is_secret=entry.is_secret),
        choices=_CHOICES.get(entry.name, ()),
        value=value,
        origin=_origin(entry),
        is_changeable=False,
        is_kept_only=False,
        note="",
    )


def _section_of(group: str) -> str:
    section = _SECTION_OF_GROUP.get(group, group)
    return section if section in SECTIONS else "other"


def _origin(entry: SettingEntry | None) -> Origin:
    if entry is None:
        return Origin.DEFAULT
    return Origin.ENVIRONMENT if any(os.environ.get(name) for name in _variables(entry)) else Origin.DEFAULT


def _variables(entry: SettingEntry) -> Iterator[str]:
    yield entry.variable
    if entry.is_secret:
        yield entry.variable + "_FILE"


def _kind(name: str, value: Any, *, is_secret: bool) -> Kind:
    if is_secret:
        return Kind.SEALED
    if name in _CHOICES:
        return Kind.CHOICE
    if isinstance(value, bool):
        return Kind.SWITCH
    return Kind.NUMBER if isinstance(value, int | float) else Kind.LINE


def _sentence(words: str) -> str:
    words = words.replace("`", "")
    return words[:1].upper() + words[1:]
