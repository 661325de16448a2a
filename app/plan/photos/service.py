"""Photos of events: listed, kept, ordered, discussed and deleted (contract section 14).

A photo belongs to an event of any branch of the project; whoever changes one holds that branch.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import BadRequest, InvalidInput, NotFound
from app.plan.branch_scope import BranchScope, writable_branch
from app.plan.photos import files, repository
from app.plan.photos.imaging import SafeImage
from app.plan.photos.naming import FIGMA_CONTENT_TYPE, FIGMA_TITLE, checked_figma_url
from app.plan.photos.storage import StoredFile
from app.plan.photos.views import PhotoCommentView, PhotoFile, PhotoKind, PhotoView, StorageBackend
from app.plan.service.trail import note
from app.projects import service as projects
from models.attachments import EventPhoto, EventPhotoComment

_THUMBNAIL_TYPE = "image/webp"


def list_photos(session: Session, actor: Actor, slug: str, event_id: str) -> list[PhotoView]:
    """The event's photos in their order. Errors: NotFound."""
    _check_event(session, actor, slug, event_id)
    return [_view(row) for row in repository.photos(session, event_id)]


def check_upload(session: Session, actor: Actor, slug: str, event_id: str) -> None:
    """Whether this caller may add a photo to the event; asked before a picture is worked on. Errors as `add_photo`."""
    actor.require_editor()
    _check_event(session, actor, slug, event_id)


def add_photo(
    session: Session,
    actor: Actor,
    slug: str,
    event_id: str,
    *,
    photo_id: str,
    filename: str,
    image: SafeImage,
    picture: StoredFile,
    thumbnail: StoredFile,
) -> PhotoView:
    """Put a stored picture behind the event's other photos. Editors and owners.

    Errors: NotFound; Conflict when the event's branch is merged or closed.
    """
    scope = _writable(session, actor, slug, event_id)
    row = EventPhoto(
        id=photo_id,
        event_id=event_id,
        project_id=scope.project.id,
        kind=PhotoKind.PHOTO,
        original_filename=filename,
        content_type=image.content_type,
        size_bytes=len(image.data),
        storage_backend=picture.backend,
        storage_key=picture.key,
        thumbnail_key=thumbnail.key,
        width=image.width,
        height=image.height,
        sort_order=repository.highest_order(session, event_id) + 1,
        uploaded_by_user_id=actor.user_id,
    )
    repository.add(session, row)
    note(session, actor, scope, "photo.create", row.id, event_id=event_id, filename=filename)
    return _view(row)


def attach_figma(session: Session, actor: Actor, slug: str, event_id: str, url: str, title: str = "") -> PhotoView:
    """Put a link to a Figma design behind the event's photos; nothing is fetched. Editors and owners.

    Errors: NotFound; InvalidInput for any other address; Conflict when the event's branch is merged or closed.
    """
    actor.require_editor()
    address = checked_figma_url(url)
    scope = _writable(session, actor, slug, event_id)
    row = EventPhoto(
        event_id=event_id,
        project_id=scope.project.id,
        kind=PhotoKind.FIGMA,
        original_filename=title.strip() or FIGMA_TITLE,
        content_type=FIGMA_CONTENT_TYPE,
        external_url=address,
        sort_order=repository.highest_order(session, event_id) + 1,
        uploaded_by_user_id=actor.user_id,
    )
    repository.add(session, row)
    note(session, actor, scope, "photo.create", row.id, event_id=event_id, url=address)
    return _view(row)


def reorder_photos(session: Session, actor: Actor, slug: str, event_id: str, photo_ids: Sequence[str]) -> list[PhotoView]:
    """Give the photos this order, which must name each of them once. Editors and owners.

    Errors: NotFound; BadRequest for any other list; Conflict when the event's branch is merged or closed.
    """
    scope = _writable(session, actor, slug, event_id)
    rows = {row.id: row for row in repository.photos(session, event_id)}
    if len(photo_ids) != len(rows) or set(photo_ids) != rows.keys():
        raise BadRequest("The list must name each photo of the event exactly once")
    for place, photo_id in enumerate(photo_ids):
        rows[photo_id].sort_order = place
    repository.add(session, *rows.values())
    note(session, actor, scope, "photo.reorder", event_id, event_id=event_id)
    return [_view(rows[photo_id]) for photo_id in photo_ids]


def delete_photo(session: Session, actor: Actor, slug: str, event_id: str, photo_id: str) -> list[StoredFile]:
    """Delete the photo with the remarks under it. Editors and owners.

    Returns its files; hand them to `files.remove_unreferenced` after the commit, which keeps what a branch's copy shares.
    Errors: NotFound; Conflict when the event's branch is merged or closed.
    """
    scope = _writable(session, actor, slug, event_id)
    row = _find(session, event_id, photo_id)
    note(session, actor, scope, "photo.delete", row.id, event_id=event_id, filename=row.original_filename)
    stored = _files(row)
    if row.origin_id is not None:
        repository.remember_removal(session, scope.branch_id, row.origin_id)
    repository.remove(session, row)
    return stored


