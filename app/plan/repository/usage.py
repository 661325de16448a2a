"""Queries on variables, the values that use them, relations and annotations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.plan.repository.matching import chunks, contains
from models.attachments import ChartAnnotation
from models.plan import Event
from models.plan_entities import EventFieldValue, EventMetaValue, FieldDefinition, Relation, Variable, VariableContext


def variables(session: Session, branch_id: str, *, limit: int | None = None, offset: int = 0) -> list[Variable]:
    """The branch's variables by name."""
    statement = sa.select(Variable).where(col(Variable.branch_id) == branch_id).order_by(col(Variable.name))
    if limit is not None:
        statement = statement.limit(limit).offset(offset)
    return list(session.execute(statement).scalars())


def count_variables(session: Session, branch_id: str) -> int:
    """How many variables the branch has."""
    statement = sa.select(sa.func.count()).select_from(Variable).where(col(Variable.branch_id) == branch_id)
    count: int = session.execute(statement).scalar_one()
    return count


def variable_of_branch(session: Session, branch_id: str, variable_id: str) -> Variable | None:
    """The variable, or None when the branch has none of that id."""
    statement = sa.select(Variable).where(col(Variable.branch_id) == branch_id, col(Variable.id) == variable_id)
    return session.execute(statement).scalar_one_or_none()


def is_variable_name_taken(session: Session, branch_id: str, name: str) -> bool:
    """Whether the branch has a variable of that name."""
    statement = sa.select(col(Variable.id)).where(col(Variable.branch_id) == branch_id, col(Variable.name) == name)
    return session.execute(statement).first() is not None


def contexts_by_variable(session: Session, variable_ids: Sequence[str]) -> dict[str, list[tuple[str, str, Sequence[str]]]]:
    """(event id, value kind, values) of every context, by variable id."""
    found: dict[str, list[tuple[str, str, Sequence[str]]]] = defaultdict(list)
    for portion in chunks(variable_ids):
        statement = (
            sa.select(
                col(VariableContext.variable_id),
                col(VariableContext.event_id),
                col(VariableContext.value_kind),
                col(VariableContext.values),
            )
            .where(col(VariableContext.variable_id).in_(portion))
            .order_by(col(VariableContext.id))
        )
        for variable_id, event_id, kind, values in session.execute(statement):
            found[variable_id].append((event_id, kind, values))
    return found


def contexts_of_variable(session: Session, variable_id: str) -> list[tuple[VariableContext, str, str, str]]:
    """(context, event name, field name, field display name) of the variable, by event and field."""
    statement = (
        sa.select(VariableContext, col(Event.name), col(FieldDefinition.name), col(FieldDefinition.display_name))
        .join(Event, col(Event.id) == col(VariableContext.event_id))
        .join(FieldDefinition, col(FieldDefinition.id) == col(VariableContext.field_definition_id))
        .where(col(VariableContext.variable_id) == variable_id)
        .order_by(col(Event.name), col(FieldDefinition.order), col(VariableContext.id))
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(statement)]


def values_with(session: Session, branch_id: str, text: str) -> list[EventFieldValue | EventMetaValue]:
    """Field and meta values of the branch's events that hold the text, perhaps in another case."""
    found: list[EventFieldValue | EventMetaValue] = []
    for table in (EventFieldValue, EventMetaValue):
        statement = (
            sa.select(table)
            .join(Event, col(Event.id) == col(table.event_id))
            .where(col(Event.branch_id) == branch_id, contains(col(table.value), text))
            .execution_options(populate_existing=True)
        )
        found += session.execute(statement).scalars()
    return found


def relations(session: Session, branch_id: str) -> list[Relation]:
    """The branch's relations, oldest first."""
    statement = sa.select(Relation).where(col(Relation.branch_id) == branch_id).order_by(col(Relation.created_at), col(Relation.id))
    return list(session.execute(statement).scalars())


def relation_of_branch(session: Session, branch_id: str, relation_id: str) -> Relation | None:
    """The relation, or None when the branch has none of that id."""
    statement = sa.select(Relation).where(col(Relation.branch_id) == branch_id, col(Relation.id) == relation_id)
    return session.execute(statement).scalar_one_or_none()


def chart_annotations(
    session: Session,
    project_id: str,
    *,
    scope: tuple[str, str] | None,
    time_from: datetime | None,
    time_to: datetime | None,
) -> list[ChartAnnotation]:
    """The project's annotations by bucket; with a scope those of it and those on every chart. Both bounds are inclusive."""
    statement = sa.select(ChartAnnotation).where(col(ChartAnnotation.project_id) == project_id)
    if scope is not None:
        of_scope = sa.and_(col(ChartAnnotation.scope_type) == scope[0], col(ChartAnnotation.scope_ref) == scope[1])
        statement = statement.where(sa.or_(col(ChartAnnotation.scope_type).is_(None), of_scope))
    if time_from is not None:
        statement = statement.where(col(ChartAnnotation.bucket) >= time_from)
    if time_to is not None:
        statement = statement.where(col(ChartAnnotation.bucket) <= time_to)
    ordered = statement.order_by(col(ChartAnnotation.bucket), col(ChartAnnotation.created_at), col(ChartAnnotation.id))
    return list(session.execute(ordered).scalars())


def annotation_of_project(session: Session, project_id: str, annotation_id: str) -> ChartAnnotation | None:
    """The annotation, or None when the project has none of that id."""
    statement = sa.select(ChartAnnotation).where(
        col(ChartAnnotation.project_id) == project_id, col(ChartAnnotation.id) == annotation_id
    )
    return session.execute(statement).scalar_one_or_none()
