"""Revisions: what main held when, and what changed between any two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.plan.branching import service as branching
from app.plan.pages.differences import counted, counts_text, groups_of
from app.plan.pages.words import text_of
from app.presentation import Phase, page_number
from app.ui import page
from components import (
    Crumb,
    button,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    page_header,
    pager,
    section,
    text_area,
    time_text,
    toast_done,
)
from components.diff_view import DiffGroup, diff_view
from components.format import ago, iso_utc, local_time

PAGE_SIZE = 30


@dataclass(frozen=True)
class RevisionRow:
    """A revision as the time line shows it."""

    id: str
    summary: str
    who: str
    when: str
    iso: str
    title: str
    counts: str


@dataclass(frozen=True)
class Comparison:
    """What changed between two revisions."""

    title: str = ""
    counted: str = ""
    groups: list[DiffGroup] | None = None


class RevisionsState(LoadedState):
    """One page of the time line, and the two revisions that the address compares."""

    rows: list[RevisionRow] = []
    total: int = 0
    page_number: int = 1
    first: int = 0
    last: int = 0
    old_id: str = ""
    new_id: str = ""
    title: str = ""
    counted: str = ""
    groups: list[DiffGroup] = []
    may_create: bool = False
    is_creating: bool = False
    error: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(f"revisions/{self._slug()}"):
            self.is_creating = False
            yield
        query = self.router.url.query_parameters
        self.page_number = page_number(query.get("page", "1"))
        self.old_id, self.new_id = query.get("from", "")[:64], query.get("to", "")[:64]
        try:
            await self._enter()
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def pick(self, side: str, revision_id: str) -> EventSpec:
        """Take a revision as the older or the newer side."""
        return self._go(**{side: revision_id})

    @rx.event
    def stop_comparing(self) -> EventSpec:
        """Back to the time line alone."""
        return self._go(**{"from": "", "to": ""})

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.page_number + step)))

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self.is_creating, self.error = is_open, ""

    @rx.event
    async def create(self, form: dict[str, Any]) -> EventSpec | None:
        """Keep main as it is now."""
        summary = text_of(form, "summary")
        if len(summary) > 2000:
            self.error = "A summary has at most 2000 characters"
            return None
        try:
            await self._call(branching.create_revision, self._slug(), summary)
        except AppError as error:
            self.error = error.message
            return None
        self.is_creating = False
        await self._show()
        return toast_done("Revision kept")

    async def _show(self) -> None:
        found = await self._read(revision_rows, self._slug(), self.page_number, self._zone())
        self.rows, self.total, self.may_create = found
        self.first = (self.page_number - 1) * PAGE_SIZE + 1 if self.rows else 0
        self.last = self.first + len(self.rows) - 1 if self.rows else 0
        self.groups, self.title, self.counted = [], "", ""
        if self.old_id and self.new_id:
            compared = await self._read(comparison, self._slug(), self.old_id, self.new_id, self._zone())
            self.title, self.counted, self.groups = compared.title, compared.counted, compared.groups or []

    def _go(self, **changed: str) -> EventSpec:
        now = {"from": self.old_id, "to": self.new_id, "page": str(self.page_number), **changed}
        query = urlencode({key: value for key, value in now.items() if value and (key, value) != ("page", "1")})
        path = ui_paths.project_revisions(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)


def revision_rows(
    session: Session, actor: Actor, slug: str, page_number: int, zone: ZoneInfo
) -> tuple[list[RevisionRow], int, bool]:
    """One page of revisions, newest first, how many there are, and whether the viewer may keep another."""
    now = SYSTEM_CLOCK.now()
    found = branching.list_revisions(session, actor, slug, limit=PAGE_SIZE, offset=(page_number - 1) * PAGE_SIZE)
    names = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    rows = [
        RevisionRow(
            id=entry.id,
            summary=entry.summary or "Without a summary",
            who=names.get(entry.created_by or "", "Plumbline"),
            when=ago(entry.created_at, now),
            iso=iso_utc(entry.created_at),
            title=local_time(entry.created_at, zone, now=now),
            counts=counts_text(entry.entity_counts),
        )
        for entry in found.items
    ]
    return rows, found.total, actor.role in (UserRole.EDITOR, UserRole.OWNER)


def comparison(session: Session, actor: Actor, slug: str, old_id: str, new_id: str, zone: ZoneInfo) -> Comparison:
    """What changed from the one to the other. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    entries = branching.diff_revisions(session, actor, slug, new_id, old_id)
    old, new = (branching.get_revision(session, actor, slug, revision_id).summary for revision_id in (old_id, new_id))
    times = [local_time(entry.created_at, zone, now=now) for entry in (old, new)]
    return Comparison(f"From {times[0]} to {times[1]}", counted(entries), groups_of(entries))


