"""Which warehouses this instance reads, and whether they answered when last asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import workspace_frame
from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.page_states import LoadedState, page_body
from app.scans.sources import service
from app.scans.sources.contracts import DataSourceView, TestStatus
from app.ui import page
from app.warehouse.declarations import DECLARATIONS
from components.feedback import empty_state, notice
from components.format import iso_utc, local_time
from components.forms import link_button
from components.marks import badge, time_text
from components.shell import Crumb, page_header
from components.table import Column, data_table, row_link

NOTE = "Warehouses that scans read. They are shared by all projects; queries only ever read."


@dataclass(frozen=True)
class SourceRow:
    """One source as the list shows it."""

    id: str
    href: str
    name: str
    kind: str
    address: str
    status: str
    message: str
    tested: str
    tested_iso: str


class DataSourcesState(LoadedState):
    """The list of sources."""

    sources: list[SourceRow] = []

    @rx.event
    async def load(self) -> None:
        """Show every source."""
        self._begin("sources")
        with self._loading():
            views = await self._read(service.list_sources)
            zone, now = self._zone(), SYSTEM_CLOCK.now()
            self.sources = [
                SourceRow(
                    id=view.id,
                    href=ui_paths.data_source(view.id),
                    name=view.name,
                    kind=kind_text(view),
                    address=address_text(view),
                    status=status_text(view),
                    message=view.last_test_message or "",
                    tested=local_time(view.last_test_at, zone, now=now),
                    tested_iso=iso_utc(view.last_test_at),
                )
                for view in views
            ]


def kind_text(view: DataSourceView) -> str:
    """The kind of warehouse in words."""
    return "Built-in event store" if view.is_builtin else DECLARATIONS[view.db_type].title


def address_text(view: DataSourceView) -> str:
    """Where it is, for those who may know."""
    if view.is_builtin:
        return "this instance"
    return f"{view.host} / {view.database_name}" if view.host else ""


def status_text(view: DataSourceView) -> str:
    """How the last test ended."""
    if view.last_test_status is None:
        return "not tested"
    return "works" if view.last_test_status is TestStatus.SUCCESS else "failed"


def status_badge(status: Any) -> rx.Component:
    """The state of the last test; the word says it, the colour repeats it."""
    return rx.match(
        status,
        ("works", badge("works", "ok", dot=True)),
        ("failed", badge("failed", "bad", dot=True)),
        badge("not tested", "unknown", dot=True),
    )


@page(route=ui_paths.DATA_SOURCES, title="Data sources · Plumbline", on_load=DataSourcesState.load)
def data_sources() -> rx.Component:
    """The table of sources."""
    state: Any = DataSourcesState
    is_owner = state.user_role == UserRole.OWNER.value
    add = link_button(rx.icon("plus", size=14), "Add data source", kind="primary", href=ui_paths.data_source(ui_paths.NEW))
    first = link_button("Add your first data source", kind="primary", href=ui_paths.data_source(ui_paths.NEW))
    return workspace_frame(
        page_body(
            state,
            page_header("Data sources", rx.cond(is_owner, add, rx.fragment()), note=NOTE),
            rx.cond(
                is_owner, rx.fragment(), notice("You see which sources there are. Only owners see and change how they are reached.")
            ),
            data_table(
                [
                    Column("Name", lambda row: row_link(row.name, row.href)),
                    Column("Kind", lambda row: row.kind),
                    Column("Address", lambda row: row.address, secondary=True),
                    Column("Last test", lambda row: status_badge(row.status)),
                    Column("Result", lambda row: row.message, secondary=True),
                    Column("Tested", lambda row: time_text(row.tested, row.tested_iso), secondary=True),
                ],
                state.sources,
                caption="Data sources of this instance",
                empty=empty_state(
                    "No data sources yet",
                    "Connect ClickHouse, PostgreSQL or BigQuery, and scans can count what is in them.",
                    rx.cond(is_owner, first, rx.fragment()),
                ),
            ),
            on_retry=state.load,
        ),
        active="data-sources",
        crumbs=[Crumb("Data sources")],
    )
