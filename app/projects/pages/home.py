"""The project list: what there is, how it is doing, and the two ways to begin."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import workspace_frame
from app.identity.contracts import UserRole
from app.kernel.errors import AppError, Conflict, InvalidInput
from app.page_states import LoadedState, follow_view, page_body
from app.projects import onboarding
from app.projects.pages.create_dialog import create_dialog
from app.projects.pages.home_view import HomeView, home_view, slug_from
from app.ui import field_errors, page
from components.feedback import empty_state, job_progress, toast_done, toast_failed
from components.forms import button
from components.inline_edit import confirm_dialog
from components.marks import badge, time_text
from components.shell import Crumb, page_header
from components.table import Column, data_table, row_link

POLL_SECONDS = 1.0


class HomeState(LoadedState):
    """The list and the form for another project.

    What is typed is kept by the browser's tab: it outlasts the process of the server, which holds this state.
    """

    view: HomeView = HomeView()
    creating: str = rx.SessionStorage("")
    name: str = rx.SessionStorage("")
    slug_text: str = rx.SessionStorage("")
    slug_typed: str = rx.SessionStorage("")
    errors: dict[str, str] = {}
    resetting: str = ""

    @rx.event
    async def load(self) -> EventSpec | None:
        """Show the projects; watch the demo project when one is in the making."""
        self._begin(ui_paths.HOME)
        self.resetting = ""
        with self._loading():
            await self._show()
        return HomeState.watch_generation if self.view.is_live else None

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self._empty_form(is_open=is_open)

    @rx.event
    def type_name(self, text: str) -> None:
        """The slug follows the name until somebody types it."""
        self.name = text
        if not self.slug_typed:
            self.slug_text = slug_from(text)

    @rx.event
    def type_slug(self, text: str) -> None:
        """A slug of one's own; emptied, it follows the name again."""
        self.slug_text, self.slug_typed = text, "yes" if text else ""

    @rx.event
    async def create(self, form: dict[str, Any]) -> EventSpec | None:
        """Create the project with its built-in scan and go to its keys, where the first event begins."""
        name = str(form.get("name", "")).strip()
        # Whoever submits at once is ahead of the slug that follows the name.
        slug = str(form.get("slug", "")).strip() if self.slug_typed else slug_from(name)
        try:
            project = await self._call(
                onboarding.create_watched_project,
                name=name,
                slug=slug,
                description=str(form.get("description", "")).strip(),
            )
        except InvalidInput as error:
            self.errors = field_errors(error)
            return None
        except Conflict as error:
            self.errors = {"slug": error.message}
            return None
        self._empty_form(is_open=False)
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

    @rx.event
    def ask_reset(self, slug: str) -> None:
        """Ask before the data of a demo project is made anew."""
        self.resetting = slug

    @rx.event
    def set_resetting(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.resetting = ""

    @rx.event
    async def reset_demo(self) -> EventSpec | None:
        """Make it anew; the progress stands above the list."""
        slug, self.resetting = self.resetting, ""
        if not slug:
            return None  # the second of two quick presses
        try:
            await self._call(onboarding.reset_demo_project, slug)
        except AppError as error:
            return toast_failed(error.message)
        await self._show()
        return HomeState.watch_generation

    @rx.event(background=True)
    async def watch_generation(self) -> EventSpec | None:
        """Ask how far the demo data is until none is in the making or the page is left; tell when it is there."""
        async with self:
            zone = self._zone()
        await follow_view(self, POLL_SECONDS, lambda: self._read(home_view, zone))
        async with self:
            is_done = not self.view.is_live and not self.view.generation_error
        return toast_done("The demo project is ready") if is_done else None

    def _empty_form(self, *, is_open: bool) -> None:
        self.creating, self.errors = "yes" if is_open else "", {}
        self.name, self.slug_text, self.slug_typed = "", "", ""

    async def _show(self) -> None:
        self.view = await self._read(home_view, self._zone())


@page(route=ui_paths.HOME, title="Projects · Plumbline", on_load=HomeState.load)
def home() -> rx.Component:
    """The table of projects."""
    state: Any = HomeState
    view = state.view
    may_edit = state.user_role != UserRole.VIEWER.value
    create = button(rx.icon("plus", size=14), "Create project", kind="primary", on_click=state.set_creating(True))
    demo = button("Create demo project", on_click=state.create_demo, disabled=view.is_live)
    empty = rx.cond(
        may_edit,
        empty_state(
            "No projects yet",
            "A project holds one tracking plan and receives events. Begin with your own, or look at one with data: "
            "it is made in about a minute.",
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
                rx.cond(may_edit & (view.rows.length() > 0), rx.fragment(demo, create), rx.fragment()),
            ),
            rx.foreach(view.generations, _generation),
            rx.cond(
                view.generation_error != "",
                rx.el.div(
                    rx.el.p("The demo project failed: ", view.generation_error), class_name="notice notice-bad", role="alert"
                ),
                rx.fragment(),
            ),
            data_table(
                [
                    Column("Project", _name),
                    Column("Planned events", lambda row: row.events, numeric=True, width="130px"),
                    Column("In review", lambda row: row.in_review, numeric=True, secondary=True, width="100px"),
                    Column("Large signals", _signals, numeric=True, width="120px"),
                    Column("Last scan", lambda row: row.scan, secondary=True, width="220px"),
                    Column("Created", lambda row: time_text(row.created, row.created_iso), secondary=True, width="190px"),
                ],
                view.rows,
                caption="Projects",
                empty=empty,
            ),
            create_dialog(state),
            confirm_dialog(
                title="Make the demo project anew?",
                text=f"Plan, events, logs and alerts of {state.resetting} are made anew, up to this hour.",
                consequences=rx.Var.create(["Whatever people changed in it is lost.", "Its keys go on working."]),
                confirm="Make it anew",
                open_=state.resetting != "",
                on_open_change=state.set_resetting,
                on_confirm=state.reset_demo,
            ),
            on_retry=state.load,
        ),
        active="home",
        crumbs=[Crumb("Projects")],
    )


def _generation(generation: Any) -> Any:
    return rx.el.section(
        rx.el.p("Making ", rx.el.strong(generation.name), ", a shop with five weeks of events"),
        job_progress(generation.percent, generation.stage, label=f"Making {generation.name}"),
        class_name="generation",
    )


def _name(row: Any) -> Any:
    return rx.el.div(
        rx.el.span(row_link(row.name, row.href), rx.cond(row.is_demo, badge("demo"), rx.fragment()), class_name="inline"),
        rx.el.span(rx.el.span(row.slug, class_name="cell-sub"), _reset(row), class_name="inline"),
        class_name="project-name",
    )


def _reset(row: Any) -> Any:
    state: Any = HomeState
    reset = button(
        "Make anew",
        kind="quiet",
        small=True,
        on_click=state.ask_reset(row.slug),
        custom_attrs={"aria-label": f"Make {row.slug} anew"},
    )
    return rx.cond(row.is_resettable & (state.user_role != UserRole.VIEWER.value), reset, rx.fragment())


def _signals(row: Any) -> Any:
    return rx.cond(row.signals > 0, badge(row.signals.to_string(), "bad"), rx.el.span("0", class_name="muted"))
