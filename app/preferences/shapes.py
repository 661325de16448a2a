"""Bodies and answers of the settings routes, as the contract names them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.preferences.catalogue import SettingSource

Days = Annotated[int, Field(ge=0, le=36500)]
"""How long something is kept."""


class RuntimeSettings(BaseModel):
    """Addresses and bounds."""

    app_base_url: str
    scan_row_limit_default: int
    metrics_row_limit_default: int


class RuntimeSettingsUpdate(BaseModel):
    """Addresses and bounds; what is null or missing stays."""

    app_base_url: Annotated[str, Field(max_length=20000)] | None = None
    scan_row_limit_default: Annotated[int, Field(ge=1)] | None = None
    metrics_row_limit_default: Annotated[int, Field(ge=1)] | None = None


class SecuritySettings(BaseModel):
    """Sessions, headers and limits."""

    cors_allow_origins: str
    session_cookie_name: str
    session_ttl_hours: int
    session_cookie_secure: bool
    security_headers_enabled: bool
    hsts_enabled: bool
    hsts_max_age_seconds: int
    content_security_policy: str
    rate_limit_enabled: bool
    rate_limit_login_per_minute: int
    rate_limit_register_per_hour: int
    rate_limit_trust_forwarded_for: bool


class SecuritySettingsUpdate(BaseModel):
    """Sessions, headers and limits; what is null or missing stays."""

    cors_allow_origins: Annotated[str, Field(max_length=20000)] | None = None
    session_cookie_name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    session_ttl_hours: Annotated[int, Field(ge=1)] | None = None
    session_cookie_secure: bool | None = None
    security_headers_enabled: bool | None = None
    hsts_enabled: bool | None = None
    hsts_max_age_seconds: Annotated[int, Field(ge=0)] | None = None
    content_security_policy: Annotated[str, Field(max_length=20000)] | None = None
    rate_limit_enabled: bool | None = None
    rate_limit_login_per_minute: Annotated[int, Field(ge=0)] | None = None
    rate_limit_register_per_hour: Annotated[int, Field(ge=0)] | None = None
    rate_limit_trust_forwarded_for: bool | None = None


class StorageSettings(BaseModel):
    """Where pictures are kept."""

    photo_storage_backend: str
    photo_local_dir: str
    photo_max_size_mb: int
    photo_allowed_mime: str
    gcs_photo_bucket: str
    gcs_photo_credentials_path: str
    gcs_photo_public: bool
    gcs_photo_signed_url_ttl_seconds: int


class StorageSettingsUpdate(BaseModel):
    """Where pictures are kept; what is null or missing stays."""

    photo_storage_backend: Annotated[str, Field(max_length=20000)] | None = None
    photo_local_dir: Annotated[str, Field(max_length=20000)] | None = None
    photo_max_size_mb: Annotated[int, Field(ge=1)] | None = None
    photo_allowed_mime: Annotated[str, Field(max_length=20000)] | None = None
    gcs_photo_bucket: Annotated[str, Field(max_length=20000)] | None = None
    gcs_photo_credentials_path: Annotated[str, Field(max_length=20000)] | None = None
    gcs_photo_public: bool | None = None
    gcs_photo_signed_url_ttl_seconds: Annotated[int, Field(ge=1)] | None = None


class ObservabilitySettings(BaseModel):
    """Logs and metrics."""

    request_id_header: str
    log_level: str
    log_json: bool
    prometheus_metrics_enabled: bool
    otel_exporter_otlp_endpoint: str
    otel_service_name: str


class ObservabilitySettingsUpdate(BaseModel):
    """Logs and metrics; what is null or missing stays."""

    request_id_header: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    log_level: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    log_json: bool | None = None
    prometheus_metrics_enabled: bool | None = None
    otel_exporter_otlp_endpoint: Annotated[str, Field(max_length=20000)] | None = None
    otel_service_name: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class EmailSettings(BaseModel):
    """The mail server."""

    smtp_host: str
    smtp_port: int
    smtp_username: str
    smtp_password_configured: bool
    smtp_use_tls: bool
    smtp_from_address: str


class EmailSettingsUpdate(BaseModel):
    """The mail server; what is null or missing stays."""

    smtp_host: Annotated[str, Field(max_length=20000)] | None = None
    smtp_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    smtp_username: Annotated[str, Field(max_length=20000)] | None = None
    smtp_password: Annotated[str, Field(max_length=4096)] | None = None
    smtp_use_tls: bool | None = None
    smtp_from_address: Annotated[str, Field(max_length=20000)] | None = None


class AiSettings(BaseModel):
    """The language model."""

    ai_enabled: bool
    ai_base_url: str
    ai_model: str
    ai_api_key_configured: bool
    ai_timeout_seconds: int
    ai_max_output_tokens: int
    describe_system_prompt: str
    ask_system_prompt: str
    alert_explanation_system_prompt: str
    search_embeddings_enabled: bool
    search_embedding_provider: str
    search_embedding_model: str
    search_embedding_api_key_configured: bool
    search_embedding_dimensions: int


class AiSettingsUpdate(BaseModel):
    """The language model; what is null or missing stays."""

    ai_enabled: bool | None = None
    ai_base_url: Annotated[str, Field(max_length=20000)] | None = None
    ai_model: Annotated[str, Field(max_length=20000)] | None = None
    ai_api_key: Annotated[str, Field(max_length=4096)] | None = None
    ai_timeout_seconds: Annotated[int, Field(ge=1)] | None = None
    ai_max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    describe_system_prompt: Annotated[str, Field(min_length=1, max_length=20000)] | None = None
    ask_system_prompt: Annotated[str, Field(min_length=1, max_length=20000)] | None = None
    alert_explanation_system_prompt: Annotated[str, Field(min_length=1, max_length=20000)] | None = None
    search_embeddings_enabled: bool | None = None
    search_embedding_provider: Annotated[str, Field(max_length=20000)] | None = None
    search_embedding_model: Annotated[str, Field(max_length=20000)] | None = None
    search_embedding_api_key: Annotated[str, Field(max_length=4096)] | None = None


class SystemSettings(BaseModel):
    """What this instance runs with; read only."""

    debug: bool
    database_url_configured: bool
    sync_database_url_configured: bool
    rabbitmq_url_configured: bool
    redis_url_configured: bool
    encryption_key_configured: bool
    openai_api_key_configured: bool


class ServiceSettingsResponse(BaseModel):
    """Every setting; `sources` tells of each `section.field` where its value comes from."""

    runtime: RuntimeSettings
    security: SecuritySettings
    storage: StorageSettings
    observability: ObservabilitySettings
    email: EmailSettings
    ai: AiSettings
    system: SystemSettings
    overridden_fields: list[str]
    sources: dict[str, SettingSource]


class ServiceSettingsUpdate(BaseModel):
    """Sections group the keys; only the keys that are sent change."""

    runtime: RuntimeSettingsUpdate | None = None
    security: SecuritySettingsUpdate | None = None
    storage: StorageSettingsUpdate | None = None
    observability: ObservabilitySettingsUpdate | None = None
    email: EmailSettingsUpdate | None = None
    ai: AiSettingsUpdate | None = None


class RetentionSettingsUpdate(BaseModel):
    """Days each kind of data is kept, 0 for no bound; what is null or missing stays."""

    retention_event_days: Days | None = None
    retention_log_days: Days | None = None
    retention_security_days: Days | None = None
    retention_audit_days: Days | None = None
    retention_quarantine_days: Days | None = None
    retention_metric_days: Days | None = None
    retention_delivery_days: Days | None = None
    retention_job_days: Days | None = None


class OidcSettingsUpdate(BaseModel):
    """Sign-in at an OpenID provider; what is null or missing stays."""

    oidc_issuer: Annotated[str, Field(max_length=500)] | None = None
    oidc_client_id: Annotated[str, Field(max_length=255)] | None = None
    oidc_client_secret: Annotated[str, Field(max_length=4096)] | None = None
    oidc_name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    oidc_scopes: Annotated[str, Field(max_length=500)] | None = None
    oidc_allowed_email_domains: Annotated[str, Field(max_length=20000)] | None = None
    oidc_newcomers: bool | None = None
    oidc_role: Literal["viewer", "editor"] | None = None


class SecondFactorSettingsUpdate(BaseModel):
    """Who has to have a second factor; what is null or missing stays."""

    require_second_factor: bool | None = None


class InstanceSettingsUpdate(ServiceSettingsUpdate):
    """The sections of the contract and those of our own, which have routes of their own."""

    retention: RetentionSettingsUpdate | None = None
    second_factor: SecondFactorSettingsUpdate | None = None
    oidc: OidcSettingsUpdate | None = None


class AiSettingsResponse(BaseModel):
    """The settings of the assistant."""

    ai: AiSettings
    overridden_fields: list[str]
    sources: dict[str, SettingSource]


class AiSettingsTestRequest(BaseModel):
    """What the model is asked."""

    prompt: str = Field("Reply with the word ok if the LLM connection works.", min_length=1, max_length=500)


class SettingsTestResponse(BaseModel):
    """Whether it answered, and what."""

    ok: bool
    message: str
