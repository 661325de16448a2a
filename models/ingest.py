"""What a project does with events that break its plan, and which refused ones it has taken in since."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, json_field, updated_field


class IngestPolicy(SQLModel, table=True):
    """One project's choices; without a row everything is allowed and nothing is changed."""

    __tablename__ = "ingest_policies"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    mode: str = Field(default="allow", max_length=16)
    refuses_unplanned: bool = False
    refuses_unknown_properties: bool = False
    overrides: list[dict[str, object]] = json_field(list)
    sensitivity: dict[str, object] = json_field(dict)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class ReplayedRecord(SQLModel, table=True):
    """A quarantined record that fits by now and was stored as an event; it is never stored a second time."""

    __tablename__ = "replayed_records"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    fingerprint: str = Field(max_length=64, primary_key=True)
    source: str = Field(max_length=500)
    name: str = Field(max_length=500)
    reason: str = Field(max_length=500)
    received_at: datetime = Field(sa_column=sa.Column(UtcDateTime(), nullable=False))
    replayed_at: datetime = Field(sa_column=sa.Column(UtcDateTime(), nullable=False))


class IngestRequest(SQLModel, table=True):
    """A request that came with an `Idempotency-Key`; without an answer it is under way."""

    __tablename__ = "ingest_requests"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    key: str = Field(max_length=255, primary_key=True)
    body_digest: str = Field(max_length=64)
    answer: str | None = Field(default=None, sa_column=sa.Column(sa.Text(), nullable=True))
    claimed_at: datetime = Field(sa_column=sa.Column(UtcDateTime(), nullable=False, index=True))


class IngestKeyHour(SQLModel, table=True):
    """What came with a key in one hour of UTC: requests, those that were refused as a whole, and records by how they ended."""

    __tablename__ = "ingest_key_hours"

    key_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("ingest_keys.id", ondelete="CASCADE"), primary_key=True))
    hour: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    requests: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))
    accepted: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))
    flagged: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))
    quarantined: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))
    refused_requests: int = Field(default=0, sa_column=sa.Column(sa.BigInteger(), nullable=False))
