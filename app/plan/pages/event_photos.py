"""Photos of an event: pictures and designs with the remarks under them. The browser sends pictures over the HTTP route."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, InvalidInput
from app.plan.pages.plan_frame import PlanState
from app.plan.pages.words import text_of
from app.plan.photos import files
from app.plan.photos import service as photos
from app.plan.photos.views import PhotoKind
from components import (
    button,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    text_area,
    text_input,
    time_text,
    toast_done,
    toast_failed,
)
from components.format import ago, iso_utc, local_time
from components.inline_edit import form_refusal, icon_button


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


class EventPhotosState(PlanState):
    """The wall of photos, and the one that is open."""

    photos: list[PhotoCard] = []
    upload_to: str = ""
    shown: PhotoCard = PhotoCard()
    remarks: list[PhotoRemark] = []
    remark_error: str = ""
    replying_to: str = ""
    replying_to_who: str = ""
    is_linking: bool = False
    errors: dict[str, str] = {}

    @rx.event
    async def load(self) -> None:
        """Show the wall; the page's own load has found the event."""
        self.upload_to = f"/api/v1/projects/{self._slug()}/events/{self._route_value('event_id')}/photos"
        self.shown, self.is_linking = PhotoCard(), False
        await self._show()

    @rx.event
    async def open_photo(self, photo_id: str) -> None:
        """Open a photo with its remarks."""
        self.shown = next((card for card in self.photos if card.id == photo_id), PhotoCard())
        self.remark_error, self.replying_to = "", ""
        if self.shown.id:
            await self._show_remarks()

    @rx.event
    def set_open(self, is_open: bool) -> None:
        """Close the photo."""
        if not is_open:
            self.shown = PhotoCard()

    @rx.event
    def set_linking(self, is_open: bool) -> None:
        """Open an empty form for a design, or close it."""
        self.is_linking, self.errors = is_open, {}

    @rx.event
    async def link(self, form: dict[str, Any]) -> None:
        """Attach a Figma design."""
        try:
            await self._call(photos.attach_figma, *self._place(), text_of(form, "url"), text_of(form, "title"))
        except AppError as error:
            field = error.field if isinstance(error, InvalidInput) else ""
            self.errors = {"url" if field else "": error.message}
            return
        self.is_linking = False
        await self._show()

    @rx.event
    async def move(self, photo_id: str, step: int) -> None:
        """Change places with the neighbour."""
        ids = [card.id for card in self.photos]
        at = ids.index(photo_id) if photo_id in ids else -1
        if at >= 0 and 0 <= at + step < len(ids):
            ids[at], ids[at + step] = ids[at + step], ids[at]
            await self._call(photos.reorder_photos, *self._place(), ids)
            await self._show()

    @rx.event
    async def delete(self, photo_id: str) -> EventSpec:
        """Delete a photo with its remarks; its file goes once nothing names it."""
        try:
            stored = await self._call(photos.delete_photo, *self._place(), photo_id)
        except AppError as error:
            return toast_failed(error.message)
        self.shown = PhotoCard()
        await self._show()
        await asyncio.to_thread(files.remove_unreferenced, stored)
        return toast_done("Photo deleted")

    @rx.event
    async def remark(self, form: dict[str, Any]) -> None:
        """Write under the open photo, or under the remark that is being answered."""
        parent = self.replying_to or None
        try:
            await self._call(photos.create_comment, *self._place(), self.shown.id, str(form.get("body", "")), parent)
        except AppError as error:
            self.remark_error = error.message
            return
        self.remark_error, self.replying_to = "", ""
        await self._show_remarks()

    @rx.event
    def reply_to(self, remark_id: str) -> None:
        """Answer a remark; empty for a remark of its own again."""
        self.replying_to = remark_id
        self.replying_to_who = next((row.who for row in self.remarks if row.id == remark_id), "")

    @rx.event
    async def delete_remark(self, remark_id: str) -> None:
        """Delete a remark with its replies."""
        await self._call(photos.delete_comment, *self._place(), self.shown.id, remark_id)
        await self._show_remarks()

    def _place(self) -> tuple[str, str]:
        return self._slug(), self._route_value("event_id")

    async def _show(self) -> None:
        self.photos = await self._read(photo_cards, *self._place())

    async def _show_remarks(self) -> None:
        self.remarks = await self._read(photo_remarks, *self._place(), self.shown.id, self._zone())


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


def photos_section() -> rx.Component:
    """The wall, the ways to add to it, and the photo that is open."""
    state: Any = EventPhotosState
    nothing = empty_state("No photos yet", "Show where the event happens: a screenshot or a design says more than a sentence.")
    return rx.fragment(
        rx.cond(state.may_edit, _adding(state), rx.fragment()),
        rx.cond(
            state.photos.length() > 0,
            rx.el.ul(rx.foreach(state.photos, lambda card: _card(state, card)), class_name="photos"),
            nothing,
        ),
        _light_box(state),
        _link_dialog(state),
    )


