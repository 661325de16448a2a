"""Accounts of the audit-log surface; their records live in the event store."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, moment_field, updated_field


class AuditAccount(SQLModel, table=True):
    """Somebody who sends audit records into a bucket of their own, which is known by the account's id."""

    __tablename__ = "audit_accounts"

    id: str = id_field()
    username: str = Field(max_length=32, unique=True)
    email: str = Field(max_length=320, unique=True)
    password_hash: str = Field(max_length=128)
    is_active: bool = False
    is_superuser: bool = False
    sealed_access_key: str = Field(max_length=512)
    access_key_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class AuditLink(SQLModel, table=True):
    """A link that works once, for one purpose and one minute."""

    __tablename__ = "audit_links"

    key_hash: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(max_length=36, foreign_key="audit_accounts.id", ondelete="CASCADE", index=True)
    purpose: str = Field(max_length=16)
    expires_at: datetime = moment_field()
    used_at: datetime | None = moment_field(nullable=True)
