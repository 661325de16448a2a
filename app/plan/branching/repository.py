"""Every query on branches, their reviews and revisions, and bulk reads and writes of whole plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.plan.repository.matching import chunks
from models.attachments import EventPhoto, EventPhotoComment, RemovedPhoto
from models.branches import BranchApproval, BranchComment, BranchReviewer, MergeResolution, PlanRevision
from models.identity import User
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import (
    EventFieldValue,
    EventMetaValue,
    EventTag,
    EventTypeOwner,
    FieldDefinition,
)

Row = Mapping[str, Any]
Table = type[SQLModel]

_MOST_LISTED = 1000
_OF_EVENT_TYPE: tuple[Table, ...] = (FieldDefinition,)
_OF_EVENT: tuple[Table, ...] = (EventTag, EventFieldValue, EventMetaValue, EventPhoto)


def table_of(model: Table) -> sa.Table:
    """The table behind a model."""
    return cast(sa.Table, model.__table__)  # type: ignore[attr-defined]


def plan_rows(session: Session, model: Table, branch_id: str, columns: Sequence[str] = ()) -> list[Row]:
    """All rows of the table that belong to the branch, by column name; only the columns named, when some are."""
    table, events, event_types = table_of(model), table_of(Event), table_of(EventType)
    statement = sa.select(*(table.c[name] for name in columns)).select_from(table) if columns else sa.select(table)
    if model in _OF_EVENT_TYPE:
        statement = statement.join(event_types, event_types.c.id == table.c.event_type_id)
        statement = statement.where(event_types.c.branch_id == branch_id)
    elif model in _OF_EVENT:
        statement = statement.join(events, events.c.id == table.c.event_id).where(events.c.branch_id == branch_id)
    elif model is EventPhotoComment:
        photos = table_of(EventPhoto)
        statement = statement.join(photos, photos.c.id == table.c.photo_id).join(events, events.c.id == photos.c.event_id)
        statement = statement.where(events.c.branch_id == branch_id)
    else:
        statement = statement.where(table.c.branch_id == branch_id)
    return _mappings(session, statement)


def _mappings(session: Session, statement: sa.Select[*tuple[Any, ...]]) -> list[Row]:
    result = session.execute(statement)
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]  # plain dicts: every value of a whole plan is looked up by name


def insert(session: Session, model: Table, rows: Sequence[Row]) -> None:
    """Insert many rows of one table; they hold every column that has no default of its own."""
    if rows:
        session.flush()
        session.connection().execute(sa.insert(table_of(model)), [dict(row) for row in rows])


def update(session: Session, model: Table, rows: Mapping[str, Row]) -> None:
    """Set columns of many rows, by id. All of them name the same columns."""
    if not rows:
        return
    table = table_of(model)
    columns = next(iter(rows.values())).keys()
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in columns})
    )
    values = [{"row_id": row_id, **{f"new_{name}": row[name] for name in columns}} for row_id, row in rows.items()]
    session.connection().execute(statement, values)


def delete(session: Session, model: Table, ids: Sequence[str]) -> None:
    """Delete rows by id, with everything that hangs on them."""
    table = table_of(model)
    for portion in chunks(ids):
        session.connection().execute(sa.delete(table).where(table.c.id.in_(portion)))


def clear(session: Session, model: Table, column: str, ids: Sequence[str]) -> None:
    """Set a column to NULL in rows named by id."""
    table = table_of(model)
    for portion in chunks(ids):
        session.connection().execute(sa.update(table).where(table.c.id.in_(portion)).values({column: None}))


def delete_of_events(session: Session, model: Table, column: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Delete rows that hang on events by (event id, value of the column)."""
    table = table_of(model)
    parameters = [{"the_event": event_id, "the_value": value} for event_id, value in pairs]
    if parameters:
        condition = sa.and_(table.c.event_id == sa.bindparam("the_event"), table.c[column] == sa.bindparam("the_value"))
        session.connection().execute(sa.delete(table).where(condition), parameters)