@page(route="/p/[slug]/revisions", title="Revisions · Plumbline", on_load=RevisionsState.load)
def revisions_page() -> rx.Component:
    """The page."""
    state: Any = RevisionsState
    create = button(
        rx.icon("plus", size=14), "New revision", kind="primary", on_click=state.set_creating(True), custom_attrs={"data-key": "n"}
    )
    return project_frame(
        page_body(
            state,
            page_header(
                "Revisions",
                rx.cond(state.may_create & (state.rows.length() > 0), create, rx.fragment()),
                note="Snapshots of main. One is kept before each branch and after each merge; pick two to compare them.",
            ),
            _comparison(state),
            rx.cond(
                state.rows.length() > 0,
                rx.fragment(
                    rx.el.ol(
                        rx.foreach(state.rows, lambda row: _revision(state, row)), class_name="history", aria_label="Revisions"
                    ),
                    pager(
                        state.first,
                        state.last,
                        state.total,
                        on_previous=state.turn(-1),
                        on_next=state.turn(1),
                        noun="revisions",
                    ),
                ),
                rx.cond(
                    state.may_create,
                    empty_state("No revisions yet", "Keep main as it is now, to see later what has changed since.", create),
                    empty_state("No revisions yet", "The first is kept when somebody makes a branch."),
                ),
            ),
            _create_dialog(state),
            on_retry=state.load,
            what="revision",
        ),
        active="revisions",
        crumbs=[Crumb("Revisions")],
    )


def _comparison(state: Any) -> rx.Component:
    is_half = ((state.old_id != "") | (state.new_id != "")) & (state.title == "")
    return rx.cond(
        state.title != "",
        section(
            "Comparison",
            diff_view(
                state.groups,
                old="Before",
                new="After",
                empty=empty_state("No differences", "Both revisions hold the same plan."),
            ),
            note=f"{state.title}: {state.counted}",
            actions=[button("Close", small=True, on_click=state.stop_comparing)],
        ),
        rx.cond(is_half, rx.el.p("Pick the other revision to compare with.", class_name="notice", role="status"), rx.fragment()),
    )


def _revision(state: Any, row: Any) -> rx.Component:
    sides = (("from", "Before", state.old_id), ("to", "After", state.new_id))
    picks = rx.el.span(
        *[
            rx.el.button(
                word,
                type="button",
                aria_pressed=rx.cond(chosen == row.id, "true", "false"),
                aria_label=f"Take “{row.summary}” as {word.lower()}",
                class_name="segment",
                on_click=state.pick(side, row.id),
            )
            for side, word, chosen in sides
        ],
        class_name="segmented",
    )
    return rx.el.li(
        rx.el.div(
            rx.el.p(rx.el.strong(row.summary)),
            rx.el.p(row.who, ", ", time_text(row.when, row.iso, title=row.title), ". ", row.counts, class_name="history-when"),
            picks,
            class_name="revision",
        ),
    )


def _create_dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Summary (optional)",
                text_area(field_id="summary", name="summary", rows=2, auto_focus=True),
                field_id="summary",
                hint="What this state of the plan is, for example “Before the relaunch”.",
                error=state.error,
            ),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)), button("Keep revision", kind="primary", type="submit")
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="New revision",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
