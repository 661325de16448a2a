"""The groups of settings, each with its bounds and the sentence that documentation and the page Settings show."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

LEAST_LONG_RETENTION_DAYS = 30
"""Audit records stay until they are sealed and looked at, counts until detection has weeks to compare with."""


class Environment(StrEnum):
    """Where this instance runs; production is strict about secrets."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Group(BaseModel):
    """What all groups share: nothing is changed after it was read, and nothing is taken that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RuntimeSettings(Group):
    """Process, address and data folder."""

    environment: Environment = Field(Environment.DEVELOPMENT, description="`development` or `production`")
    data_dir: Path = Field(Path(".data"), description="the one folder that holds all state")
    host: str = Field("127.0.0.1", description="address the one public port listens on")
    port: int = Field(8000, ge=1, le=65535, description="the one public port")
    public_url: str = Field("", description="address people use, for links in messages; empty means http://host:port")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least severe log line written")


class StorageSettings(Group):
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


class RetentionSettings(Group):
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


class SecuritySettings(Group):
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
    require_second_factor: bool = Field(
        False, description="whether everybody with a password has to set up a second factor before anything else opens"
    )
    trusted_proxies: str = Field("", description="comma list of proxy addresses whose X-Forwarded-For is believed")
    rate_limit_trust_forwarded_for: bool = Field(
        False, description="whether every peer's X-Forwarded-For is believed; only where nobody reaches this server past the proxy"
    )


class OidcSettings(Group):
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


class IngestSettings(Group):
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


class KafkaSettings(Group):
    """A Kafka topic that events are read from; needs the extra `kafka`."""

    kafka_brokers: str = Field("", description="comma list of `host:port`; empty means that nothing is read from Kafka")
    kafka_topic: str = Field("driftlock-events", min_length=1, description="topic with one event, or a batch, per message")
    kafka_group: str = Field("plumbline", min_length=1, description="consumer group; processes of one installation share it")
    kafka_options: SecretStr = Field(
        SecretStr(""), description="comma list of `name=value` for librdkafka, such as `security.protocol=SASL_SSL`"
    )


class JobSettings(Group):
    """The scheduler."""

    jobs_enabled: bool = Field(True, description="whether this process may run scheduled jobs")
    dispatch_seconds: int = Field(300, ge=1, description="seconds between looks for scans that are due")
    lease_seconds: int = Field(60, ge=5, description="life of the scheduler's lease; another process takes over after it")


class PhotoSettings(Group):
    """Pictures of events."""

    photo_max_bytes: int = Field(10_485_760, ge=1024, le=104_857_600, description="largest picture that may be uploaded")
    photo_bucket: str = Field(
        "", description="Google Cloud Storage bucket for pictures (needs the extra `gcs`); empty means the data folder"
    )


class OutboundSettings(Group):
    """Calls that this instance makes to addresses people enter."""

    outbound_allow: str = Field(
        "",
        description="comma list of networks (`10.1.0.0/16`), host names and `host:port` that may be called though not public",
    )


class EmailSettings(Group):
    """The mail server for alerts, invitations and links for forgotten passwords."""

    smtp_host: str = Field("", description="mail server; empty means that no mail can be sent")
    smtp_port: int = Field(587, ge=1, le=65535, description="port of the mail server")
    smtp_username: str = Field("", description="account at the mail server; empty means no sign-in")
    smtp_password: SecretStr = Field(SecretStr(""), description="password of that account")
    smtp_use_tls: bool = Field(True, description="whether mail goes encrypted only (STARTTLS; TLS from the start on port 465)")
    smtp_from_address: str = Field("", description="sender of mails whose destination names none")


class ScanSettings(Group):
    """Bounds of scans that name none themselves."""

    scan_row_limit_default: int = Field(50_000, ge=1, description="most groups one look of a scan may return")
    metrics_row_limit_default: int = Field(100_000, ge=1, description="most rows one metrics query of a scan may return")


class AiSettings(Group):
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
