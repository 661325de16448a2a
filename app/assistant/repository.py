"""Rows behind search."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.assistant.index import Document
from models.assistant import SearchDocument
from models.plan import Event
from models.plan_entities import FieldDefinition, Variable, VariableContext

_COLUMNS = "branch_id, entity_type, entity_id, parent_id, title, keywords, description, body, is_archived"
_SOURCES = ("event", "event_type", "field", "meta_field", "variable", "relation", "tag")
_TABLE = sa.inspect(SearchDocument).local_table


def fingerprint(session: Session, branch_id: str) -> tuple[int, int, int]:
    """How many documents the branch has, the newest id and the sum of ids: equal exactly when nothing changed."""
    count, newest, total = session.execute(
        sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.max(_TABLE.c.id), 0), sa.func.coalesce(sa.func.sum(_TABLE.c.id), 0)
        ).where(_TABLE.c.branch_id == branch_id)
    ).one()
    return int(count), int(newest), int(total)


def documents(session: Session, branch_id: str, *, after_id: int = 0) -> list[Document]:
    """The branch's documents in order of id, only those after an id when one is given."""
    columns = [_TABLE.c[name] for name in Document.__dataclass_fields__]
    rows = session.execute(sa.select(*columns).where(_TABLE.c.branch_id == branch_id, _TABLE.c.id > after_id).order_by(_TABLE.c.id))
    return [Document(*row) for row in rows]


def rebuild(session: Session, branch_id: str) -> int:
    """Write all documents of the branch anew; how many there are."""
    session.execute(sa.delete(SearchDocument).where(col(SearchDocument.branch_id) == branch_id))
    for source in _SOURCES:
        # The names come from this module; the views are those the migration made.
        statement = f"INSERT INTO search_documents ({_COLUMNS}) SELECT {_COLUMNS} FROM search_source_{source}"
        session.execute(sa.text(statement + " WHERE branch_id = :branch_id"), {"branch_id": branch_id})
    return fingerprint(session, branch_id)[0]


def statuses(session: Session, event_ids: Sequence[str]) -> dict[str, str]:
    """The events' states by id."""
    return dict(session.exec(select(Event.id, Event.status).where(col(Event.id).in_(event_ids))).all())


def variable_contexts(session: Session, event_ids: Sequence[str]) -> list[tuple[VariableContext, Variable, FieldDefinition]]:
    """Where variables were observed in these events, by variable name."""
    rows = session.exec(
        select(VariableContext, Variable, FieldDefinition)
        .join(Variable, col(Variable.id) == col(VariableContext.variable_id))
        .join(FieldDefinition, col(FieldDefinition.id) == col(VariableContext.field_definition_id))
        .where(col(VariableContext.event_id).in_(event_ids))
        .order_by(col(Variable.name), col(VariableContext.id))
    )
    return list(rows.all())
