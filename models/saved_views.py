"""Filters of a list that people keep under a name."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, reference


class SavedView(SQLModel, table=True):
    """A view of the catalogue: its filters and sort as the query of its address. It belongs to one person."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.UniqueConstraint("project_id", "user_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    user_id: str = reference("users.id")
    name: str = Field(max_length=60)
    query: str = Field(max_length=1000)
    created_at: datetime = created_field()
