"""Threat models: rules a project writes itself, tried on what is stored while they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import security_paths, ui_paths
from app.frame import project_frame, slug_var
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState, page_body
from app.security.pages.threat_model_builder import editor
from app.security.pages.threat_model_form import EMPTY_FORM, EMPTY_ROW, MOST_ROWS, draft_of, form_of
from app.security.pages.threat_models_parts import model_table, removal_dialog
from app.security.pages.threat_models_view import DAYS, ModelsView, PreviewView, models_view, preview_view
from app.security.service import threat_models
from app.ui import field_errors, page
from components import link_button, notice, page_header, toast_done, toast_failed
from components.shell import Crumb

LONGEST_FIELD = 20_000
_PARTS = ("field", "operator", "value")


class ThreatModelsState(LoadedState):
    """The threat models of the open project. Which one is edited lives in the address, what is typed only here."""

    view: ModelsView = ModelsView()
    edited: str = ""
    is_missing: bool = False
    form: dict[str, str] = EMPTY_FORM
    rows: list[dict[str, str]] = []
    next_rows: list[dict[str, str]] = []
    errors: dict[str, str] = {}
    days: str = "7"
    preview: PreviewView = PreviewView()
    is_removing: bool = False
    removed_id: str = ""
    removed_name: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = ModelsView()
            yield
        self.edited, self.errors, self.preview, self.is_removing = "", {}, PreviewView(), False
        wanted = self.router.url.query_parameters.get("edit", "")[:64]
        with self._loading():
            await self._enter()
            self.view = await self._read(models_view, slug, self._zone())
            if wanted == ui_paths.NEW:
                self.edited, self.form, self.rows, self.next_rows = wanted, dict(EMPTY_FORM), [], []
            elif any(row.id == wanted for row in self.view.rows):
                found = await self._read(threat_models.get_model, slug, wanted)
                self.form, self.rows, self.next_rows = form_of(found.draft)
                self.edited = wanted
            self.is_missing = bool(wanted) and not self.edited
            if self.edited:
                await self._try()

    @rx.event
    async def set_part(self, name: str, value: str) -> None:
        """A field of the form changed."""
        if name in EMPTY_FORM:
            self.form = {**self.form, name: value[:LONGEST_FIELD].replace("\x00", "")}
            if name not in ("name", "description"):
                await self._try()

    @rx.event
    async def set_tick(self, name: str, is_set: bool) -> None:
        """A tick of the form changed."""
        if name in ("has_next", "is_enabled"):
            self.form = {**self.form, name: "yes" if is_set else ""}
            await self._try()

    @rx.event
    def add_row(self, step: str) -> None:
        """One more condition."""
        rows = self._rows(step)
        if len(rows) < MOST_ROWS:
            self._put_rows(step, [*rows, dict(EMPTY_ROW)])

    @rx.event
    async def set_row(self, step: str, place: int, part: str, value: str) -> None:
        """A condition changed."""
        rows = self._rows(step)
        if part in _PARTS and 0 <= place < len(rows):
            changed = {**rows[place], part: value[:LONGEST_FIELD].replace("\x00", "")}
            self._put_rows(step, [changed if index == place else row for index, row in enumerate(rows)])
            await self._try()

    @rx.event
    async def remove_row(self, step: str, place: int) -> None:
        """A condition less."""
        self._put_rows(step, [row for index, row in enumerate(self._rows(step)) if index != place])
        await self._try()

    @rx.event
    async def choose_days(self, days: str) -> None:
        """Try the model on another period."""
        self.days = days if days in DAYS else "7"
        await self._try()

    @rx.event
    async def save(self) -> EventSpec | None:
        """Keep the model as the form says."""
        slug = self._slug()
        try:
            draft = draft_of(self.form, self.rows, self.next_rows)
            if self.edited == ui_paths.NEW:
                await self._call(threat_models.create_model, slug, draft)
            else:
                await self._call(threat_models.update_model, slug, self.edited, draft, SYSTEM_CLOCK.now())
        except InvalidInput as refusal:
            self.errors = field_errors(refusal)
            return toast_failed(refusal.message)
        except AppError as refusal:
            return toast_failed(refusal.message)
        return rx.redirect(security_paths.project_threat_models(slug))

    @rx.event
    async def switch(self, model_id: str, is_on: bool) -> EventSpec:
        """Switch a model on or off."""
        try:
            await self._call(threat_models.set_enabled, self._slug(), model_id, bool(is_on), SYSTEM_CLOCK.now())
            self.view = await self._read(models_view, self._slug(), self._zone())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("The model is on; it holds for events from now on" if is_on else "The model is off")

    @rx.event
    def ask_removal(self, model_id: str, name: str) -> None:
        """Ask before a model is removed."""
        self.removed_id, self.removed_name, self.is_removing = model_id, name, True

    @rx.event
    def set_removing(self, is_open: bool) -> None:
        """Close the question."""
        self.is_removing = is_open

    @rx.event
    async def remove(self) -> EventSpec:
        """Remove the model that was asked about."""
        self.is_removing = False
        try:
            await self._call(threat_models.delete_model, self._slug(), self.removed_id)
            self.view = await self._read(models_view, self._slug(), self._zone())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done(f"{self.removed_name} is removed")

    def _rows(self, step: str) -> list[dict[str, str]]:
        return self.next_rows if step == "next" else self.rows

    def _put_rows(self, step: str, rows: list[dict[str, str]]) -> None:
        if step == "next":
            self.next_rows = rows
        else:
            self.rows = rows

    async def _try(self) -> None:
        try:
            draft = draft_of(self.form, self.rows, self.next_rows, is_lenient=True)
            self.preview = await self._read(preview_view, self._slug(), draft, int(self.days), self._zone())
        except InvalidInput as refusal:
            self.preview = PreviewView(problem=refusal.message, field_name=refusal.field or "")
        except AppError as refusal:
            self.preview = PreviewView(problem=refusal.message)
        problem = self.preview.problem
        self.errors = {self.preview.field_name: problem} if problem and self.preview.field_name else {}


@page(route="/p/[slug]/security/threat-models", title="Threat models · Plumbline", on_load=ThreatModelsState.load)
def threat_models_page() -> rx.Component:
    """The page."""
    state: Any = ThreatModelsState
    may_add = state.view.is_editor & state.view.is_booked & (state.edited == "")
    add = link_button(
        rx.icon("plus", size=14, aria_hidden="true"),
        "Add model",
        kind="primary",
        href=security_paths.project_threat_models(slug_var(), edit=ui_paths.NEW),
    )
    return project_frame(
        page_header(
            "Threat models",
            rx.cond(may_add, add, rx.fragment()),
            note="Rules of your own: which events count, how many of them within which time, and what must follow.",
        ),
        page_body(
            state,
            rx.cond(
                state.view.is_booked,
                rx.fragment(),
                notice("The plan of this organisation holds no events against threat models. They need the plan enterprise."),
            ),
            rx.cond(
                state.is_missing,
                notice("There is no such model: it may have been removed, or the address is mistyped.", tone="warn"),
                rx.fragment(),
            ),
            rx.cond(state.edited != "", editor(state), model_table(state)),
            removal_dialog(state),
            on_retry=state.load,
        ),
        active="threat-models",
        crumbs=[Crumb("Security", security_paths.project_security(slug_var())), Crumb("Threat models")],
    )
