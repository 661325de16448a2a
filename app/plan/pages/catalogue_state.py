"""The state of the catalogue of events: what its address asks for, the selection, and what is done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.contracts import EventStatus
from app.plan.drafts import BulkChanges
from app.plan.pages.catalogue_view import (
    PAGE_SIZE,
    SORTS,
    CatalogueRow,
    Query,
    add_tag,
    bulk_consequences,
    catalogue_view,
    event_draft,
    required_values,
)
from app.plan.pages.event_view import ValueRow
from app.plan.pages.plan_frame import PlanState
from app.plan.pages.saved_views import SavedViewsState
from app.plan.pages.words import plural, text_of
from app.presentation import STATUS_WORDS, Phase, page_number
from app.ui import field_errors
from components import toast_done, toast_failed

_USUAL: dict[str, str | int] = {"branch": "", "q": "", "status": "", "type": "", "tag": "", "sort": "-volume", "page": 1}


class CatalogueState(PlanState):
    """One page of the catalogue. Branch, search, filters, sort and page live in the address; the selection does not."""

    search: str = ""
    status: str = ""
    type_id: str = ""
    tag: str = ""
    sort: str = "-volume"
    rows: list[CatalogueRow] = []
    type_choices: list[list[str]] = []
    tag_choices: list[list[str]] = []
    first: int = 0
    last: int = 0
    total: int = 0
    page_number: int = 1
    is_filtered: bool = False
    selected: list[str] = []
    is_creating: bool = False
    new_type: str = ""
    required: list[ValueRow] = []
    errors: dict[str, str] = {}
    is_deleting: bool = False
    doomed_count: int = 0
    consequences: list[str] = []

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(f"events/{slug}/{self._branch()}"):
            self.selected, self.is_creating, self.is_deleting = [], False, False
            yield
        query = self.router.url.query_parameters
        self.search, self.tag, self.type_id = query.get("q", "")[:200], query.get("tag", "")[:100], query.get("type", "")[:64]
        self.status = query.get("status", "") if query.get("status", "") in STATUS_WORDS else ""
        self.sort = query.get("sort", "") if query.get("sort", "").lstrip("-") in SORTS else "-volume"
        self.page_number = page_number(query.get("page", "1"))
        self.is_filtered = bool(self.search or self.status or self.type_id or self.tag)
        try:
            await self._enter_plan(ui_paths.project_events(slug))
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)
            return
        yield SavedViewsState.load

    @rx.event
    def type_search(self, text: str) -> EventSpec:
        """Another search begins on the first page."""
        self.search = text
        return self._go(q=text, page=1)

    @rx.event
    def choose_status(self, status: str) -> EventSpec:
        """Only events of this status; empty for all."""
        return self._go(status=status, page=1)

    @rx.event
    def choose_type(self, type_id: str) -> EventSpec:
        """Only events of this type; empty for all."""
        return self._go(type=type_id, page=1)

    @rx.event
    def choose_tag(self, tag: str) -> EventSpec:
        """Only events with this tag; empty for all."""
        return self._go(tag=tag, page=1)

    @rx.event
    def sort_by(self, key: str) -> EventSpec:
        """The same key again turns the order; figures and times begin with the largest."""
        falling = f"-{key}"
        begins = falling if key in ("volume", "seen") else key
        other = key if begins == falling else falling
        return self._go(sort=other if self.sort == begins else begins, page=1)

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=max(1, self.page_number + step))

    @rx.event
    async def set_status(self, event_id: str, status: str) -> EventSpec | None:
        """Another status for one event."""
        try:
            await self._call(plan.update_event, self._slug(), event_id, {"status": EventStatus(status)}, branch=self._branch())
        except AppError as error:
            await self._show()
            return toast_failed(error.message)
        await self._show()
        return None

    @rx.event
    def toggle(self, event_id: str) -> None:
        """Select an event, or no longer."""
        kept = [chosen for chosen in self.selected if chosen != event_id]
        self.selected = kept if len(kept) < len(self.selected) else [*kept, event_id]

    @rx.event
    def select_shown(self) -> None:
        """Select every event of this page of the list."""
        self.selected = list(dict.fromkeys([*self.selected, *(row.id for row in self.rows)]))

    @rx.event
    def clear_selection(self) -> None:
        """Select nothing."""
        self.selected = []

    @rx.event
    async def bulk_status(self, status: str) -> EventSpec | None:
        """The same status for every selected event."""
        if status not in STATUS_WORDS:
            return None
        changes = BulkChanges(status=EventStatus(status))
        await self._call(plan.bulk_update_events, self._slug(), list(self.selected), changes, branch=self._branch())
        await self._show()
        return toast_done(f"{plural(len(self.selected), 'event')} moved to {STATUS_WORDS[status]}")

    @rx.event
    async def bulk_tag(self, form: dict[str, Any]) -> EventSpec | None:
        """One more tag on every selected event."""
        tag = text_of(form, "tag")
        if not tag:
            return None
        await self._call(add_tag, self._slug(), list(self.selected), tag, self._branch())
        await self._show()
        return toast_done(f"{plural(len(self.selected), 'event')} tagged {tag.lower()}")

    @rx.event
    async def ask_delete(self) -> None:
        """Say what the deletion would take along."""
        self.consequences = await self._read(bulk_consequences, self._slug(), list(self.selected), self._branch())
        self.is_deleting, self.errors, self.doomed_count = True, {}, len(self.selected)

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> EventSpec | None:
        """Delete every selected event."""
        try:
            await self._call(plan.bulk_delete_events, self._slug(), list(self.selected), branch=self._branch())
        except AppError as error:
            self.errors = {"": error.message}
            return None
        count, self.selected, self.is_deleting = len(self.selected), [], False
        await self._show()
        return toast_done(f"{plural(count, 'event')} deleted")

    @rx.event
    async def set_creating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self.is_creating, self.errors = is_open, {}
        if is_open:
            known = [choice[0] for choice in self.type_choices]
            await self._choose(self.type_id if self.type_id in known else next(iter(known), ""))

    @rx.event
    async def choose_new_type(self, type_id: str) -> None:
        """The form asks for what this type requires."""
        await self._choose(type_id)

    @rx.event
    async def create(self, form: dict[str, Any]) -> EventSpec | None:
        """Make the event and go to its page."""
        missing = {row.key: f"{row.label} must have a value" for row in self.required if not text_of(form, row.key)}
        if missing:
            self.errors = missing
            return None
        draft = event_draft(form, self.new_type, self.required)
        try:
            made = await self._call(plan.create_event, self._slug(), draft, branch=self._branch())
        except AppError as error:
            self.errors = field_errors(error, taken="name")
            return None
        self.is_creating = False
        return rx.redirect(self._on_branch(ui_paths.project_event(self._slug(), made.id)))

    async def _choose(self, type_id: str) -> None:
        self.new_type = type_id
        self.required = await self._read(required_values, self._slug(), type_id, self._branch())

    async def _show(self) -> None:
        query = Query(self.search, self.status, self.type_id, self.tag, self.sort, self.page_number)
        found = await self._read(catalogue_view, self._slug(), self._branch(), query, self._zone())
        self.rows, self.total, self.type_choices, self.tag_choices = found.rows, found.total, found.types, found.tags
        self.first = (self.page_number - 1) * PAGE_SIZE + 1 if self.rows else 0
        self.last = self.first + len(self.rows) - 1 if self.rows else 0

    def _go(self, **changed: str | int) -> EventSpec:
        now: dict[str, str | int] = {
            "branch": self._branch(),
            "q": self.search,
            "status": self.status,
            "type": self.type_id,
            "tag": self.tag,
            "sort": self.sort,
            "page": self.page_number,
            **changed,
        }
        query = urlencode({key: value for key, value in now.items() if value != _USUAL[key]})
        path = ui_paths.project_events(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)
