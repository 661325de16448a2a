"""Erasures: everything about one person removed from the project, with a signed proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import reflex as rx
from reflex.event import EventSpec

from app.erasure import service
from app.erasure.pages.erasures_view import ErasuresView, erasures_view
from app.frame import project_frame, slug_var
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, follow_view, page_body
from app.presentation import Phase
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    job_progress,
    page_header,
    section,
    text_input,
    time_text,
    toast_done,
)
from components.downloads import download_link
from components.shell import Crumb

POLL_SECONDS: Final = 0.7
GOES: Final = (
    "Events, log lines and security events that name the id as theirs, also where its pseudonym stands",
    "Refused records, scores and security alerts of the person, counts under the id",
    "The id in evidence, previews and samples",
)
STAYS: Final = (
    "Audit records, whose chain would break, and this instance's own audit log, which knows only a keyed hash of the id",
    "Counts without ids, and free text that merely mentions the id",
    "Backups made before: delete them, or erase again after restoring one",
    "What arrives from now on: this is no block list, so stop sending first",
)


class ErasuresState(LoadedState):
    """Erasures of the open project, read again while one is under way."""

    view: ErasuresView = ErasuresView()
    user_id: str = ""
    is_asking: bool = False
    id_error: str = ""
    refusal: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page, and watch while an erasure lives."""
        if self._begin(f"erasures/{self._slug()}"):
            self.view = ErasuresView()
            yield None
        self.user_id, self.is_asking, self.refusal, self.id_error = "", False, "", ""
        with self._loading():
            await self._enter()
            await self._show()
        if self.phase == Phase.READY and self.view.is_live:
            yield ErasuresState.watch

    async def _show(self) -> None:
        self.view = await self._read(erasures_view, self._slug(), self._zone(), SYSTEM_CLOCK.now())

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the rows until nothing is under way or the page is left."""
        async with self:
            slug, zone = self._slug(), self._zone()
        await follow_view(self, POLL_SECONDS, lambda: self._read(erasures_view, slug, zone, SYSTEM_CLOCK.now()))

    @rx.event
    def ask(self, form: dict[str, Any]) -> None:
        """Ask for confirmation."""
        self.user_id, self.refusal = str(form.get("user_id", ""))[: service.LONGEST_ID + 1], ""
        self.is_asking = bool(self.user_id.strip())
        self.id_error = "" if self.is_asking else "Type the id of the person"

    @rx.event
    def set_asking(self, is_open: bool) -> None:
        """Open or close the question; closing forgets the id."""
        self.is_asking, self.refusal = bool(is_open), ""
        if not is_open:
            self.user_id = ""

    @rx.event
    async def confirm(self, form: dict[str, Any]) -> AsyncIterator[EventSpec]:
        """Erase, once the project's name in addresses was typed."""
        if not self.is_asking:
            return  # the second of two quick presses
        if str(form.get("confirmation", "")).strip() != self._slug():
            self.refusal = f"Type {self._slug()} to confirm"
            return
        try:
            await self._call(service.request_erasure, self._slug(), self.user_id, SYSTEM_CLOCK.now())
        except AppError as refusal:
            self.refusal = refusal.message
            return
        self.user_id, self.is_asking, self.refusal = "", False, ""
        await self._show()
        yield toast_done("The erasure has begun. It goes on when this page is closed.")
        yield ErasuresState.watch


@page(route="/p/[slug]/erasures", title="Erasures · Plumbline", on_load=ErasuresState.load)
def erasures_page() -> rx.Component:
    """The page."""
    state: Any = ErasuresState
    return project_frame(
        page_header(
            "Erasures", note="Removes everything that was received about one person, and proves it with a signed certificate."
        ),
        page_body(
            state,
            _form(state),
            rx.cond(
                state.view.is_live,
                section("Under way", job_progress(state.view.percent, state.view.phase, label="Progress of the erasure")),
                rx.fragment(),
            ),
            _list(state),
            _question(state),
            on_retry=state.load,
        ),
        active="erasures",
        crumbs=[Crumb("Erasures")],
    )


def _form(state: Any) -> rx.Component:
    return section(
        "Erase a person",
        rx.el.form(
            form_field(
                "User id",
                text_input(
                    field_id="erase-user",
                    name="user_id",
                    required=True,
                    max_length=service.LONGEST_ID,
                    auto_complete="off",
                    spell_check=False,
                ),
                field_id="erase-user",
                hint="As records carry it: user_id, distinct_id or the actor's id.",
                error=state.id_error,
            ),
            rx.el.div(button("Erase…", kind="danger", type="submit"), class_name="form-actions"),
            on_submit=state.ask,
            reset_on_submit=True,
            class_name="erase-form",
        ),
        rx.el.div(
            rx.el.div(rx.el.h3("Goes"), rx.el.ul(*[rx.el.li(text) for text in GOES])),
            rx.el.div(rx.el.h3("Stays"), rx.el.ul(*[rx.el.li(text) for text in STAYS])),
            class_name="erase-scope",
        ),
    )


def _list(state: Any) -> rx.Component:
    return section(
        "Erasures",
        data_table(
            [
                Column("Person", lambda row: rx.el.code(row.person), width="100px"),
                Column("State", lambda row: badge(row.state, row.tone, dot=True), width="110px"),
                Column("Removed", lambda row: rx.el.span(row.detail)),
                Column("Asked", lambda row: time_text(row.asked_at, row.asked_iso), secondary=True, width="160px"),
                Column("By", lambda row: row.asked_by, secondary=True),
                Column("Proof", _proof, width="130px"),
            ],
            state.view.rows,
            caption="Erasures of this project",
            empty=empty_state("Nobody was erased from this project", "An erasure stays listed here with its proof."),
        ),
        note="A person is shown by the beginning of a keyed hash; the id itself is forgotten once the work is done.",
    )


def _proof(row: Any) -> rx.Component:
    return rx.cond(
        row.proof_href != "",
        download_link("Certificate", href=row.proof_href, small=True),
        rx.el.span("not yet", class_name="muted"),
    )


def _question(state: Any) -> rx.Component:
    return dialog(
        rx.el.form(
            form_field(
                "Type the project's name in the address to confirm",
                text_input(field_id="erase-confirm", name="confirmation", auto_complete="off", spell_check=False),
                field_id="erase-confirm",
                hint=rx.el.span("It is ", rx.el.code(slug_var())),
                error=state.refusal,
            ),
            dialog_actions(
                button("Cancel", type="button", on_click=state.set_asking(False)),
                button("Erase for good", kind="danger", type="submit"),
            ),
            on_submit=state.confirm,
            reset_on_submit=False,
        ),
        title="Erase this person's records?",
        description=rx.fragment("Records of ", rx.el.code(state.user_id), " are removed for good; nothing brings them back."),
        open_=state.is_asking,
        on_open_change=state.set_asking,
    )
