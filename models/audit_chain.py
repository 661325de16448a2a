"""The chain over audit records, its checkpoints and keys. Records themselves stay where they are."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, moment_field, text_field


class AuditChainEntry(SQLModel, table=True):
    """One link of a tenant's chain. Written once; no foreign keys, because it outlives what it speaks of."""

    __tablename__ = "audit_chain"
    __table_args__ = (sa.UniqueConstraint("record_id", "record_kind", "tenant_id"),)

    tenant_id: str = Field(primary_key=True, max_length=64)
    seq: int = Field(sa_column=sa.Column(sa.BigInteger(), primary_key=True, autoincrement=False))
    record_kind: str = Field(max_length=16)
    record_id: str = Field(max_length=64)
    project_id: str = Field(max_length=64)
    record_time: datetime = moment_field()
    sealed_at: datetime = moment_field()
    digest: str = Field(max_length=64)
    previous: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class AuditCheckpoint(SQLModel, table=True):
    """A signed statement of where a tenant's chain stood."""

    __tablename__ = "audit_checkpoints"

    tenant_id: str = Field(primary_key=True, max_length=64)
    seq: int = Field(sa_column=sa.Column(sa.BigInteger(), primary_key=True, autoincrement=False))
    hash: str = Field(max_length=64)
    signed_at: datetime = moment_field()
    key_id: str = Field(max_length=16)
    signature: str = Field(max_length=128)


class AuditSigningKey(SQLModel, table=True):
    """A key that signs checkpoints; the private half is sealed with the instance's encryption keys."""

    __tablename__ = "audit_signing_keys"

    key_id: str = Field(primary_key=True, max_length=16)
    public_key: str = Field(max_length=64)
    sealed_private_key: str = text_field()
    created_at: datetime = created_field()


class AuditSealing(SQLModel, table=True):
    """How far the records of one place (a project, or an account of the audit log; empty for the own trail) are sealed."""

    __tablename__ = "audit_sealing"

    tenant_id: str = Field(primary_key=True, max_length=64)
    project_id: str = Field(primary_key=True, max_length=64)
    sealed_count: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))
    received_to: datetime = moment_field()
    swept_at: datetime | None = Field(default=None, sa_column=sa.Column(UtcDateTime(), nullable=True))
