"""The table of overrides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from models.preferences import SettingOverride


def overrides(session: Session) -> dict[str, str]:
    """Stored values by name, as written: JSON, sealed for secrets."""
    return {row.name: row.value for row in session.scalars(sa.select(SettingOverride))}


def store(session: Session, name: str, value: str, user_id: str | None, now: datetime) -> None:
    """Keep the value, replacing an earlier one."""
    row = session.get(SettingOverride, name) or SettingOverride(name=name)
    row.value, row.updated_by, row.updated_at = value, user_id, now
    session.add(row)


def remove(session: Session, names: Iterable[str]) -> None:
    """Forget the values."""
    session.execute(sa.delete(SettingOverride).where(col(SettingOverride.name).in_(list(names))))
