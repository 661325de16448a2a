"""Queries of the catalog sync on what hangs on events: field values, variables and their contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.plan.repository.matching import chunks
from models.plan import Event
from models.plan_entities import EventFieldValue, Variable, VariableContext


def _table(model: type[SQLModel]) -> sa.Table:
    return cast(sa.Table, model.__table__)  # type: ignore[attr-defined]


def breakdown_columns(session: Session, branch_id: str) -> dict[str, list[str]]:
    """The breakdown columns of the branch's events that name some, by event id."""
    statement = sa.select(col(Event.id), col(Event.metric_breakdown_columns)).where(
        col(Event.branch_id) == branch_id, sa.cast(col(Event.metric_breakdown_columns), sa.Text) != "[]"
    )
    return {event_id: columns for event_id, columns in session.execute(statement) if columns}


def field_values(session: Session, event_ids: Sequence[str]) -> dict[tuple[str, str], tuple[str, str, bool]]:
    """(id, value, whether a person wrote it) by (event id, field id)."""
    found = {}
    for portion in chunks(event_ids):
        statement = sa.select(
            col(EventFieldValue.id),
            col(EventFieldValue.event_id),
            col(EventFieldValue.field_definition_id),
            col(EventFieldValue.value),
            col(EventFieldValue.is_authored),
        ).where(col(EventFieldValue.event_id).in_(portion))
        for value_id, event_id, field_id, value, is_authored in session.execute(statement):
            found[(event_id, field_id)] = (value_id, value, is_authored)
    return found


def insert_field_values(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new values."""
    if rows:
        session.connection().execute(sa.insert(_table(EventFieldValue)), list(rows))


def change_field_values(session: Session, values: Mapping[str, str]) -> None:
    """Change values by id."""
    if values:
        table = _table(EventFieldValue)
        statement = sa.update(table).where(table.c.id == sa.bindparam("row")).values(value=sa.bindparam("text"))
        session.connection().execute(statement, [{"row": key, "text": text} for key, text in values.items()])


def variables_by_source_and_name(session: Session, branch_id: str) -> tuple[dict[str, Variable], dict[str, Variable]]:
    """The branch's variables by source name and by name."""
    rows = list(session.execute(sa.select(Variable).where(col(Variable.branch_id) == branch_id)).scalars())
    return {row.source_name: row for row in rows if row.source_name}, {row.name: row for row in rows}


def context_ids(session: Session, event_ids: Sequence[str]) -> dict[tuple[str, str, str], str]:
    """Ids of the events' contexts by (variable id, event id, field id)."""
    found = {}
    for portion in chunks(event_ids):
        statement = sa.select(
            col(VariableContext.id),
            col(VariableContext.variable_id),
            col(VariableContext.event_id),
            col(VariableContext.field_definition_id),
        ).where(col(VariableContext.event_id).in_(portion))
        for context_id, variable_id, event_id, field_id in session.execute(statement):
            found[(variable_id, event_id, field_id)] = context_id
    return found


def insert_contexts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new contexts."""
    if rows:
        session.connection().execute(sa.insert(_table(VariableContext)), list(rows))


def change_contexts(session: Session, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Change contexts by id; every row has the same keys."""
    if rows:
        table = _table(VariableContext)
        names = list(next(iter(rows.values())))
        values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        statement = sa.update(table).where(table.c.id == sa.bindparam("row")).values(values)
        session.connection().execute(
            statement, [{"row": key, **{f"new_{name}": value for name, value in row.items()}} for key, row in rows.items()]
        )
