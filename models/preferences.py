"""Instance settings that an owner changed in the product."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.base import reference, text_field, updated_field


class SettingOverride(SQLModel, table=True):
    """One stored value that wins over the environment: JSON text, sealed when the setting is a secret."""

    __tablename__ = "setting_overrides"

    name: str = Field(primary_key=True, max_length=100)
    value: str = text_field()
    updated_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    updated_at: datetime = updated_field()