def set_values(session: Session, model: Table, column: str, values: Mapping[tuple[str, str], Row]) -> None:
    """Set columns of values that hang on events, by (event id, definition id in the column)."""
    if not values:
        return
    table = table_of(model)
    names = next(iter(values.values())).keys()
    condition = sa.and_(table.c.event_id == sa.bindparam("the_event"), table.c[column] == sa.bindparam("the_definition"))
    statement = sa.update(table).where(condition).values({name: sa.bindparam(f"new_{name}") for name in names})
    parameters = [
        {"the_event": event_id, "the_definition": definition_id, **{f"new_{name}": row[name] for name in names}}
        for (event_id, definition_id), row in values.items()
    ]
    session.connection().execute(statement, parameters)


def branches(session: Session, project_id: str) -> list[PlanBranch]:
    """The project's branches: main, then the newest first; at most 1000."""
    is_working = sa.case((col(PlanBranch.kind) == "main", 0), else_=1)
    statement = (
        sa.select(PlanBranch)
        .where(col(PlanBranch.project_id) == project_id)
        .order_by(is_working, col(PlanBranch.created_at).desc(), col(PlanBranch.id).desc())
        .limit(_MOST_LISTED)
    )
    return list(session.execute(statement).scalars())


def count_branches(session: Session, project_id: str) -> int:
    """How many branches the project has, main included."""
    statement = sa.select(sa.func.count()).select_from(PlanBranch).where(col(PlanBranch.project_id) == project_id)
    count: int = session.execute(statement).scalar_one()
    return count


def is_branch_name_taken(session: Session, project_id: str, name: str) -> bool:
    """Whether the project has a branch of that name."""
    statement = sa.select(col(PlanBranch.id)).where(col(PlanBranch.project_id) == project_id, col(PlanBranch.name) == name)
    return session.execute(statement).first() is not None


def reviewers(session: Session, branch_id: str) -> list[BranchReviewer]:
    """Reviewers in the order they were asked."""
    statement = sa.select(BranchReviewer).where(col(BranchReviewer.branch_id) == branch_id)
    ordered = statement.order_by(col(BranchReviewer.created_at), col(BranchReviewer.id))
    return list(session.execute(ordered).scalars())


def reviewer(session: Session, branch_id: str, user_id: str) -> BranchReviewer | None:
    """That person's row."""
    statement = sa.select(BranchReviewer).where(col(BranchReviewer.branch_id) == branch_id, col(BranchReviewer.user_id) == user_id)
    return session.execute(statement).scalar_one_or_none()


def approvals(session: Session, branch_id: str) -> list[BranchApproval]:
    """Approvals, oldest first."""
    statement = sa.select(BranchApproval).where(col(BranchApproval.branch_id) == branch_id)
    return list(session.execute(statement.order_by(col(BranchApproval.approved_at), col(BranchApproval.id))).scalars())


def clear_review(session: Session, branch_id: str) -> None:
    """Forget approvals and stored conflict choices."""
    for model in (BranchApproval, MergeResolution):
        session.execute(sa.delete(model).where(col(model.branch_id) == branch_id))


def comments(session: Session, branch_id: str) -> list[BranchComment]:
    """The discussion, oldest first; at most 1000 remarks."""
    statement = sa.select(BranchComment).where(col(BranchComment.branch_id) == branch_id)
    ordered = statement.order_by(col(BranchComment.created_at), col(BranchComment.id)).limit(_MOST_LISTED)
    return list(session.execute(ordered).scalars())


def comment(session: Session, branch_id: str, comment_id: str) -> BranchComment | None:
    """The remark, or None when the branch has none of that id."""
    statement = sa.select(BranchComment).where(col(BranchComment.branch_id) == branch_id, col(BranchComment.id) == comment_id)
    return session.execute(statement).scalar_one_or_none()


