"""Photos of an event: pictures and designs with the remarks under them. The browser sends pictures over the HTTP route."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app.kernel.errors import AppError, InvalidInput
from app.plan.pages.comment_threads import CommentRow
from app.plan.pages.photo_parts import light_box, link_dialog, photo_card, ways_to_add
from app.plan.pages.photo_view import PhotoCard, photo_cards, photo_remarks
from app.plan.pages.plan_frame import PlanState
from app.plan.pages.words import text_of
from app.plan.photos import files
from app.plan.photos import service as photos
from components import (
    empty_state,
    toast_done,
    toast_failed,
)


class EventPhotosState(PlanState):
    """The wall of photos, and the one that is open."""

    photos: list[PhotoCard] = []
    upload_to: str = ""
    shown: PhotoCard = PhotoCard()
    remarks: list[CommentRow] = []
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


def photos_section() -> rx.Component:
    """The wall, the ways to add to it, and the photo that is open."""
    state: Any = EventPhotosState
    nothing = empty_state("No photos yet", "Show where the event happens: a screenshot or a design says more than a sentence.")
    return rx.fragment(
        rx.cond(state.may_edit, ways_to_add(state), rx.fragment()),
        rx.cond(
            state.photos.length() > 0,
            rx.el.ul(rx.foreach(state.photos, lambda card: photo_card(state, card)), class_name="photos"),
            nothing,
        ),
        light_box(state),
        link_dialog(state),
    )
