"""Every setting in one typed tree, read from `PLUMBLINE_...` variables; secrets also from a file named by `..._FILE`.

All faults are found in one pass and reported together, so that a person corrects them once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from app.kernel.local_secrets import local_secret

PREFIX = "PLUMBLINE_"
MINIMUM_SECRET_LENGTH = 32
LEAST_LONG_RETENTION_DAYS = 30
"""Audit records stay until they are sealed and looked at, counts until detection has weeks to compare with."""
PLACEHOLDER_SECRETS = frozenset({"changeme", "change-me", "secret", "development", "default", "plumbline"})


class SettingsError(Exception):
    """The environment holds wrong settings; `faults` has one sentence for each of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Environment(StrEnum):
    """Where this instance runs; production is strict about secrets."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuntimeSettings(_Group):
    """Process, address and data folder."""

    environment: Environment = Field(Environment.DEVELOPMENT, description="`development` or `production`")
    data_dir: Path = Field(Path(".data"), description="the one folder that holds all state")
    host: str = Field("127.0.0.1", description="address the one public port listens on")
    port: int = Field(8000, ge=1, le=65535, description="the one public port")
    public_url: str = Field("", description="address people use, for links in messages; empty means http://host:port")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least severe log line written")


class StorageSettings(_Group):
    """Where metadata and events are kept."""

    database_url: SecretStr = Field(SecretStr(""), description="metadata database; empty means SQLite in the data folder")
    eventstore_url: SecretStr = Field(
        SecretStr(""), description="ClickHouse server, `http://user:password@host:8123/database`; empty means the embedded engine"
    )
    redis_url: SecretStr = Field(SecretStr(""), description="Redis for UI state when several web processes run")
    eventstore_memory_bytes: int = Field(
        2_000_000_000, ge=300_000_000, description="upper bound of memory of the embedded event store"
    )
    retention_days: int = Field(7300, ge=1, le=36500, description="age at which stored events are deleted")


class RetentionSettings(_Group):
    """How long each kind of data is kept, in days; 0 sets no bound of its own. `PLUMBLINE_RETENTION_DAYS` holds for all of them."""

    retention_event_days: int = Field(0, ge=0, le=36500, description="days product events are kept; 0 sets no bound of its own")
    retention_log_days: int = Field(0, ge=0, le=36500, description="days log lines are kept; 0 sets no bound of its own")
    retention_security_days: int = Field(
        0, ge=0, le=36500, description="days security events are kept, at most those of the tenant's plan; 0 leaves it to the plan"
    )
    retention_audit_days: int = Field(
        0, ge=0, le=36500, description="days ingested audit records are kept, at least 30; 0 sets no bound of its own"
    )
    retention_quarantine_days: int = Field(
        0, ge=0, le=36500, description="days refused records are kept; 0 sets no bound of its own"
    )
    retention_metric_days: int = Field(
        0, ge=0, le=36500, description="days counts are kept, at least 30, which detection compares with; 0 keeps them for ever"
    )
    retention_delivery_days: int = Field(
        0, ge=0, le=36500, description="days alert deliveries that have ended are kept; 0 keeps them for ever"
    )
    retention_job_days: int = Field(0, ge=0, le=36500, description="days jobs that have ended are kept; 0 keeps them for ever")

    @field_validator("retention_audit_days", "retention_metric_days")
    @classmethod
    def _at_least_a_month(cls, days: int) -> int:
        if 0 < days < LEAST_LONG_RETENTION_DAYS:
            raise ValueError(f"The value must be 0 or at least {LEAST_LONG_RETENTION_DAYS}")
        return days


class SecuritySettings(_Group):
    """Secrets, sessions and who may sign up."""

    secret_key: SecretStr = Field(
        SecretStr(""), description="keys session hashes and signatures; at least 32 characters, required in production"
    )
    encryption_keys: SecretStr = Field(
        SecretStr(""),
        description="comma list, newest first, each at least 32 characters; encrypts stored credentials; required in production",
    )
    session_hours: int = Field(168, ge=1, le=8760, description="life of a sign-in in hours")
    registration_open: bool = Field(True, description="whether people may sign up after the first user")
    rate_limit_enabled: bool = Field(True, description="whether sign-ins and sign-ups are limited per client address")
    login_attempts_per_minute: int = Field(5, ge=0, description="sign-in attempts per client address and minute; 0 sets no bound")
    registrations_per_hour: int = Field(3, ge=0, description="sign-ups per client address and hour; 0 sets no bound")
    trusted_proxies: str = Field("", description="comma list of proxy addresses whose X-Forwarded-For is believed")
    rate_limit_trust_forwarded_for: bool = Field(
        False, description="whether every peer's X-Forwarded-For is believed; only where nobody reaches this server past the proxy"
    )


class OidcSettings(_Group):
    """Sign-in at an OpenID Connect provider. It is offered once issuer and client id are set."""

    oidc_issuer: str = Field(
        "", max_length=500, description="address of the OpenID provider, as its discovery document names it; empty switches it off"
    )
    oidc_client_id: str = Field("", max_length=255, description="what the provider calls this instance")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="secret that goes with the client id; empty for a public client, which PKCE alone protects"
    )
    oidc_name: str = Field("SSO", min_length=1, max_length=40, description="name of the provider on the sign-in page")
    oidc_scopes: str = Field("openid email profile", description="what the provider is asked for, parted by spaces")
    oidc_allowed_email_domains: str = Field(
        "", description="comma list of the domains whose people may enter through the provider; empty means all"
    )
    oidc_newcomers: bool = Field(
        False, description="whether people may enter through the provider who have neither an account nor an invitation"
    )
    oidc_role: str = Field("viewer", pattern="^(viewer|editor)$", description="role of such newcomers, `viewer` or `editor`")

    oidc_only: bool = Field(
        False, description="whether people may enter through the provider only, once it is set: passwords then open nothing"
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _is_an_address(cls, issuer: str) -> str:
        issuer = issuer.strip().removesuffix("/.well-known/openid-configuration")
        parts = urlsplit(issuer)
        if issuer and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("Enter an address that begins with https:// and names a host")
        return issuer

    @field_validator("oidc_scopes")
    @classmethod
    def _asks_for_an_identity(cls, scopes: str) -> str:
        if "openid" not in scopes.split():
            raise ValueError("The scopes must hold openid")
        return " ".join(scopes.split())

    @property
    def is_configured(self) -> bool:
        """Whether people are offered to sign in at the provider."""
        return bool(self.oidc_issuer and self.oidc_client_id)

    @property
    def is_only_way(self) -> bool:
        """Whether passwords open nothing."""
        return self.is_configured and self.oidc_only

    @property
    def domains(self) -> frozenset[str]:
        """The domains whose people may enter, in small letters; none means all."""
        parts = (part.strip().lower().removeprefix("@") for part in self.oidc_allowed_email_domains.split(","))
        return frozenset(part for part in parts if part)


class IngestSettings(_Group):
    """Bounds and durability of arriving events."""

    durability: str = Field(
        "fsync", pattern="^(fsync|write)$", description="`fsync` survives power loss, `write` only the death of the process"
    )
    validation: bool = Field(
        True, description="whether events are held against the plan as projects ask; off allows all, sensitive values stay masked"
    )
    max_body_bytes: int = Field(1_048_576, ge=1024, le=104_857_600, description="largest request body after decompression")
    max_batch_events: int = Field(10_000, ge=1, description="most events in one request")
    max_age_days: int = Field(7300, ge=1, le=36500, description="oldest event time accepted, in days before now")
    max_future_hours: int = Field(24, ge=0, le=8760, description="furthest event time accepted, in hours after now")
    dedupe_minutes: float = Field(
        10, ge=0, le=1440, description="minutes in which an event sent again under its id is stored only once; 0 switches it off"
    )
    max_queue_bytes: int = Field(134_217_728, ge=1_048_576, description="undrained bytes at which requests are refused with 503")
    min_free_disk_bytes: int = Field(268_435_456, ge=0, description="free disk space below which requests are refused with 503")
    drain_rows: int = Field(150_000, ge=1, description="rows after which the log is drained into the event store")
    drain_seconds: float = Field(1.0, gt=0, le=60, description="seconds after which the log is drained into the event store")
    collect_status: int = Field(202, ge=200, le=202, description="status of answers that took in security events: 200, 201 or 202")
    otlp_grpc_port: int = Field(0, ge=0, le=65535, description="port for OpenTelemetry over gRPC, usually 4317; 0 switches it off")


class KafkaSettings(_Group):
    """A Kafka topic that events are read from; needs the extra `kafka`."""

    kafka_brokers: str = Field("", description="comma list of `host:port`; empty means that nothing is read from Kafka")
    kafka_topic: str = Field("driftlock-events", min_length=1, description="topic with one event, or a batch, per message")
    kafka_group: str = Field("plumbline", min_length=1, description="consumer group; processes of one installation share it")
    kafka_options: SecretStr = Field(
        SecretStr(""), description="comma list of `name=value` for librdkafka, such as `security.protocol=SASL_SSL`"
    )


class JobSettings(_Group):
    """The scheduler."""

    jobs_enabled: bool = Field(True, description="whether this process may run scheduled jobs")
    dispatch_seconds: int = Field(300, ge=1, description="seconds between looks for scans that are due")
    lease_seconds: int = Field(60, ge=5, description="life of the scheduler's lease; another process takes over after it")


class PhotoSettings(_Group):
    """Pictures of events."""

    photo_max_bytes: int = Field(10_485_760, ge=1024, le=104_857_600, description="largest picture that may be uploaded")
    photo_bucket: str = Field(
        "", description="Google Cloud Storage bucket for pictures (needs the extra `gcs`); empty means the data folder"
    )


class OutboundSettings(_Group):
    """Calls that this instance makes to addresses people enter."""

    outbound_allow: str = Field(
        "",
        description="comma list of networks (`10.1.0.0/16`), host names and `host:port` that may be called though not public",
    )


class EmailSettings(_Group):
    """The mail server for alerts, invitations and links for forgotten passwords."""

    smtp_host: str = Field("", description="mail server; empty means that no mail can be sent")
    smtp_port: int = Field(587, ge=1, le=65535, description="port of the mail server")
    smtp_username: str = Field("", description="account at the mail server; empty means no sign-in")
    smtp_password: SecretStr = Field(SecretStr(""), description="password of that account")
    smtp_use_tls: bool = Field(True, description="whether mail goes encrypted only (STARTTLS; TLS from the start on port 465)")
    smtp_from_address: str = Field("", description="sender of mails whose destination names none")


class ScanSettings(_Group):
    """Bounds of scans that name none themselves."""

    scan_row_limit_default: int = Field(50_000, ge=1, description="most groups one look of a scan may return")
    metrics_row_limit_default: int = Field(100_000, ge=1, description="most rows one metrics query of a scan may return")


class AiSettings(_Group):
    """The language model of the assistant; any server that speaks OpenAI's chat completions."""

    ai_enabled: bool = Field(False, description="whether the assistant may ask a language model")
    ai_base_url: str = Field("https://api.openai.com/v1", description="address of the model's server")
    ai_model: str = Field("gpt-4o-mini", min_length=1, description="name of the model")
    ai_api_key: SecretStr = Field(SecretStr(""), description="key of the model's server")
    ai_timeout_seconds: int = Field(30, ge=1, le=600, description="longest wait for the model's answer, in seconds")
    ai_max_output_tokens: int = Field(700, ge=1, le=100_000, description="longest answer of the model, in tokens")
    search_embeddings_enabled: bool = Field(
        False, description="whether search also compares meanings, with embeddings from the model's server"
    )
    search_embedding_model: str = Field("text-embedding-3-small", min_length=1, description="name of the embedding model")
    search_embedding_api_key: SecretStr = Field(
        SecretStr(""), description="key for embeddings; empty means the key of the model's server"
    )


class Settings(_Group):
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