def resolutions(session: Session, branch_id: str) -> list[MergeResolution]:
    """Stored conflict choices."""
    statement = sa.select(MergeResolution).where(col(MergeResolution.branch_id) == branch_id)
    return list(session.execute(statement.order_by(col(MergeResolution.id))).scalars())


def revision(session: Session, project_id: str, revision_id: str) -> PlanRevision | None:
    """The project's revision with its payload."""
    statement = sa.select(PlanRevision).where(col(PlanRevision.project_id) == project_id, col(PlanRevision.id) == revision_id)
    return session.execute(statement).scalar_one_or_none()


def page_of_revisions(session: Session, project_id: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """One page of revisions without their payload, newest first, and how many there are."""
    table = table_of(PlanRevision)
    of_project = table.c.project_id == project_id
    total = session.execute(sa.select(sa.func.count()).select_from(table).where(of_project)).scalar_one()
    columns = [column for column in table.c if column.name != "payload"]
    statement = sa.select(*columns).where(of_project).order_by(table.c.created_at.desc(), table.c.id.desc())
    return _mappings(session, statement.limit(limit).offset(offset)), total


def newest_revision_id(session: Session, project_id: str) -> str | None:
    """The id of the project's newest revision."""
    table = table_of(PlanRevision)
    newest = sa.select(table.c.id).where(table.c.project_id == project_id).order_by(table.c.created_at.desc(), table.c.id.desc())
    found: str | None = session.execute(newest.limit(1)).scalar_one_or_none()
    return found


def owners_of(session: Session, event_type_ids: Sequence[str]) -> list[tuple[str, str]]:
    """(event type id, user id) of everybody who owns one of the event types, oldest ownership first."""
    found = []
    for portion in chunks(event_type_ids):
        statement = (
            sa.select(col(EventTypeOwner.event_type_id), col(EventTypeOwner.user_id))
            .where(col(EventTypeOwner.event_type_id).in_(portion))
            .order_by(col(EventTypeOwner.created_at), col(EventTypeOwner.id))
        )
        found += [(row[0], row[1]) for row in session.execute(statement)]
    return found


def user_exists(session: Session, user_id: str) -> bool:
    """Whether the id is somebody's."""
    return session.execute(sa.select(col(User.id)).where(col(User.id) == user_id)).first() is not None


def photos_of_events(session: Session, event_ids: Sequence[str], *, is_original: bool = False) -> list[Row]:
    """Photos of the events in their order; `is_original` leaves out copies that came with a branch."""
    table = table_of(EventPhoto)
    found: list[Row] = []
    for portion in chunks(event_ids):
        statement = sa.select(table).where(table.c.event_id.in_(portion))
        if is_original:
            statement = statement.where(table.c.origin_id.is_(None))
        found += _mappings(session, statement.order_by(table.c.sort_order, table.c.created_at, table.c.id))
    return found


def delete_removed_photos(session: Session, branch_id: str, project_id: str) -> int:
    """Delete the photos of the project whose copies were deleted on the branch; how many there were."""
    removed, photos = table_of(RemovedPhoto), table_of(EventPhoto)
    named = sa.select(removed.c.photo_id).where(removed.c.branch_id == branch_id)
    statement = sa.delete(photos).where(photos.c.project_id == project_id, photos.c.id.in_(named)).returning(photos.c.id)
    return len(session.connection().execute(statement).all())


def comments_of_photos(session: Session, photo_ids: Sequence[str]) -> list[Row]:
    """Remarks under the photos."""
    table = table_of(EventPhotoComment)
    found: list[Row] = []
    for portion in chunks(photo_ids):
        found += _mappings(session, sa.select(table).where(table.c.photo_id.in_(portion)))
    return found


def add(session: Session, *rows: SQLModel) -> None:
    """Write rows now."""
    session.add_all(rows)
    session.flush()


def remove(session: Session, row: SQLModel) -> None:
    """Delete the row with everything that hangs on it."""
    session.delete(row)
    session.flush()
