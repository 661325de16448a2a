"""Photos of an event and the remarks under them, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.plan.photos import service as photos
from app.plan.photos.views import PhotoKind
from components.format import ago, iso_utc, local_time


@dataclass(frozen=True)
class PhotoCard:
    """A photo as the wall shows it; a design has a `link` and no picture."""

    id: str = ""
    title: str = ""
    note: str = ""
    picture: str = ""
    thumbnail: str = ""
    link: str = ""


@dataclass(frozen=True)
class PhotoRemark:
    """A remark under a photo."""

    id: str
    who: str
    body: str
    when: str
    iso: str
    title: str
    is_reply: bool


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


def photo_remarks(session: Session, actor: Actor, slug: str, event_id: str, photo_id: str, zone: ZoneInfo) -> list[PhotoRemark]:
    """Remarks under the photo, oldest first, each followed by its answers."""
    now = SYSTEM_CLOCK.now()
    names = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    entries = photos.list_comments(session, actor, slug, event_id, photo_id)
    parents = {entry.id: entry.parent_id for entry in entries}
    age = {entry.id: number for number, entry in enumerate(entries)}

    def thread(comment_id: str) -> list[int]:
        parent = parents.get(comment_id)
        return [*(thread(parent) if parent else []), age.get(comment_id, 0)]

    return [
        PhotoRemark(
            id=entry.id,
            who=names.get(entry.user_id or "", "somebody who left"),
            body=entry.body,
            when=ago(entry.created_at, now),
            iso=iso_utc(entry.created_at),
            title=local_time(entry.created_at, zone, now=now),
            is_reply=entry.parent_id is not None,
        )
        for entry in sorted(entries, key=lambda entry: thread(entry.id))
    ]
