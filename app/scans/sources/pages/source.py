"""One data source: how it is reached, whether it answers, and what is in it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import workspace_frame
from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.presentation import Phase
from app.scans.sources import service
from app.scans.sources.contracts import DataSourceView
from app.scans.sources.pages.form import read_form, shown_values, starting_values
from app.scans.sources.pages.source_list import kind_text, status_text
from app.scans.sources.pages.source_parts import connection_section, last_test, tables_section
from app.ui import field_errors, page
from app.warehouse.contracts import QueryFailed
from app.warehouse.declarations import CLICKHOUSE, DECLARATIONS, MASK
from components.feedback import notice, toast_done
from components.format import iso_utc, local_time
from components.forms import button
from components.inline_edit import confirm_dialog
from components.marks import badge
from components.shell import Crumb, page_header

MOST_TABLES = 200
MOST_COLUMNS_SHOWN = 60


@dataclass(frozen=True)
class TableRow:
    """One table; its columns as one line."""

    name: str
    column_count: str
    columns: str


class DataSourceState(LoadedState):
    """The form, the test and the tables of one source."""

    title: str = ""
    kind: str = ""
    db_type: str = CLICKHOUSE.db_type.value
    is_new: bool = True
    is_builtin: bool = False
    has_password: bool = False
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    status: str = ""
    message: str = ""
    tested: str = ""
    tested_iso: str = ""
    filled: int = 0
    is_busy: bool = False
    tables: list[TableRow] = []
    tables_note: str = ""
    tables_problem: str = ""
    is_browsed: bool = False
    is_deleting: bool = False
    consequences: list[str] = []

    @rx.event
    async def load(self) -> None:
        """Show the stored source, or an empty form."""
        self._begin(f"source/{self._source_id()}")
        self.errors, self.is_busy, self.is_deleting = {}, False, False
        self.tables, self.is_browsed, self.tables_problem = [], False, ""
        with self._loading():
            await self._show()
        if self.phase != Phase.READY:
            self.title = "New data source" if self.is_new else "Data source"
        if self.phase == Phase.FORBIDDEN:
            self.problem = "Owner role required: a data source holds credentials of the instance."

    @rx.event
    def choose_kind(self, db_type: str) -> None:
        """Show the form of another kind of warehouse."""
        if self.is_new and db_type in DECLARATIONS:
            self.db_type, self.errors = db_type, {}
            self.values = starting_values(DECLARATIONS[db_type])

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Keep what the form says, then test it."""
        before = None if self.is_new else await self._read(service.get_source, self._source_id())
        try:
            fields = read_form(self.db_type, form, before)
            if before is None:
                given = "" if fields.password == MASK else fields.password
                view = await self._call(service.create_source, type(fields)(**{**asdict(fields), "password": given}))
            else:
                view = await self._call(service.update_source, before.id, asdict(fields))
        except AppError as error:
            self.errors = field_errors(error)
            return None
        self.errors = {}
        if before is None:
            return [rx.redirect(ui_paths.data_source(view.id), replace=True), toast_done(f"{view.name} is added")]
        self._fill(view)
        return [toast_done("Saved"), DataSourceState.test]

    @rx.event
    async def test(self) -> Any:
        """Connect and run a trivial query."""
        self.is_busy = True
        yield
        try:
            connection = await self._read(service.connection_to_test, self._source_id())
            outcome = await asyncio.to_thread(service.try_connection, connection, SYSTEM_CLOCK.now())
            self._fill(await self._call(service.record_test, self._source_id(), outcome))
        finally:
            self.is_busy = False

    @rx.event
    async def browse(self) -> Any:
        """Read the tables from the warehouse."""
        self.is_busy, self.tables_problem = True, ""
        yield
        try:
            connection = await self._read(service.connection_to_browse, self._source_id())
            tables = await asyncio.to_thread(service.list_tables, connection)
        except (AppError, QueryFailed) as refusal:
            self.tables, self.tables_problem = [], str(refusal)
        else:
            self.tables = [
                TableRow(
                    table.name,
                    str(len(table.columns)),
                    ", ".join(f"{column.name} {column.data_type}" for column in table.columns[:MOST_COLUMNS_SHOWN])
                    + (" …" if len(table.columns) > MOST_COLUMNS_SHOWN else ""),
                )
                for table in tables[:MOST_TABLES]
            ]
            self.tables_note = f"The first {MOST_TABLES} of {len(tables)} tables" if len(tables) > MOST_TABLES else ""
        finally:
            self.is_busy, self.is_browsed = False, True

    @rx.event
    async def ask_delete(self) -> None:
        """Name what goes away with the source."""
        scans = await self._read(service.dependent_scans, self._source_id())
        self.consequences = [f"Scan “{scan.name}” of {scan.project_name}, with everything it counted" for scan in scans]
        self.is_deleting = True

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> list[EventSpec]:
        """Do it."""
        await self._call(service.delete_source, self._source_id())
        self.is_deleting = False
        return [rx.redirect(ui_paths.DATA_SOURCES), toast_done(f"{self.title} is deleted")]

    def _source_id(self) -> str:
        return self._route_value("source_id")

    async def _show(self) -> None:
        self.is_new = self._source_id() == ui_paths.NEW
        if not self.is_new:
            self._fill(await self._read(service.get_source, self._source_id()))
            return
        await self._read(service.require_owner)
        self.title, self.kind, self.is_builtin, self.has_password = "New data source", "", False, False
        self.status, self.message, self.tested = "", "", ""
        self.db_type, self.values = CLICKHOUSE.db_type.value, starting_values(CLICKHOUSE)

    def _fill(self, view: DataSourceView) -> None:
        zone, now = self._zone(), SYSTEM_CLOCK.now()
        self.title, self.kind, self.db_type = view.name, kind_text(view), view.db_type
        self.is_builtin, self.has_password = view.is_builtin, view.password_set
        self.values = shown_values(view)
        self.filled += 1  # a form drawn anew holds no password that was typed before
        self.status, self.message = status_text(view), view.last_test_message or ""
        self.tested, self.tested_iso = local_time(view.last_test_at, zone, now=now), iso_utc(view.last_test_at)


