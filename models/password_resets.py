"""Links that let people choose a password they do not remember."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, moment_field, reference


class PasswordReset(SQLModel, table=True):
    """A link for one account, gone once it was used or the password changed. Only a keyed hash of its token is stored."""

    __tablename__ = "password_resets"

    id: str = id_field()
    user_id: str = reference("users.id")
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = created_field()
    expires_at: datetime = moment_field(index=True)
