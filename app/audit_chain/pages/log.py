"""The own audit log: who changed what in this instance, how far it is sealed, and whether the seal holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.audit_chain import service
from app.audit_chain.pages.log_parts import entries, filters, seal_section
from app.audit_chain.pages.log_view import PERIODS, LogView, Query, VerifyView, log_view, note_look, verify_view
from app.frame import workspace_frame
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.presentation import page_number
from app.ui import page
from components import code_block, page_header, section, side_panel
from components.downloads import download_link
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
    return workspace_frame(
        page_body(
            state,
            page_header(
                "Audit log",
                download_link("Export", href=state.view.export_href),
                note="Who changed what in this instance. Looks at this log and exports are in it too. An export holds every "
                "record, or every one of the project chosen below; the other fields do not narrow it.",
            ),
            seal_section(state),
            section("Entries", filters(state), entries(state)),
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
