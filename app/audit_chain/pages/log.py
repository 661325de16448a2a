"""The own audit log: who changed what in this instance, how far it is sealed, and whether the seal holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.audit_chain import service
from app.audit_chain.pages.log_view import PERIODS, LogView, Query, VerifyView, log_view, note_look, verify_view
from app.frame import workspace_frame
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.presentation import page_number
from app.ui import page
from components import (
    Column,
    badge,
    button,
    code_block,
    data_table,
    empty_state,
    job_progress,
    kpi,
    kpi_row,
    link_button,
    notice,
    page_header,
    pager,
    search_input,
    section,
    segmented,
    select_input,
    side_panel,
    time_text,
    toolbar,
)
from components.shell import Crumb

LONGEST = 300
_DEFAULTS = asdict(Query())


class AuditLogState(LoadedState):
    """The own audit log; its filters live in the address."""

    view: LogView = LogView()
    query: Query = Query()
    check: VerifyView = VerifyView()
    is_checking: bool = False
    opened: str = ""
    opened_title: str = ""
    _check_run: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address, and note that somebody read the log."""
        if self._begin("audit log"):
            self.view, self.check = LogView(), VerifyView()
            yield
        given = self.router.url.query_parameters
        query = Query(
            days=given.get("days", "30") if given.get("days", "30") in PERIODS else "30",
            page=page_number(given.get("page", "1")),
            reads="1" if given.get("reads") else "",
            **{name: given.get(name, "")[:LONGEST].replace("\x00", "") for name in ("project", "action", "person")},
        )
        self.query, self.opened = query, ""
        with self._loading():
            self.view = await self._read(log_view, query, self._zone())
            self.query = query = replace(query, page=self.view.page)
            await self._call(note_look, query)

    @rx.event
    def choose(self, name: str, value: str) -> EventSpec:
        """Narrow by one field, or stop narrowing by it."""
        return self._go(**{name: value[:LONGEST], "page": 1})

    @rx.event
    def look_for_person(self, text: str) -> EventSpec:
        """Only entries of people whose address holds the text."""
        return self._go(person=text.strip()[:LONGEST], page=1)

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=max(1, self.query.page + step))

    @rx.event
    def open_payload(self, entry_id: str) -> None:
        """Show what an entry holds; nothing for an id that is not on the page."""
        row = next((row for row in self.view.rows if row.id == entry_id), None)
        self.opened, self.opened_title = (row.payload, row.action) if row else ("", "")

    @rx.event
    def close_payload(self) -> None:
        """Close it."""
        self.opened = ""

    @rx.event(background=True)
    async def verify(self) -> None:
        """Follow every chain in parts, showing how far it is, until it is done, stopped, or the browser has left."""
        async with self:
            if self.is_checking:
                return
            self._check_run += 1
            run = self._check_run
            self.is_checking, self.check = True, VerifyView(phase="Beginning")
            try:
                progress = await self._read(service.begin)
            except AppError as refusal:
                self._check_failed(refusal)
                return
        while not progress.is_done:
            async with self:
                if self._check_run != run:
                    return
                if not self._is_connected():
                    # Whoever comes back, as by a reload, may begin again.
                    self.is_checking, self.check = False, VerifyView()
                    return
                try:
                    progress = await self._read(service.step, progress, SYSTEM_CLOCK.now())
                except AppError as refusal:
                    self._check_failed(refusal)
                    return
                self.check = verify_view(progress)
        async with self:
            if self._check_run == run:
                self.is_checking, self.check = False, verify_view(progress)

    @rx.event
    def stop_check(self) -> None:
        """Stop a verification."""
        self._check_run += 1
        self.is_checking, self.check = False, VerifyView()

    def _check_failed(self, refusal: AppError) -> None:
        message = f"It could not be verified: {refusal.message}"
        self.is_checking, self.check = False, VerifyView(outcome="warn", message=message)

    def _go(self, **changed: Any) -> EventSpec:
        wanted = asdict(replace(self.query, **{name: value for name, value in changed.items() if name in _DEFAULTS}))
        chosen = {name: str(value) for name, value in wanted.items() if value != _DEFAULTS[name]}
        return rx.redirect(ui_paths.audit_log(**chosen), replace=True)


@page(route=ui_paths.AUDIT_LOG, title="Audit log · Plumbline", on_load=AuditLogState.load)
def audit_log_page() -> rx.Component:
    """The page."""
    state: Any = AuditLogState
    view = state.view
    export = rx.el.a(
        rx.icon("download", size=14, aria_hidden="true"),
        "Export",
        href=view.export_href,
        download=True,
        reload_document=True,  # the router would otherwise look for a page of this address
        class_name="btn btn-plain",
    )
    return workspace_frame(
        page_body(
            state,
            page_header(
                "Audit log",
                export,
                note="Who changed what in this instance. Looks at this log and exports are in it too. An export holds every "
                "record, or every one of the project chosen below; the other fields do not narrow it.",
            ),
            _seal_section(state),
            section("Entries", _filters(state), _entries(state)),
            side_panel(
                code_block(state.opened, label="What was noted"),
                title=state.opened_title,
                open_=state.opened != "",
                on_close=state.close_payload,
            ),
            on_retry=state.load,
        ),
        active="audit-log",
        crumbs=[Crumb("Audit log")],
    )


