"""Photos as others see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PhotoKind(StrEnum):
    """A picture, or a link to a design."""

    PHOTO = "photo"
    FIGMA = "figma"


class StorageBackend(StrEnum):
    """Where a picture's file lies."""

    LOCAL = "local"
    GCS = "gcs"


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A picture of an event, or a link to a design, which has an `external_url` and no file."""

    id: str
    event_id: str
    project_id: str
    kind: PhotoKind
    original_filename: str
    content_type: str
    size_bytes: int
    storage_backend: StorageBackend | None
    sort_order: int
    width: int | None
    height: int | None
    external_url: str | None
    uploaded_by_user_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """The bytes of a picture with what a browser needs to show them."""

    data: bytes
    content_type: str
    filename: str


@dataclass(frozen=True, slots=True)
class PhotoCommentView:
    """A remark under a photo."""

    id: str
    photo_id: str
    parent_id: str | None
    user_id: str | None
    body: str
    created_at: datetime
    updated_at: datetime
