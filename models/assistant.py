"""What search looks through."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import reference, text_field

_TAGS = sa.text("entity_type = 'tag'")


class SearchDocument(SQLModel, table=True):
    """One entity of a plan as search sees it. Database triggers keep it in the transaction that changes the plan.

    A changed entity gets a new row, and ids are never used twice: readers find what is new to them by id. There is no foreign
    key, because rows go and come while a deletion cascades through the plan.
    """

    __tablename__ = "search_documents"
    __table_args__ = (
        sa.Index("ix_search_documents_branch", "branch_id", "id"),
        sa.Index("ix_search_documents_entity", "entity_id"),
        sa.Index("ix_search_documents_tag", "branch_id", "title", sqlite_where=_TAGS, postgresql_where=_TAGS),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    )
    branch_id: str = Field(max_length=64)
    entity_type: str = Field(max_length=16)
    entity_id: str = Field(max_length=64)
    parent_id: str | None = Field(default=None, max_length=64)
    title: str = text_field()
    keywords: str = text_field()
    description: str = text_field()
    body: str = text_field()
    is_archived: bool = False


class SearchVector(SQLModel, table=True):
    """What a text of a project's plan means to an embedding model: its vector as 32-bit floats of length one.

    A text is known by its hash, so that branches share what they have in common and an unchanged text is embedded once.
    """

    __tablename__ = "search_vectors"
    __table_args__ = (sa.UniqueConstraint("project_id", "model", "text_hash"), {"sqlite_autoincrement": True})

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    )
    project_id: str = reference("projects.id", index=False)
    model: str = Field(max_length=200)
    text_hash: str = Field(max_length=64)
    vector: bytes = Field(sa_column=sa.Column(sa.LargeBinary(), nullable=False))
