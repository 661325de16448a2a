"""The project list: what there is, how it is doing, and the two ways to begin."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import workspace_frame
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, Conflict, InvalidInput
from app.page_states import page_body
from app.presentation import Phase, phase_of
from app.projects import onboarding
from app.projects import service as projects
from app.projects.contracts import GenerationStatus, SummarisedProject
from app.ui import AppState, field_errors, page
from components.feedback import empty_state, job_progress, toast_done, toast_failed
from components.format import ago, compact_number, iso_utc, local_time
from components.forms import button, dialog, dialog_actions, form_field, text_area, text_input
from components.marks import badge, time_text
from components.shell import Crumb, page_header
from components.table import Column, data_table, row_link

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class ProjectRow:
    """One project as the list shows it."""

    name: str
    slug: str
    href: str
    description: str
    is_demo: bool
    events: str
    signals: int
    in_review: int
    scan: str
    created: str
    created_iso: str


@dataclass(frozen=True)
class Generation:
    """How far the making of demo data is."""

    name: str
    percent: int
    stage: str


class HomeState(AppState):
    """The list and the form for another project."""

    phase: str = Phase.LOADING.value
    problem: str = ""
    rows: list[ProjectRow] = []
    generations: list[Generation] = []
    generation_error: str = ""
    is_creating: bool = False
    name: str = ""
    slug_text: str = ""
    is_slug_typed: bool = False
    errors: dict[str, str] = {}
    _watch: int = 0

    @rx.event
    async def load(self) -> EventSpec | None:
        """Show the projects; watch the demo project when one is in the making."""
        self.is_creating = False
        try:
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self.phase, self.problem = phase_of(refusal).value, refusal.message
        return HomeState.watch_generation if self.generations else None

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self.is_creating, self.errors = is_open, {}
        self.name, self.slug_text, self.is_slug_typed = "", "", False

    @rx.event
    def type_name(self, text: str) -> None:
        """The slug follows the name until somebody types it."""
        self.name = text
        if not self.is_slug_typed:
            self.slug_text = slug_from(text)

    @rx.event
    def type_slug(self, text: str) -> None:
        """A slug of one's own; emptied, it follows the name again."""
        self.slug_text, self.is_slug_typed = text, bool(text)

    @rx.event
    async def create(self, form: dict[str, Any]) -> EventSpec | None:
        """Create the project with its built-in scan and go to its keys, where the first event begins."""
        try:
            project = await self._call(
                onboarding.create_watched_project,
                name=str(form.get("name", "")).strip(),
                slug=str(form.get("slug", "")).strip(),
                description=str(form.get("description", "")).strip(),
            )
        except InvalidInput as error:
            self.errors = field_errors(error)
            return None
        except Conflict as error:
            self.errors = {"slug": error.message}
            return None
        self.is_creating = False
        return rx.redirect(ui_paths.project_keys(project.slug))

    @rx.event
    async def create_demo(self) -> EventSpec | None:
        """Start making a project with data; the progress stands in its row."""
        try:
            await self._call(onboarding.create_demo_project)
        except AppError as error:
            return toast_failed(error.message)
        await self._show()
        return HomeState.watch_generation

    @rx.event(background=True)
    async def watch_generation(self) -> AsyncIterator[EventSpec]:
        """Ask the project rows how far they are until none is in the making or the browser has left."""
        async with self:
            self._watch += 1
            watch = self._watch
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with self:
                if self._watch != watch or not self._is_connected():
                    return
                before = len(self.generations)
                await self._show()
                if len(self.generations) < before and not self.generation_error:
                    yield toast_done("The demo project is ready")
                if not self.generations:
                    return

    async def _show(self) -> None:
        listed = await self._read(_summarised_projects)
        zone, now = self._zone(), SYSTEM_CLOCK.now()
        self.rows = [_row(entry, zone, now) for entry in listed]
        views = [entry.project for entry in listed]
        self.generations = [
            Generation(view.name, view.generation_percent, view.generation_stage or "Starting")
            for view in views
            if view.generation_status is GenerationStatus.RUNNING
        ]
        failed = (view for view in views if view.generation_status is GenerationStatus.FAILED)
        self.generation_error = next((view.generation_error or "no reason was noted" for view in failed), "")


