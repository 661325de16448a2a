"""The deep copy that a branch starts from: every row again under a fresh id (contract 11.1).

Events, variables and photos remember the row they were copied from, because they can be renamed or lack a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from app.kernel.ids import new_id
from app.plan.branching import repository
from app.plan.branching.repository import Row, Table
from app.plan.branching.rows import PlanRows
from models.attachments import EventPhoto, EventPhotoComment
from models.plan import Event, EventType
from models.plan_entities import (
    EventFieldValue,
    EventMetaValue,
    EventTag,
    FieldDefinition,
    MetaField,
    Relation,
    Variable,
)

Ids = Mapping[str, str]


def copy_plan(session: Session, rows: PlanRows, source_branch_id: str, branch_id: str) -> None:
    """Write all rows again into the branch. Moments stay those of the originals; photos share the stored files."""
    branch = {"branch_id": branch_id}
    types = _copy(session, EventType, [row | branch for row in map(dict, rows.event_types)])
    fields = _copy(session, FieldDefinition, [_moved(row, event_type_id=types) for row in rows.fields])
    metas = _copy(session, MetaField, [row | branch for row in map(dict, rows.meta_fields)])
    _copy(session, Variable, [dict(row) | branch | {"origin_id": row["id"]} for row in rows.variables])
    events = _copy(session, Event, [_moved(row, event_type_id=types) | branch | {"origin_id": row["id"]} for row in rows.events])
    _copy(session, EventTag, [_moved(row, event_id=events) for row in rows.tags])
    _copy(
        session,
        EventFieldValue,
        [_moved(row, event_id=events, field_definition_id=fields) for row in rows.field_values],
    )
    _copy(session, EventMetaValue, [_moved(row, event_id=events, meta_field_id=metas) for row in rows.meta_values])
    _copy(
        session,
        Relation,
        [
            _moved(
                row,
                source_event_type_id=types,
                target_event_type_id=types,
                source_field_id=fields,
                target_field_id=fields,
            )
            | branch
            for row in rows.relations
        ],
    )
    photos = repository.plan_rows(session, EventPhoto, source_branch_id)
    comments = repository.plan_rows(session, EventPhotoComment, source_branch_id)
    copy_photos(session, [_moved(row, event_id=events) | {"origin_id": row["id"]} for row in photos], comments)


def copy_photos(session: Session, photos: Sequence[Row], comments: Sequence[Row]) -> None:
    """Write photos again, as given but under fresh ids, with the remarks under them."""
    ids = _copy(session, EventPhoto, photos)
    comment_ids = {row["id"]: new_id() for row in comments}
    waiting = [dict(row) for row in comments]
    written: set[str | None] = {None}
    while waiting:  # one pass per depth of the threads, because a reply names its parent
        ready = [row for row in waiting if row["parent_id"] in written]
        waiting = [row for row in waiting if row["parent_id"] not in written]
        if not ready:
            return
        written |= {row["id"] for row in ready}
        repository.insert(
            session,
            EventPhotoComment,
            [
                row
                | {
                    "id": comment_ids[row["id"]],
                    "photo_id": ids[row["photo_id"]],
                    "parent_id": comment_ids.get(row["parent_id"]),
                }
                for row in ready
            ],
        )


def _copy(session: Session, model: Table, rows: Sequence[Row]) -> Ids:
    """Insert the rows under fresh ids; from each old id to the fresh one."""
    ids = {row["id"]: new_id() for row in rows}
    repository.insert(session, model, [dict(row) | {"id": ids[row["id"]]} for row in rows])
    return ids


def _moved(row: Row, **references: Ids) -> dict[str, object]:
    """The row with its references led to the copies."""
    return dict(row) | {column: ids[row[column]] for column, ids in references.items()}
