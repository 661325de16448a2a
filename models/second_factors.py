"""What a person shows beside their password, and sign-ins that wait for it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, moment_field, reference, text_field


class SecondFactor(SQLModel, table=True):
    """A person's shared secret for one-time codes (RFC 6238). It counts once it is confirmed.

    `used_step` is the latest time step whose code was accepted; it and all before it are spent.
    """

    __tablename__ = "second_factors"

    user_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
    sealed_totp_secret: str = text_field()
    confirmed_at: datetime | None = moment_field(nullable=True)
    used_step: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger(), nullable=True))
    created_at: datetime = created_field()


class RecoveryCode(SQLModel, table=True):
    """A code that stands in once for a lost second factor; only a hash of it is stored."""

    __tablename__ = "second_factor_recovery_codes"
    __table_args__ = (sa.UniqueConstraint("user_id", "code_hash"),)

    id: str = id_field()
    user_id: str = reference("users.id", index=False)
    code_hash: str = Field(max_length=64)
    used_at: datetime | None = moment_field(nullable=True)


class SignInTicket(SQLModel, table=True):
    """A sign-in whose password was right and whose code is still to come; only a keyed hash of its token is stored."""

    __tablename__ = "sign_in_tickets"

    id: str = id_field()
    user_id: str = reference("users.id")
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = created_field()
    expires_at: datetime = moment_field(index=True)
