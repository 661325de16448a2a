"""Routes tagged event-photos (contract section 14)."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Response, UploadFile

from app.http import PROJECT, Caller, Db, Editor, WaitingEditor
from app.plan.api.bounded_uploads import BoundedUploadRoute
from app.plan.photos import files, service, uploads
from app.plan.shapes.photos import (
    EventPhotoCommentCreate,
    EventPhotoCommentResponse,
    EventPhotoFigmaCreate,
    EventPhotoReorder,
    EventPhotoResponse,
    photo_response,
)

router = APIRouter(tags=["event-photos"])
_uploads = APIRouter(tags=["event-photos"], route_class=BoundedUploadRoute)

PHOTOS = PROJECT + "/events/{event_id}/photos"
PHOTO = PHOTOS + "/{photo_id}"


class Size(StrEnum):
    """Which of a photo's pictures."""

    FULL = "full"
    THUMBNAIL = "thumbnail"


@router.get(PHOTOS, operation_id="list_event_photos")
def list_event_photos(slug: str, event_id: UUID, session: Db, actor: Caller) -> list[EventPhotoResponse]:
    """The event's photos in their order."""
    return [photo_response(slug, photo) for photo in service.list_photos(session, actor, slug, str(event_id))]


@_uploads.post(PHOTOS, operation_id="upload_event_photo", status_code=201)
def upload_event_photo(slug: str, event_id: UUID, file: UploadFile, actor: WaitingEditor) -> EventPhotoResponse:
    """Add a picture: JPEG, PNG, GIF or WebP. It is encoded again without anything but its pixels."""
    data = file.file.read(uploads.largest_upload() + 1)
    photo = uploads.upload(actor, slug, str(event_id), filename=file.filename, content_type=file.content_type, data=data)
    return photo_response(slug, photo)


router.routes.extend(_uploads.routes)


@router.patch(PHOTOS + "/reorder", operation_id="reorder_event_photos")
def reorder_event_photos(
    slug: str, event_id: UUID, body: EventPhotoReorder, session: Db, actor: Editor
) -> list[EventPhotoResponse]:
    """Put the photos into this order."""
    wanted = [str(photo_id) for photo_id in body.photo_ids]
    return [photo_response(slug, photo) for photo in service.reorder_photos(session, actor, slug, str(event_id), wanted)]


@router.delete(PHOTO, operation_id="delete_event_photo", status_code=204)
def delete_event_photo(slug: str, event_id: UUID, photo_id: UUID, session: Db, actor: Editor, background: BackgroundTasks) -> None:
    """Delete the photo; its file stays as long as a copy on a branch shows it."""
    stored = service.delete_photo(session, actor, slug, str(event_id), str(photo_id))
    background.add_task(files.remove_unreferenced, stored)  # runs after the commit and after the answer


@router.get(
    PHOTO + "/file",
    operation_id="download_event_photo",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}}, 204: {"description": "A link to a design has no bytes"}},
)
def download_event_photo(slug: str, event_id: UUID, photo_id: UUID, session: Db, actor: Caller, size: Size = Size.FULL) -> Response:
    """The picture itself."""
    is_thumbnail = size is Size.THUMBNAIL
    found = service.read_photo(session, actor, slug, str(event_id), str(photo_id), is_thumbnail=is_thumbnail)
    if found is None:
        return Response(status_code=204)
    headers = {
        "Cache-Control": "private, max-age=300",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(found.filename, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.data, media_type=found.content_type, headers=headers)


@router.post(PHOTOS + "/figma", operation_id="attach_figma_spec", status_code=201)
def attach_figma_spec(slug: str, event_id: UUID, body: EventPhotoFigmaCreate, session: Db, actor: Editor) -> EventPhotoResponse:
    """Add a link to a Figma design."""
    return photo_response(slug, service.attach_figma(session, actor, slug, str(event_id), body.url, body.title))


@router.get(PHOTO + "/comments", operation_id="list_photo_comments")
def list_photo_comments(slug: str, event_id: UUID, photo_id: UUID, session: Db, actor: Caller) -> list[EventPhotoCommentResponse]:
    """Remarks under the photo, oldest first."""
    found = service.list_comments(session, actor, slug, str(event_id), str(photo_id))
    return [EventPhotoCommentResponse.model_validate(comment) for comment in found]


@router.post(PHOTO + "/comments", operation_id="create_photo_comment", status_code=201)
def create_photo_comment(
    slug: str, event_id: UUID, photo_id: UUID, body: EventPhotoCommentCreate, session: Db, actor: Editor
) -> EventPhotoCommentResponse:
    """Remark, or reply to a remark."""
    parent_id = None if body.parent_id is None else str(body.parent_id)
    found = service.create_comment(session, actor, slug, str(event_id), str(photo_id), body.body, parent_id)
    return EventPhotoCommentResponse.model_validate(found)


@router.delete(PHOTO + "/comments/{comment_id}", operation_id="delete_photo_comment", status_code=204)
def delete_photo_comment(slug: str, event_id: UUID, photo_id: UUID, comment_id: UUID, session: Db, actor: Editor) -> None:
    """Delete the remark with its replies."""
    service.delete_comment(session, actor, slug, str(event_id), str(photo_id), str(comment_id))
