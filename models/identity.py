"""Tenants, people, their sessions and every kind of key."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, id_field, json_field, moment_field, reference, updated_field


class Tenant(SQLModel, table=True):
    """One isolation unit: a credential belongs to exactly one."""

    __tablename__ = "tenants"

    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=255)
    domain: str | None = Field(default=None, max_length=255, unique=True)
    plan: str = Field(default="enterprise", max_length=32)
    status: str = Field(default="active", max_length=32)
    industry: str | None = Field(default=None, max_length=128)
    company_size: str | None = Field(default=None, max_length=64)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class User(SQLModel, table=True):
    """A person who may sign in."""

    __tablename__ = "users"

    id: str = id_field()
    email: str = Field(max_length=320, unique=True)
    name: str | None = Field(default=None, max_length=255)
    password_hash: str = Field(max_length=128)
    role: str = Field(max_length=16)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class UserSession(SQLModel, table=True):
    """A sign-in; only a keyed hash of its token is stored."""

    __tablename__ = "user_sessions"

    id: str = id_field()
    user_id: str = reference("users.id")
    token_hash: str = Field(max_length=64, unique=True)
    address: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": ""})
    user_agent: str = Field(default="", max_length=400, sa_column_kwargs={"server_default": ""})
    last_used_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    expires_at: datetime = moment_field(index=True)


class Invitation(SQLModel, table=True):
    """An offer of an account under a role; it is over once accepted or expired. Only a hash of its token is stored."""

    __tablename__ = "invitations"

    id: str = id_field()
    email: str = Field(max_length=320, unique=True)
    role: str = Field(max_length=16)
    token_hash: str = Field(max_length=64, unique=True)
    invited_by: str = reference("users.id", index=False)
    created_at: datetime = created_field()
    expires_at: datetime = moment_field()


class ApiKey(SQLModel, table=True):
    """A key to the tracking-plan API that acts as its user."""

    __tablename__ = "api_keys"

    id: str = id_field()
    user_id: str = reference("users.id")
    project_id: str | None = reference("projects.id", nullable=True)
    name: str = Field(max_length=100)
    key_prefix: str = Field(max_length=16)
    token_hash: str = Field(max_length=64, unique=True)
    scope: str = Field(max_length=16)
    expires_at: datetime | None = moment_field(nullable=True)
    revoked_at: datetime | None = moment_field(nullable=True)
    last_used_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()


class IngestKey(SQLModel, table=True):
    """A key that sends records into one project of one tenant."""

    __tablename__ = "ingest_keys"

    id: str = id_field()
    tenant_id: str = reference("tenants.id")
    project_id: str = reference("projects.id")
    kind: str = Field(max_length=16)
    scope: str = Field(max_length=16)
    name: str = Field(max_length=100)
    key_prefix: str = Field(max_length=16)
    token_hash: str = Field(max_length=64, unique=True)
    created_by: str | None = reference("users.id", nullable=True, on_delete="SET NULL")
    expires_at: datetime | None = moment_field(nullable=True)
    revoked_at: datetime | None = moment_field(nullable=True)
    last_used_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()


class RateBucket(SQLModel, table=True):
    """A token bucket that outlives restarts and is shared by all processes."""

    __tablename__ = "rate_buckets"

    key: str = Field(primary_key=True, max_length=200)
    tokens: float
    updated_at: datetime = moment_field()


class QuotaUsage(SQLModel, table=True):
    """How much of a tenant's quota is used in the window that starts at `window_start`."""

    __tablename__ = "quota_usage"

    tenant_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True))
    resource: str = Field(primary_key=True, max_length=32)
    window_start: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    used: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))


class AuditEntry(SQLModel, table=True):
    """One change somebody made; written by services, never edited."""

    __tablename__ = "audit_entries"

    id: str = id_field()
    actor_user_id: str | None = Field(default=None, max_length=36, index=True)
    actor_email: str = Field(max_length=320)
    action: str = Field(max_length=64, index=True)
    target_type: str = Field(max_length=64)
    target_id: str = Field(max_length=64)
    project_slug: str | None = Field(default=None, max_length=255, index=True)
    payload: dict[str, object] = json_field(dict)
    created_at: datetime = created_field()