def read_photo(
    session: Session, actor: Actor, slug: str, event_id: str, photo_id: str, *, is_thumbnail: bool = False
) -> PhotoFile | None:
    """The picture, or its small WebP; None for a link, which has no bytes. Errors: NotFound, also for a lost file."""
    _check_event(session, actor, slug, event_id)
    row = _find(session, event_id, photo_id)
    if row.storage_backend is None or row.storage_key is None:
        return None
    key = row.thumbnail_key if is_thumbnail and row.thumbnail_key else row.storage_key
    data = files.storage(row.storage_backend).get(key)
    if data is None:
        raise NotFound("The file of this photo is missing")
    return PhotoFile(data, row.content_type if key == row.storage_key else _THUMBNAIL_TYPE, row.original_filename)


def list_comments(session: Session, actor: Actor, slug: str, event_id: str, photo_id: str) -> list[PhotoCommentView]:
    """Remarks under the photo, oldest first. Errors: NotFound."""
    _check_event(session, actor, slug, event_id)
    return [_comment_view(row) for row in repository.comments(session, _find(session, event_id, photo_id).id)]


def create_comment(
    session: Session, actor: Actor, slug: str, event_id: str, photo_id: str, body: str, parent_id: str | None = None
) -> PhotoCommentView:
    """Remark, or reply to a remark under the same photo. Editors and owners.

    Errors: NotFound; BadRequest for a parent that is not under this photo; InvalidInput for a blank body; Conflict when the
    event's branch is merged or closed.
    """
    scope = _writable(session, actor, slug, event_id)
    photo = _find(session, event_id, photo_id)
    if not body.strip():
        raise InvalidInput("A comment must not be blank", field="body")
    if parent_id is not None and repository.comment(session, photo.id, parent_id) is None:
        raise BadRequest("The parent comment is not under this photo")
    row = EventPhotoComment(photo_id=photo.id, parent_id=parent_id, user_id=actor.user_id, body=body.strip())
    repository.add(session, row)
    note(session, actor, scope, "photo.comment", photo.id, comment_id=row.id)
    return _comment_view(row)


def delete_comment(session: Session, actor: Actor, slug: str, event_id: str, photo_id: str, comment_id: str) -> None:
    """Delete the remark with its replies. Editors and owners. Errors: NotFound; Conflict as `create_comment`."""
    scope = _writable(session, actor, slug, event_id)
    row = repository.comment(session, _find(session, event_id, photo_id).id, comment_id)
    if row is None:
        raise NotFound("Comment not found")
    repository.remove(session, row)
    note(session, actor, scope, "photo.delete_comment", photo_id, comment_id=comment_id)


def _check_event(session: Session, actor: Actor, slug: str, event_id: str) -> str:
    """The branch that holds the event."""
    project = projects.get_project(session, actor, slug)
    branch_id = repository.branch_of_event(session, project.id, event_id)
    if branch_id is None:
        raise NotFound("Event not found")
    return branch_id


def _writable(session: Session, actor: Actor, slug: str, event_id: str) -> BranchScope:
    actor.require_editor()
    scope = writable_branch(session, actor, slug, _check_event(session, actor, slug, event_id))
    _check_event(session, actor, slug, event_id)  # it may have been deleted while this waited for the branch
    return scope


def _find(session: Session, event_id: str, photo_id: str) -> EventPhoto:
    row = repository.photo(session, event_id, photo_id)
    if row is None:
        raise NotFound("Photo not found")
    return row


def _files(row: EventPhoto) -> list[StoredFile]:
    if row.storage_backend is None:
        return []
    return [StoredFile(row.storage_backend, key) for key in (row.storage_key, row.thumbnail_key) if key is not None]


def _view(row: EventPhoto) -> PhotoView:
    return PhotoView(
        id=row.id,
        event_id=row.event_id,
        project_id=row.project_id,
        kind=PhotoKind(row.kind),
        original_filename=row.original_filename,
        content_type=row.content_type,
        size_bytes=row.size_bytes,
        storage_backend=StorageBackend(row.storage_backend) if row.storage_backend else None,
        sort_order=row.sort_order,
        width=row.width,
        height=row.height,
        external_url=row.external_url,
        uploaded_by_user_id=row.uploaded_by_user_id,
        created_at=row.created_at,
    )


def _comment_view(row: EventPhotoComment) -> PhotoCommentView:
    return PhotoCommentView(row.id, row.photo_id, row.parent_id, row.user_id, row.body, row.created_at, row.updated_at)