def _seal_section(state: Any) -> rx.Component:
    seal, check = state.view.seal, state.check
    # It stays while it runs: a button that vanishes under the keyboard takes the focus with it.
    verify = button(
        rx.icon("shield-check", size=14, aria_hidden="true"),
        rx.cond(state.is_checking, "Verifying…", "Verify"),
        kind="primary",
        small=True,
        on_click=state.verify,
        custom_attrs={"aria-disabled": rx.cond(state.is_checking, "true", "false")},
    )
    told = rx.match(
        check.outcome,
        ("ok", notice(check.message, rx.foreach(check.notes, lambda note: rx.el.p(note, class_name="muted")), tone="ok")),
        ("bad", notice(check.message, tone="bad")),
        ("warn", notice(check.message, tone="warn")),
        rx.fragment(),
    )
    return section(
        "Seal",
        kpi_row(
            kpi("Sealed records", seal.sealed, note="own and ingested, in hash chains"),
            kpi("Not sealed yet", seal.unsealed, note=seal.unsealed_note, tone=seal.unsealed_tone),
            kpi("Last checkpoint", seal.checkpoint, note=seal.checkpoint_note),
            kpi("Signing key", seal.key, note="Ed25519"),
        ),
        rx.cond(
            state.is_checking,
            job_progress(
                check.percent,
                check.phase,
                label="Verification",
                actions=button("Stop", small=True, on_click=state.stop_check),
            ),
            rx.fragment(),
        ),
        told,
        actions=[verify],
        note="Every record is chained to the one before it; a signature attests the chain every minute.",
    )


def _filters(state: Any) -> rx.Component:
    query = state.query
    return toolbar(
        search_input(query.person, state.look_for_person, label="Person"),
        select_input(
            state.view.actions,
            field_id="action",
            label="Action",
            value=query.action,
            on_change=lambda value: state.choose("action", value),
        ),
        select_input(
            state.view.projects,
            field_id="project",
            label="Project",
            value=query.project,
            on_change=lambda value: state.choose("project", value),
        ),
        select_input(
            [("", "Without looks at this log"), ("1", "With looks at this log")],
            field_id="reads",
            label="Looks",
            value=query.reads,
            on_change=lambda value: state.choose("reads", value),
        ),
        segmented(list(PERIODS.items()), query.days, lambda days: state.choose("days", days), label="Period"),
    )


def _entries(state: Any) -> rx.Component:
    view = state.view
    return data_table(
        [
            Column("Action", _action),
            Column("Time", lambda row: time_text(row.when, row.iso), secondary=True),
            Column("Person", lambda row: row.person, secondary=True),
            Column("Target", lambda row: row.target, secondary=True),
            Column("Project", _project, secondary=True),
            Column("Seal", _seal, secondary=True, width="252px"),
            Column("", lambda row: _details_button(state, row)),
        ],
        view.rows,
        caption="Entries, newest first",
        empty=rx.cond(
            view.is_narrowed,
            empty_state(
                "No entry matches",
                "Entries were narrowed by the fields above.",
                link_button("Show all", href=ui_paths.AUDIT_LOG),
            ),
            empty_state("Nothing was changed in this period", "Choose a longer period to see earlier changes."),
        ),
        pager=pager(view.first, view.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1)),
    )


def _action(row: Any) -> rx.Component:
    """What was done; who did it and when stand beneath where the window is narrow."""
    return rx.fragment(
        rx.el.code(row.action, class_name="audit-action"),
        rx.el.span(
            rx.el.span(row.person, class_name="breakable"),
            time_text(row.when, row.iso),
            class_name="cell-sub dotted only-narrow-flex",
        ),
    )


def _project(row: Any) -> rx.Component:
    return rx.el.span(rx.cond(row.project != "", row.project, "–"), class_name="nowrap")


def _seal(row: Any) -> rx.Component:
    return rx.fragment(badge(row.seal, row.seal_tone), rx.el.span(row.seal_note, class_name="cell-sub"))


def _details_button(state: Any, row: Any) -> rx.Component:
    press = button(
        "Details",
        small=True,
        kind="quiet",
        on_click=state.open_payload(row.id),
        custom_attrs={"aria-label": f"Details of {row.action}"},
    )
    return rx.cond(row.payload != "", press, rx.fragment())
