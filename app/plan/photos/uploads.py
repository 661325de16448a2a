"""An upload from bytes to a photo, with no transaction open while the picture is worked on and stored."""

from __future__ import annotations

import logging

from app.identity.contracts import Actor
from app.kernel.database import session_scope
from app.kernel.errors import PayloadTooLarge
from app.kernel.ids import new_id
from app.kernel.settings import get_settings
from app.plan.photos import files, service
from app.plan.photos.imaging import make_safe
from app.plan.photos.naming import check_declared_type, tidy_filename
from app.plan.photos.storage import StoredFile, photo_key, thumbnail_key
from app.plan.photos.views import PhotoView

log = logging.getLogger("plumbline.plan")


def largest_upload() -> int:
    """Bytes that a picture may have as it arrives."""
    return get_settings().photos.photo_max_bytes


def too_large() -> PayloadTooLarge:
    """What an upload beyond the bound is told."""
    return PayloadTooLarge(f"A picture has at most {largest_upload()} bytes")


def upload(actor: Actor, slug: str, event_id: str, *, filename: str | None, content_type: str | None, data: bytes) -> PhotoView:
    """Check, store and note down a picture; opens its own transactions and leaves no file behind when it fails.

    Editors and owners. Errors: NotFound; UnsupportedMedia for anything but JPEG, PNG, GIF and WebP; PayloadTooLarge;
    InvalidInput for an empty or unreadable picture; Conflict when the event's branch is merged or closed.
    """
    with session_scope(write=False) as session:
        service.check_upload(session, actor, slug, event_id)
    if len(data) > largest_upload():
        raise too_large()
    check_declared_type(content_type)
    image = make_safe(data)
    backend, photo_id = files.chosen_backend(), new_id()
    picture = StoredFile(backend, photo_key(event_id, photo_id, image.extension))
    thumbnail = StoredFile(backend, thumbnail_key(event_id, photo_id))
    place = files.storage(backend)
    try:
        place.put(picture.key, image.data, image.content_type)
        place.put(thumbnail.key, image.thumbnail, "image/webp")
        with session_scope() as session:
            return service.add_photo(
                session,
                actor,
                slug,
                event_id,
                photo_id=photo_id,
                filename=tidy_filename(filename, image.extension),
                image=image,
                picture=picture,
                thumbnail=thumbnail,
            )
    except BaseException:
        _discard(picture, thumbnail)
        raise


def _discard(*stored: StoredFile) -> None:
    try:
        files.remove_unreferenced(stored)
    except Exception:  # the first failure is the one to report, and a sweep finds the files later
        log.exception("the files of a failed upload stay for now")
