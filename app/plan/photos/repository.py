"""Every query on photos and the remarks under them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.plan.photos.storage import StoredFile
from app.plan.repository.matching import chunks
from models.attachments import EventPhoto, EventPhotoComment, RemovedPhoto
from models.plan import Event

_MOST_LISTED = 1000


def branch_of_event(session: Session, project_id: str, event_id: str) -> str | None:
    """The branch that holds the project's event, None when the project has none of that id."""
    statement = sa.select(col(Event.branch_id)).where(col(Event.project_id) == project_id, col(Event.id) == event_id)
    return session.execute(statement).scalar_one_or_none()


def photos(session: Session, event_id: str) -> list[EventPhoto]:
    """The event's photos in their order; at most 1000."""
    statement = sa.select(EventPhoto).where(col(EventPhoto.event_id) == event_id)
    ordered = statement.order_by(col(EventPhoto.sort_order), col(EventPhoto.created_at), col(EventPhoto.id))
    return list(session.execute(ordered.limit(_MOST_LISTED)).scalars())


def photo(session: Session, event_id: str, photo_id: str) -> EventPhoto | None:
    """The photo, or None when the event has none of that id."""
    statement = sa.select(EventPhoto).where(col(EventPhoto.event_id) == event_id, col(EventPhoto.id) == photo_id)
    return session.execute(statement).scalar_one_or_none()


def remember_removal(session: Session, branch_id: str, original_id: str) -> None:
    """Note that the branch no longer has its copy of main's photo; nothing when main has deleted the photo itself."""
    if session.get(EventPhoto, original_id) is not None:
        session.add(RemovedPhoto(branch_id=branch_id, photo_id=original_id))


def highest_order(session: Session, event_id: str) -> int:
    """The last place in use, -1 when the event has no photo."""
    statement = sa.select(sa.func.max(col(EventPhoto.sort_order))).where(col(EventPhoto.event_id) == event_id)
    found = session.execute(statement).scalar_one()
    return -1 if found is None else int(found)


def comments(session: Session, photo_id: str) -> list[EventPhotoComment]:
    """Remarks under the photo, oldest first; at most 1000."""
    statement = sa.select(EventPhotoComment).where(col(EventPhotoComment.photo_id) == photo_id)
    ordered = statement.order_by(col(EventPhotoComment.created_at), col(EventPhotoComment.id)).limit(_MOST_LISTED)
    return list(session.execute(ordered).scalars())


def comment(session: Session, photo_id: str, comment_id: str) -> EventPhotoComment | None:
    """The remark, or None when the photo has none of that id."""
    statement = sa.select(EventPhotoComment).where(
        col(EventPhotoComment.photo_id) == photo_id, col(EventPhotoComment.id) == comment_id
    )
    return session.execute(statement).scalar_one_or_none()


def files_of_branch(session: Session, branch_id: str) -> list[StoredFile]:
    """Every stored file that a photo of the branch names."""
    statement = (
        sa.select(col(EventPhoto.storage_backend), col(EventPhoto.storage_key), col(EventPhoto.thumbnail_key))
        .join(Event, col(Event.id) == col(EventPhoto.event_id))
        .where(col(Event.branch_id) == branch_id, col(EventPhoto.storage_backend).is_not(None))
    )
    found = {StoredFile(row[0], key) for row in session.execute(statement) for key in row[1:] if key is not None}
    return sorted(found)


def referenced(session: Session, files: Collection[StoredFile]) -> set[StoredFile]:
    """Those of the files that some photo names, as its picture or as its small picture."""
    keys = sorted({file.key for file in files})
    named: set[StoredFile] = set()
    for column in (col(EventPhoto.storage_key), col(EventPhoto.thumbnail_key)):
        for portion in chunks(keys):
            statement = sa.select(col(EventPhoto.storage_backend), column).where(column.in_(portion))
            named |= {StoredFile(row[0], row[1]) for row in session.execute(statement)}
    return named.intersection(files)


def add(session: Session, *rows: SQLModel) -> None:
    """Write rows now."""
    session.add_all(rows)
    session.flush()


def remove(session: Session, row: SQLModel) -> None:
    """Delete the row with everything that hangs on it."""
    session.delete(row)
    session.flush()
