"""Column shorthands shared by all tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import UtcDateTime
from app.kernel.ids import new_id


def id_field() -> Any:
    """A UUIDv7 text primary key."""
    return Field(default_factory=new_id, primary_key=True, max_length=36)


def reference(target: str, *, nullable: bool = False, index: bool = True, on_delete: str = "CASCADE") -> Any:
    """A foreign key to `table.column`."""
    return Field(
        default=None if nullable else ...,
        sa_column=sa.Column(sa.String(64), sa.ForeignKey(target, ondelete=on_delete), nullable=nullable, index=index),
    )


def moment_field(*, nullable: bool = False, index: bool = False) -> Any:
    """An instant in UTC that somebody sets."""
    return Field(default=None if nullable else ..., sa_column=sa.Column(UtcDateTime(), nullable=nullable, index=index))


def created_field() -> Any:
    """The instant the row was made."""
    return Field(default_factory=SYSTEM_CLOCK.now, sa_column=sa.Column(UtcDateTime(), nullable=False))


def updated_field() -> Any:
    """The instant of the last change, kept by the database layer."""
    return Field(default_factory=SYSTEM_CLOCK.now, sa_column=sa.Column(UtcDateTime(), nullable=False, onupdate=SYSTEM_CLOCK.now))


def json_field(default: Any) -> Any:
    """A JSON column; `default` is a factory."""
    return Field(default_factory=default, sa_column=sa.Column(sa.JSON(), nullable=False, default=default))


def text_field(default: str | None = "") -> Any:
    """Text of any length."""
    return Field(default=default, sa_column=sa.Column(sa.Text(), nullable=default is None))