@page(route=ui_paths.data_source("[source_id]"), title="Data source · Plumbline", on_load=DataSourceState.load)
def data_source() -> rx.Component:
    """Form, test and tables."""
    state: Any = DataSourceState
    is_owner = state.user_role == UserRole.OWNER.value
    test = button(rx.cond(state.is_busy, "Testing…", "Test connection"), on_click=state.test, disabled=state.is_busy)
    delete = button("Delete", kind="danger", on_click=state.ask_delete)
    actions = rx.cond(
        is_owner & ~state.is_new,
        rx.fragment(test, rx.cond(state.is_builtin, rx.fragment(), delete)),
        rx.fragment(),
    )
    return workspace_frame(
        page_body(
            state,
            page_header(state.title, actions, beside=rx.cond(state.kind != "", badge(state.kind), rx.fragment())),
            rx.cond(state.is_new, rx.fragment(), last_test(state)),
            rx.cond(
                state.is_builtin,
                notice("The events this instance receives. Nothing has to be set up, and nothing can be changed."),
                rx.cond(
                    is_owner,
                    rx.el.div(connection_section(state), custom_attrs={"data-draft": ""}),
                    notice("Only owners see and change how the source is reached."),
                ),
            ),
            rx.cond(state.is_new, rx.fragment(), tables_section(state)),
            confirm_dialog(
                title=f"Delete {state.title}?",
                text="The warehouse itself is not touched. What goes away here:",
                consequences=state.consequences,
                confirm="Delete data source",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
            ),
            on_retry=state.load,
            what="data source",
        ),
        active="data-sources",
        crumbs=[Crumb("Data sources", ui_paths.DATA_SOURCES), Crumb(state.title)],
    )
