"""The state of the scan page: the form, looks into the data source, and the buttons that run the scan."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.kernel.errors import AppError, Conflict, InvalidInput
from app.page_states import LoadedState
from app.scans import service as scans
from app.scans.contracts import JobStatus, LookKind
from app.scans.editing import changes_of, draft_of_form
from app.scans.pages.editor_view import EditorView, Forecast, Grid, editor_view, forecast_view, grid_of, paths_in, toggled
from app.scans.pages.replay_dialog import other_errors, replay_errors
from app.ui import field_errors
from components import toast_done, toast_failed

POLL_SECONDS = 0.5
LOOK_LIMIT_SECONDS = 180


class ScanEditorState(LoadedState):
    """One scan, or one that is being set up."""

    view: EditorView = EditorView()
    form: dict[str, str] = {}
    errors: dict[str, str] = {}
    grid: Grid = Grid()
    _previewed: str = ""  # as JSON: the framework wraps containers that a state holds, and the wrappers are no JSON
    forecast: Forecast = Forecast()
    looking: str = ""
    look_problem: str = ""
    looked: str = ""
    is_replaying: bool = False
    is_deleting: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug, scan_id = self._slug(), self._route_value("scan_id")
        if self._begin(f"{slug}/{scan_id}"):
            self.view, self.form, self.errors = EditorView(), {}, {}
            self.grid, self.forecast, self.looking, self.look_problem = Grid(), Forecast(), "", ""
            self._previewed = ""
            self.is_replaying = self.is_deleting = False
            yield
        with self._loading():
            await self._enter()
            self.view = await self._read(editor_view, slug, scan_id, self._zone())
            self.form = dict(self.view.form)

    @rx.event
    def set_text(self, name: str, text: str) -> None:
        """Keep what was typed into a field."""
        self._keep(name, text)

    def _keep(self, name: str, text: str) -> None:
        self.form[name] = text
        self.errors.pop(name, None)
        if name == "json_value_paths":
            self._show_grid()

    @rx.event
    def toggle_path(self, path: str) -> None:
        """Keep the values at a JSON path of the preview, or no longer."""
        self._keep("json_value_paths", toggled(self.form.get("json_value_paths", ""), path))

    @rx.event
    async def save(self) -> EventSpec | None:
        """Store the scan; a fresh one opens on its own page."""
        slug = self._slug()
        try:
            if self.view.is_new:
                source_id = self.form.get("data_source_id", "")
                made = await self._call(scans.create_config, slug, source_id, draft_of_form(self.form))
                return rx.redirect(ui_paths.project_scan(slug, made.id))
            await self._call(scans.update_config, slug, self.view.scan_id, changes_of(self.form))
            self.view = await self._read(editor_view, slug, self.view.scan_id, self._zone())
        except AppError as refusal:
            self._note(refusal)
            return toast_failed("The scan was not saved")
        self.errors = {}
        return toast_done("Scan saved")

    @rx.event(background=True)
    async def preview(self) -> None:
        """Show columns and a few rows of the query."""
        async with self:
            wanted = scans.PreviewRequest(
                data_source_id=self.form.get("data_source_id", ""),
                base_query=self.form.get("base_query", ""),
                time_column=self.form.get("time_column") or None,
                include_json_paths=True,
            )
        result = await self._look(LookKind.PREVIEW, scans.request_preview, wanted)
        if result is not None:
            async with self:
                self._previewed = json.dumps(result)
                self._show_grid()

    @rx.event(background=True)
    async def rehearse(self) -> None:
        """Show what a scan would create."""
        async with self:
            try:
                draft = draft_of_form({**self.form, "name": self.form.get("name") or "Draft"})
            except InvalidInput as refusal:
                self._note(refusal)
                return
            source_id = self.form.get("data_source_id", "")
        result = await self._look(LookKind.DRY_RUN, scans.request_dry_run, source_id, draft)
        if result is not None:
            async with self:
                self.forecast = forecast_view(result)

    @rx.event
    async def run_now(self) -> EventSpec:
        """Queue a run and go to its page."""
        try:
            job = await self._call(scans.request_run, self._slug(), self.view.scan_id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        return rx.redirect(ui_paths.project_scan_job(self._slug(), self.view.scan_id, job.id))

    @rx.event
    async def apply_groups(self) -> EventSpec:
        """Queue the merge of existing events by the stored rules."""
        try:
            job = await self._call(scans.request_grouping, self._slug(), self.view.scan_id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        return rx.redirect(ui_paths.project_scan_job(self._slug(), self.view.scan_id, job.id))

    @rx.event
    async def toggle_pause(self) -> EventSpec:
        """Pause or resume the schedule."""
        is_paused = not self.view.is_paused
        try:
            await self._call(scans.set_paused, self._slug(), self.view.scan_id, is_paused=is_paused)
            self.view = await self._read(editor_view, self._slug(), self.view.scan_id, self._zone())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Schedule paused" if is_paused else "Schedule resumed")

    @rx.event
    def set_replaying(self, is_open: bool) -> None:
        """Open or close the replay dialog."""
        self.is_replaying = is_open
        self.errors = other_errors(self.errors)

    @rx.event
    async def replay(self, form: dict[str, Any]) -> EventSpec | None:
        """Queue a replay of the range and go to its page."""
        try:
            start, stop = range_of(form, self._zone())
            job = await self._call(scans.request_replay, self._slug(), self.view.scan_id, start, stop)
        except AppError as refusal:
            self.errors = {**other_errors(self.errors), **replay_errors(refusal, self._zone())}
            return None
        self.is_replaying = False
        return rx.redirect(ui_paths.project_scan_job(self._slug(), self.view.scan_id, job.id))

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Open or close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> EventSpec:
        """Delete the scan and go to the list."""
        try:
            await self._call(scans.delete_config, self._slug(), self.view.scan_id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.is_deleting = False
        return rx.redirect(ui_paths.project_scans(self._slug()))

    def _show_grid(self) -> None:
        if self._previewed:
            self.grid = grid_of(json.loads(self._previewed), paths_in(self.form.get("json_value_paths", "")))

    async def _look(self, kind: LookKind, request: Any, *what: Any) -> dict[str, Any] | None:
        """Queue a look and wait for its result; None, with the reason on the page, when it has none."""
        async with self:
            slug = self._slug()
            self.looking, self.looked, self.look_problem, self.errors = kind.value, kind.value, "", {}
        try:
            look = await self._call(request, slug, *what)
            for _ in range(int(LOOK_LIMIT_SECONDS / POLL_SECONDS)):
                if not look.status.is_live:
                    break
                await asyncio.sleep(POLL_SECONDS)
                look = await self._read(scans.get_look, slug, look.id, kind)
        except AppError as refusal:
            async with self:
                self.looking = ""
                self._note(refusal)
            return None
        async with self:
            self.looking = ""
            if look.status is not JobStatus.COMPLETED:
                self.look_problem = look.error_message or "The data source did not answer in time."
                return None
        return dict(look.result_summary or {})

    def _note(self, refusal: AppError) -> None:
        if isinstance(refusal, InvalidInput):
            self.errors = field_errors(refusal)
        elif isinstance(refusal, Conflict):
            self.errors = {"name": refusal.message}
        else:
            self.look_problem = refusal.message


def range_of(form: dict[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants that the two date pickers hold in the viewer's zone, in UTC. InvalidInput unless the one follows the other."""
    try:
        texts = (str(form.get(name) or "") for name in ("time_from", "time_to"))
        start, stop = (datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC) for text in texts)
    except ValueError:
        raise InvalidInput("Choose both ends of the range", field="time_from") from None
    if stop <= start:
        raise InvalidInput("The range must end after it begins", field="time_to")
    return start, stop