def _summarised_projects(session: Session, actor: Actor) -> list[SummarisedProject]:
    return projects.summarise(session, actor, projects.list_projects(session, actor))


def _row(entry: SummarisedProject, zone: ZoneInfo, now: datetime) -> ProjectRow:
    view, summary = entry.project, entry.summary
    job = summary.latest_scan_job
    return ProjectRow(
        name=view.name,
        slug=view.slug,
        href=ui_paths.project_overview(view.slug),
        description=view.description,
        is_demo=view.is_demo,
        events=compact_number(summary.event_count),
        signals=summary.monitoring_signal_count,
        in_review=summary.review_pending_event_count,
        scan=f"{job.status} {ago(job.completed_at or job.created_at, now)}" if job is not None else "none yet",
        created=local_time(view.created_at, zone, now=now),
        created_iso=iso_utc(view.created_at),
    )


def slug_from(name: str) -> str:
    """A slug proposal: "Web Shop (EU)" -> "web-shop-eu"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


@page(route=ui_paths.HOME, title="Projects · Plumbline", on_load=HomeState.load)
def home() -> rx.Component:
    """The table of projects."""
    state: Any = HomeState
    may_edit = state.user_role != UserRole.VIEWER.value
    create = button(rx.icon("plus", size=14), "Create project", kind="primary", on_click=state.set_creating(True))
    demo = button("Create demo project", on_click=state.create_demo, disabled=state.generations.length() > 0)
    empty = rx.cond(
        may_edit,
        empty_state(
            "No projects yet",
            "A project holds one tracking plan and receives events. Begin with your own, or look at one with data.",
            create,
            demo,
        ),
        empty_state("No projects yet", "A project holds one tracking plan. Ask an editor to create the first."),
    )
    return workspace_frame(
        page_body(
            state,
            page_header(
                "Projects",
                rx.cond(may_edit & (state.rows.length() > 0), rx.fragment(demo, create), rx.fragment()),
            ),
            rx.foreach(state.generations, _generation),
            rx.cond(
                state.generation_error != "",
                rx.el.div(
                    rx.el.p("The demo project failed: ", state.generation_error), class_name="notice notice-bad", role="alert"
                ),
                rx.fragment(),
            ),
            data_table(
                [
                    Column("Project", _name),
                    Column("Events", lambda row: row.events, numeric=True, width="90px"),
                    Column("In review", lambda row: row.in_review, numeric=True, secondary=True, width="100px"),
                    Column("Signals", _signals, numeric=True, width="110px"),
                    Column("Last scan", lambda row: row.scan, secondary=True, width="220px"),
                    Column("Created", lambda row: time_text(row.created, row.created_iso), secondary=True, width="190px"),
                ],
                state.rows,
                caption="Projects",
                empty=empty,
            ),
            _create_dialog(),
            on_retry=state.load,
        ),
        active="home",
        crumbs=[Crumb("Projects")],
    )


def _generation(generation: Any) -> Any:
    return rx.el.section(
        rx.el.p("Making ", rx.el.strong(generation.name)),
        job_progress(generation.percent, generation.stage, label=f"Making {generation.name}"),
        class_name="generation",
    )


def _name(row: Any) -> Any:
    return rx.el.div(
        rx.el.span(row_link(row.name, row.href), rx.cond(row.is_demo, badge("demo"), rx.fragment()), class_name="inline"),
        rx.el.span(row.slug, class_name="cell-sub"),
    )


def _signals(row: Any) -> Any:
    return rx.cond(row.signals > 0, badge(row.signals.to_string(), "bad"), rx.el.span("0", class_name="muted"))


def _create_dialog() -> rx.Component:
    state: Any = HomeState
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(
                    field_id="name", name="name", value=state.name, on_change=state.type_name, required=True, auto_focus=True
                ),
                field_id="name",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Slug",
                text_input(field_id="slug", name="slug", value=state.slug_text, on_change=state.type_slug, required=True),
                field_id="slug",
                hint="Part of every address of the project: lower-case letters, digits and hyphens.",
                error=state.errors.get("slug", ""),
            ),
            form_field(
                "Description (optional)",
                text_area(field_id="description", name="description", rows=2),
                field_id="description",
                error=state.errors.get("description", ""),
            ),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)),
                button("Create project", kind="primary", type="submit"),
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="Create a project",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
