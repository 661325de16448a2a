"""Every setting in one typed tree, read from `PLUMBLINE_...` variables; secrets also from a file named by `..._FILE`.

All faults are found in one pass and reported together, so that a person corrects them once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from app.kernel.local_secrets import local_secret
from app.kernel.setting_groups import (
    AiSettings,
    EmailSettings,
    Environment,
    Group,
    IngestSettings,
    JobSettings,
    KafkaSettings,
    OidcSettings,
    OutboundSettings,
    PhotoSettings,
    RetentionSettings,
    RuntimeSettings,
    ScanSettings,
    SecuritySettings,
    StorageSettings,
)

PREFIX = "PLUMBLINE_"
MINIMUM_SECRET_LENGTH = 32
PLACEHOLDER_SECRETS = frozenset({"changeme", "change-me", "secret", "development", "default", "plumbline"})


class SettingsError(Exception):
    """The environment holds wrong settings; `faults` has one sentence for each of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Settings(Group):
    """The whole tree."""

    runtime: RuntimeSettings = RuntimeSettings()
    storage: StorageSettings = StorageSettings()
    retention: RetentionSettings = RetentionSettings()
    security: SecuritySettings = SecuritySettings()
    oidc: OidcSettings = OidcSettings()
    ingest: IngestSettings = IngestSettings()
    kafka: KafkaSettings = KafkaSettings()
    jobs: JobSettings = JobSettings()
    photos: PhotoSettings = PhotoSettings()
    outbound: OutboundSettings = OutboundSettings()
    email: EmailSettings = EmailSettings()
    scans: ScanSettings = ScanSettings()
    ai: AiSettings = AiSettings()

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return self.runtime.data_dir.expanduser().absolute()

    @property
    def is_production(self) -> bool:
        """Whether the strict rules apply."""
        return self.runtime.environment is Environment.PRODUCTION

    @property
    def database_url_resolved(self) -> str:
        """The metadata database's URL, the data folder's SQLite file when none is set."""
        return self.storage.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'plumbline.db'}"

    @property
    def eventstore_is_embedded(self) -> bool:
        """Whether this instance owns its event store."""
        return not self.storage.eventstore_url.get_secret_value()

    @property
    def base_url(self) -> str:
        """The address people use, without a trailing slash."""
        return (self.runtime.public_url or f"http://{self.runtime.host}:{self.runtime.port}").rstrip("/")

    def secret_key(self) -> str:
        """The application secret; outside production one is made once and kept in the data folder."""
        return self.security.secret_key.get_secret_value() or local_secret(self.data_dir, "secret_key")

    def encryption_keys(self) -> list[str]:
        """Keys for secrets at rest, newest first."""
        keys = self.security.encryption_keys.get_secret_value() or local_secret(self.data_dir, ENCRYPTION_KEY)
        return [key.strip() for key in keys.split(",") if key.strip()]


ENCRYPTION_KEY = "encryption_key"
"""Name of the local secret that stands in for PLUMBLINE_ENCRYPTION_KEYS; a comma list while the key is being changed."""


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """One leaf of the tree, as documentation and loaders see it."""

    group: str
    name: str
    variable: str
    description: str
    default: str
    is_secret: bool


def entries() -> Iterator[SettingEntry]:
    """Every setting, in the order of the tree."""
    for group_name, group_field in Settings.model_fields.items():
        group = group_field.annotation
        if not (isinstance(group, type) and issubclass(group, BaseModel)):
            continue
        for name, field in group.model_fields.items():
            is_secret = field.annotation is SecretStr
            default = "" if is_secret else str(field.default)
            yield SettingEntry(group_name, name, PREFIX + name.upper(), field.description or "", default, is_secret)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The tree for this environment; SettingsError lists every fault at once."""
    faults: list[str] = []
    raw: dict[str, dict[str, Any]] = {}
    variables: dict[tuple[str, str], str] = {}
    for entry in entries():
        variables[(entry.group, entry.name)] = entry.variable
        value = environ.get(entry.variable)
        file_name = environ.get(entry.variable + "_FILE") if entry.is_secret else None
        if file_name and value is None:
            try:
                value = Path(file_name).read_text().strip()
            except OSError as error:
                faults.append(f"{entry.variable}_FILE: cannot read {file_name}: {error.strerror or error}")
        if value is not None and value != "":
            raw.setdefault(entry.group, {})[entry.name] = value
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            group_name, name = str(item["loc"][0]), str(item["loc"][1])
            faults.append(f"{variables[(group_name, name)]}: {item['msg']}")
        raise SettingsError(faults) from None
    faults += _production_faults(settings) if settings.is_production else []
    if faults:
        raise SettingsError(faults)
    return settings


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that no setting reads, likely typing errors."""
    known = {entry.variable for entry in entries()} | {entry.variable + "_FILE" for entry in entries() if entry.is_secret}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _production_faults(settings: Settings) -> list[str]:
    faults = []
    secrets = {PREFIX + "SECRET_KEY": [settings.security.secret_key.get_secret_value()]}
    keys = [key.strip() for key in settings.security.encryption_keys.get_secret_value().split(",")]
    secrets[PREFIX + "ENCRYPTION_KEYS"] = keys
    for variable, values in secrets.items():
        for value in values:
            if not value:
                faults.append(f"{variable}: production needs an own secret; set it or {variable}_FILE")
            elif value.lower() in PLACEHOLDER_SECRETS or len(value) < MINIMUM_SECRET_LENGTH:
                faults.append(
                    f"{variable}: a production secret has at least {MINIMUM_SECRET_LENGTH} characters and is no placeholder"
                )
    return faults


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process: its environment, beneath what owners changed in the product."""
    return load_settings({**os.environ, **_overrides})


_overrides: dict[str, str] = {}


def use_overrides(values: Mapping[str, str]) -> None:
    """Lay these values, by setting name and written as the environment would have them, over the environment.

    SettingsError when they do not fit; what was in use then stays in use.
    """
    fresh = {PREFIX + name.upper(): value for name, value in values.items()}
    if fresh == _overrides:
        return
    load_settings({**os.environ, **fresh})
    _overrides.clear()
    _overrides.update(fresh)
    get_settings.cache_clear()
