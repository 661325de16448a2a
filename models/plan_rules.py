"""What a project asks of its plan beyond the contract."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, json_field, updated_field


class PlanRules(SQLModel, table=True):
    """One project's rules; without a row nothing is asked."""

    __tablename__ = "plan_rules"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    enforcement: str = Field(default="warn", max_length=16)
    event_name_pattern: str = Field(default="", max_length=500)
    field_name_pattern: str = Field(default="", max_length=500)
    required_fields: list[str] = json_field(list)
    forbidden_fields: list[str] = json_field(list)
    protects_main: bool = False
    minimum_approvals: int = 1
    sensitive_approvals: int = 0
    forbids_self_approval: bool = False
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()
