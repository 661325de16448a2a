"""Rows behind search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.assistant.postings import Document
from app.kernel.database import insert_into
from models.assistant import SearchDocument, SearchVector
from models.plan import Event, PlanBranch
from models.plan_entities import FieldDefinition, Variable, VariableContext

_COLUMNS = "branch_id, entity_type, entity_id, parent_id, title, keywords, description, body, is_archived"
_SOURCES = ("event", "event_type", "field", "meta_field", "variable", "relation", "tag")
_TABLE = sa.inspect(SearchDocument).local_table
_VALUES_PER_STATEMENT = 500
_OVER = ("merged", "closed")


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


def open_branches(session: Session) -> dict[str, list[str]]:
    """Main and the working branches that are not over, by project."""
    found: dict[str, list[str]] = defaultdict(list)
    statement = sa.select(col(PlanBranch.project_id), col(PlanBranch.id)).where(
        sa.or_(col(PlanBranch.kind) == "main", col(PlanBranch.status).not_in(_OVER))
    )
    for project_id, branch_id in session.execute(statement.order_by(col(PlanBranch.project_id), col(PlanBranch.id))):
        found[project_id].append(branch_id)
    return found


def vector_fingerprint(session: Session, project_id: str, model: str) -> tuple[int, int]:
    """How many vectors the project has by the model, and the newest id."""
    count, newest = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(col(SearchVector.id)), 0)).where(*_vectors_of(project_id, model))
    ).one()
    return int(count), int(newest)


def vectors(session: Session, project_id: str, model: str, *, after_id: int = 0) -> list[tuple[int, str, bytes]]:
    """(id, hash of the text, vector) in order of id."""
    statement = (
        sa.select(col(SearchVector.id), col(SearchVector.text_hash), col(SearchVector.vector))
        .where(*_vectors_of(project_id, model), col(SearchVector.id) > after_id)
        .order_by(col(SearchVector.id))
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def vector_hashes(session: Session, project_id: str, model: str) -> set[str]:
    """Hashes of the texts that have a vector by the model."""
    return set(session.scalars(sa.select(col(SearchVector.text_hash)).where(*_vectors_of(project_id, model))))


def has_other_models(session: Session, project_id: str, model: str) -> bool:
    """Whether vectors of another model are left."""
    others = sa.select(col(SearchVector.id)).where(col(SearchVector.project_id) == project_id, col(SearchVector.model) != model)
    return session.execute(others.limit(1)).first() is not None


def store_vectors(session: Session, project_id: str, model: str, found: Mapping[str, bytes]) -> None:
    """Keep vectors by the hash of their text; one that is there already stays."""
    rows = [{"project_id": project_id, "model": model, "text_hash": text, "vector": vector} for text, vector in found.items()]
    session.execute(insert_into(session, SearchVector).values(rows).on_conflict_do_nothing())


def drop_vectors(session: Session, project_id: str, model: str, text_hashes: Collection[str]) -> None:
    """Forget the model's vectors of these texts, and every vector of another model."""
    table = sa.delete(SearchVector).where(col(SearchVector.project_id) == project_id)
    session.execute(table.where(col(SearchVector.model) != model))
    listed = sorted(text_hashes)
    for start in range(0, len(listed), _VALUES_PER_STATEMENT):
        part = listed[start : start + _VALUES_PER_STATEMENT]
        session.execute(table.where(col(SearchVector.model) == model, col(SearchVector.text_hash).in_(part)))


def _vectors_of(project_id: str, model: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (col(SearchVector.project_id) == project_id, col(SearchVector.model) == model)
