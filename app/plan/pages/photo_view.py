"""Photos of an event and the remarks under them, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.plan.pages.comment_threads import CommentRow, comment_rows
from app.plan.photos import service as photos
from app.plan.photos.views import PhotoKind


@dataclass(frozen=True)
class PhotoCard:
    """A photo as the wall shows it; a design has a `link` and no picture."""

    id: str = ""
    title: str = ""
    note: str = ""
    picture: str = ""
    thumbnail: str = ""
    link: str = ""


def photo_cards(session: Session, actor: Actor, slug: str, event_id: str) -> list[PhotoCard]:
    """The event's photos in their order."""
    base = f"/api/v1/projects/{slug}/events/{event_id}/photos"
    cards = []
    for entry in photos.list_photos(session, actor, slug, event_id):
        is_photo = entry.kind is PhotoKind.PHOTO
        picture = f"{base}/{entry.id}/file" if is_photo else ""
        cards.append(
            PhotoCard(
                id=entry.id,
                title=entry.original_filename,
                note=f"{entry.width} × {entry.height}" if is_photo and entry.width else "Figma",
                picture=picture,
                thumbnail=f"{picture}?size=thumbnail" if is_photo else "",
                link=entry.external_url or "",
            )
        )
    return cards


def photo_remarks(session: Session, actor: Actor, slug: str, event_id: str, photo_id: str, zone: ZoneInfo) -> list[CommentRow]:
    """Threads under the photo in the order they began."""
    names = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    return comment_rows(photos.list_comments(session, actor, slug, event_id, photo_id), names, zone, SYSTEM_CLOCK.now())