def _adding(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.icon("upload", size=14, aria_hidden="true"),
            "Add pictures",
            rx.el.input(
                type="file",
                multiple=True,
                accept="image/png,image/jpeg,image/gif,image/webp",
                class_name="sr-only",
                custom_attrs={"data-upload-to": state.upload_to, "data-tells": "upload-note", "data-then": "photos-refresh"},
            ),
            class_name="btn btn-plain upload",
        ),
        button("Attach a Figma design", on_click=state.set_linking(True)),
        rx.el.button(
            "Show new pictures", id="photos-refresh", type="button", on_click=state.load, class_name="sr-only", tab_index=-1
        ),
        rx.el.p(id="upload-note", role="status", class_name="upload-note"),
        class_name="toolbar",
    )


def _card(state: Any, card: Any) -> rx.Component:
    picture = rx.cond(
        card.thumbnail != "",
        rx.el.img(src=card.thumbnail, alt="", loading="lazy"),
        rx.icon("pen-tool", size=28, aria_hidden="true"),
    )
    tools = rx.el.span(
        icon_button("chevron-left", f"Move {card.title} forward", state.move(card.id, -1)),
        icon_button("chevron-right", f"Move {card.title} back", state.move(card.id, 1)),
        class_name="row-actions",
    )
    return rx.el.li(
        rx.el.button(
            picture,
            rx.el.span(f"Open {card.title}", class_name="sr-only"),
            type="button",
            on_click=state.open_photo(card.id),
            class_name="photo-open",
        ),
        rx.el.div(rx.el.span(card.title), rx.cond(state.may_edit, tools, rx.fragment()), class_name="photo-line"),
        key=card.id,
        class_name="photo",
    )


def _light_box(state: Any) -> rx.Component:
    shown = state.shown
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(shown.title, class_name="dialog-title"),
            rx.dialog.description(shown.note, class_name="dialog-text"),
            rx.cond(
                shown.picture != "",
                rx.el.img(src=shown.picture, alt=shown.title),
                rx.el.p(
                    rx.el.a(
                        "Open the design in Figma", href=shown.link, target="_blank", rel="noopener noreferrer", class_name="link"
                    )
                ),
            ),
            rx.el.ol(rx.foreach(state.remarks, lambda row: _remark(state, row)), class_name="comments", aria_label="Comments"),
            rx.cond(state.may_edit, _remark_form(state), rx.fragment()),
            dialog_actions(
                rx.cond(state.may_edit, button("Delete photo", kind="danger", on_click=state.delete(shown.id)), rx.fragment()),
                button("Close", on_click=state.set_open(False)),
            ),
            class_name="dialog light-box",
        ),
        open=shown.id != "",
        on_open_change=state.set_open,
    )


def _remark(state: Any, row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong(row.who),
            time_text(row.when, row.iso, title=row.title),
            rx.cond(
                state.may_edit,
                rx.fragment(
                    icon_button("reply", f"Answer {row.who}", state.reply_to(row.id)),
                    icon_button("x", f"Delete comment of {row.who}", state.delete_remark(row.id)),
                ),
                rx.fragment(),
            ),
            class_name="comment-head",
        ),
        rx.el.p(row.body, class_name="comment-body"),
        class_name=rx.cond(row.is_reply, "comment comment-reply", "comment"),
    )


def _remark_form(state: Any) -> rx.Component:
    return rx.form(
        rx.cond(state.replying_to != "", rx.el.p(f"Answering {state.replying_to_who}", class_name="muted", role="status")),
        text_area(field_id="remark", name="body", rows=2, aria_label="Comment", placeholder="Comment"),
        form_refusal(state.remark_error),
        rx.el.div(
            rx.cond(state.replying_to != "", button("Do not answer", small=True, on_click=state.reply_to("")), rx.fragment()),
            button(rx.cond(state.replying_to != "", "Answer", "Comment"), type="submit", small=True),
            class_name="form-actions",
        ),
        on_submit=state.remark,
        reset_on_submit=True,
        class_name="comment-form",
    )


def _link_dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Link",
                text_input(field_id="url", name="url", type="url", required=True, auto_focus=True),
                field_id="url",
                hint="A file, prototype or design at figma.com. Nothing is fetched from there.",
                error=state.errors.get("url", ""),
            ),
            form_field("Title (optional)", text_input(field_id="title", name="title"), field_id="title"),
            form_refusal(state.errors.get("", "")),
            dialog_actions(button("Cancel", on_click=state.set_linking(False)), button("Attach", kind="primary", type="submit")),
            on_submit=state.link,
            reset_on_submit=False,
        ),
        title="Attach a Figma design",
        open_=state.is_linking,
        on_open_change=state.set_linking,
    )
