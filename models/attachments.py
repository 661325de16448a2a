"""What people add to events and charts: photos with their comments, and annotations."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, moment_field, reference, text_field, updated_field


class EventPhoto(SQLModel, table=True):
    """A picture of an event, or a link to a design. Copies on a branch share the stored file and name their original."""

    __tablename__ = "event_photos"

    id: str = id_field()
    event_id: str = reference("events.id")
    project_id: str = reference("projects.id")
    kind: str = Field(default="photo", max_length=16)
    original_filename: str = Field(max_length=500)
    content_type: str = Field(max_length=100)
    size_bytes: int = 0
    storage_backend: str | None = Field(default=None, max_length=16)
    storage_key: str | None = Field(default=None, max_length=500, index=True)
    thumbnail_key: str | None = Field(default=None, max_length=500, index=True)
    width: int | None = None
    height: int | None = None
    external_url: str | None = Field(default=None, max_length=2000)
    sort_order: int = 0
    origin_id: str | None = Field(default=None, max_length=36)
    uploaded_by_user_id: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_at: datetime = created_field()


class RemovedPhoto(SQLModel, table=True):
    """A photo of main whose copy was deleted on a branch: the merge deletes the original too."""

    __tablename__ = "removed_photos"

    branch_id: str = Field(foreign_key="plan_branches.id", ondelete="CASCADE", primary_key=True, max_length=64)
    photo_id: str = Field(foreign_key="event_photos.id", ondelete="CASCADE", primary_key=True, max_length=64, index=True)


class EventPhotoComment(SQLModel, table=True):
    """A remark under a photo; replies name their parent."""

    __tablename__ = "event_photo_comments"

    id: str = id_field()
    photo_id: str = reference("event_photos.id")
    parent_id: str | None = reference("event_photo_comments.id", nullable=True, index=False)
    user_id: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    body: str = text_field()
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class ChartAnnotation(SQLModel, table=True):
    """A mark on a chart at a bucket; without a scope it shows on every chart of the project."""

    __tablename__ = "chart_annotations"

    id: str = id_field()
    project_id: str = reference("projects.id")
    scope_type: str | None = Field(default=None, max_length=32)
    scope_ref: str | None = Field(default=None, max_length=120)
    bucket: datetime = moment_field(index=True)
    label: str = Field(max_length=200)
    description: str | None = text_field(None)
    color: str = Field(default="#ef4444", max_length=20)
    created_by_user_id: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_at: datetime = created_field()
