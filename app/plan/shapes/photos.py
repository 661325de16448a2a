"""Bodies of the routes tagged event-photos, field by field as the contract has them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from app.kernel.text import PlainText
from app.plan.photos.views import PhotoKind, PhotoView, StorageBackend
from app.plan.shapes.value_types import Id, Response


class EventPhotoReorder(BaseModel):
    """Every photo of the event, in the wanted order."""

    photo_ids: list[Id] = Field(max_length=1000)


class EventPhotoFigmaCreate(BaseModel):
    """A link to a design."""

    url: PlainText = Field(min_length=1, max_length=2000)
    title: PlainText = Field("", max_length=500)


class EventPhotoCommentCreate(BaseModel):
    """A remark to make."""

    body: PlainText = Field(min_length=1, max_length=4000)
    parent_id: Id | None = None


class EventPhotoResponse(Response):
    """A photo; `url` is where its picture or its design is found."""

    id: str
    event_id: str
    project_id: str
    kind: PhotoKind
    original_filename: str
    content_type: str
    size_bytes: int
    storage_backend: StorageBackend | None
    sort_order: int
    url: str
    external_url: str | None
    uploaded_by_user_id: str | None
    created_at: datetime


class EventPhotoCommentResponse(Response):
    """A remark."""

    id: str
    photo_id: str
    parent_id: str | None
    user_id: str | None
    body: str
    created_at: datetime
    updated_at: datetime


def photo_response(slug: str, photo: PhotoView) -> EventPhotoResponse:
    """The wire form of a photo of the project."""
    url = photo.external_url or f"/api/v1/projects/{slug}/events/{photo.event_id}/photos/{photo.id}/file"
    return EventPhotoResponse(
        id=photo.id,
        event_id=photo.event_id,
        project_id=photo.project_id,
        kind=photo.kind,
        original_filename=photo.original_filename,
        content_type=photo.content_type,
        size_bytes=photo.size_bytes,
        storage_backend=photo.storage_backend,
        sort_order=photo.sort_order,
        url=url,
        external_url=photo.external_url,
        uploaded_by_user_id=photo.uploaded_by_user_id,
        created_at=photo.created_at,
    )
