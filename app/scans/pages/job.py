"""The page of one run: how far it is, what it found in sentences, and ways to stop or repeat it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame, slug_var
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, follow_view, page_body
from app.presentation import Phase
from app.scans import service as scans
from app.scans.pages.editor_state import range_of
from app.scans.pages.replay_dialog import replay_dialog, replay_errors
from app.scans.pages.words import MODES, STATES, TONES, figures
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    job_progress,
    link_button,
    notice,
    page_header,
    section,
    text_link,
    toast_done,
    toast_failed,
)
from components.format import duration, local_time
from components.shell import Crumb

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class JobView:
    """One run."""

    id: str = ""
    scan_id: str = ""
    scan: str = ""
    mode: str = ""
    status: str = ""
    tone: str = "neutral"
    is_live: bool = False
    may_cancel: bool = False
    may_replay: bool = False
    percent: int = 0
    phase: str = ""
    started: str = ""
    took: str = ""
    span: str = ""
    error: str = ""
    details: list[str] = field(default_factory=list)
    figures: list[list[str]] = field(default_factory=list)
    has_drifts: bool = False


class ScanJobState(LoadedState):
    """The run that the address names; it is read again each second while it lives."""

    view: JobView = JobView()
    errors: dict[str, str] = {}
    is_replaying: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address, and watch while the run lives."""
        slug, job_id = self._slug(), self._route_value("job_id")
        if self._begin(f"{slug}/{job_id}"):
            self.view, self.errors, self.is_replaying = JobView(), {}, False
            yield None
        with self._loading():
            await self._enter()
            self.view = await self._read(job_view, slug, self._route_value("scan_id"), job_id, self._zone())
        if self.phase == Phase.READY and self.view.is_live:
            yield ScanJobState.watch

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the run's row until it has ended or the page is left."""
        async with self:
            slug, zone, scan_id, job_id = self._slug(), self._zone(), self.view.scan_id, self.view.id
        await follow_view(self, POLL_SECONDS, lambda: self._read(job_view, slug, scan_id, job_id, zone))

    @rx.event
    async def cancel(self) -> EventSpec:
        """Cancel the run."""
        try:
            await self._call(scans.cancel_job, self._slug(), self.view.id)
            self.view = await self._read(job_view, self._slug(), self.view.scan_id, self.view.id, self._zone())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Run cancelled")

    @rx.event
    def set_replaying(self, is_open: bool) -> None:
        """Open or close the replay dialog."""
        self.is_replaying, self.errors = is_open, {}

    @rx.event
    async def replay(self, form: dict[str, Any]) -> EventSpec | None:
        """Queue a replay of the range and go to its page."""
        try:
            start, stop = range_of(form, self._zone())
            job = await self._call(scans.request_replay, self._slug(), self.view.scan_id, start, stop)
        except AppError as refusal:
            self.errors = replay_errors(refusal, self._zone())
            return None
        self.is_replaying = False
        return rx.redirect(ui_paths.project_scan_job(self._slug(), self.view.scan_id, job.id))


def job_view(session: Session, actor: Actor, slug: str, scan_id: str, job_id: str, zone: ZoneInfo) -> JobView:
    """The run as the page shows it. Errors: NotFound."""
    config = scans.get_config(session, actor, slug, scan_id)
    job = scans.get_job(session, actor, slug, job_id, scan_config_id=scan_id)
    now = SYSTEM_CLOCK.now()
    may_run = actor.role in (UserRole.EDITOR, UserRole.OWNER)
    details = job.result_summary.get("details")
    span = [job.result_summary.get(key) for key in ("time_from", "time_to")]
    return JobView(
        id=job.id,
        scan_id=config.id,
        scan=config.name,
        mode=MODES.get(job.mode, "Scan"),
        status=STATES[str(job.status)],
        tone=TONES[str(job.status)],
        is_live=job.status.is_live,
        may_cancel=may_run and job.status.is_live,
        may_replay=actor.role is UserRole.OWNER and config.is_schedulable and not job.status.is_live,
        percent=job.progress_percent,
        phase=job.progress_phase or "waiting for a worker",
        started=local_time(job.started_at or job.created_at, zone, now=now),
        took="" if job.started_at is None else duration(((job.completed_at or now) - job.started_at).total_seconds()),
        span=" to ".join(local_time(datetime.fromisoformat(str(end)), zone, now=now) for end in span) if all(span) else "",
        error=job.error_message or "",
        details=[str(line) for line in details] if isinstance(details, list) else [],
        figures=figures(job.result_summary),
        has_drifts=bool(job.result_summary.get("drifts_found")),
    )


@page(route="/p/[slug]/scans/[scan_id]/jobs/[job_id]", title="Scan run · Plumbline", on_load=ScanJobState.load)
def scan_job_page() -> rx.Component:
    """The page."""
    state: Any = ScanJobState
    view = state.view
    return project_frame(
        page_body(
            state,
            page_header(
                f"{view.mode} of {view.scan}",
                badge(view.status, view.tone),
                rx.cond(view.may_replay, button("Replay a range", on_click=state.set_replaying(True)), rx.fragment()),
            ),
            rx.el.p(
                rx.el.span("started ", view.started),
                rx.cond(view.took != "", rx.el.span("took ", view.took), rx.fragment()),
                rx.cond(view.span != "", rx.el.span("range ", view.span), rx.fragment()),
                class_name="line-sub dotted",
            ),
            rx.cond(view.error != "", notice(view.error, tone="bad"), rx.fragment()),
            rx.cond(
                view.is_live,
                job_progress(
                    view.percent,
                    view.phase,
                    label="Progress of the run",
                    actions=rx.cond(view.may_cancel, button("Cancel", small=True, on_click=state.cancel), rx.fragment()),
                ),
                rx.fragment(),
            ),
            section(
                "What happened",
                rx.cond(
                    view.details.length() > 0,
                    rx.el.ul(rx.foreach(view.details, rx.el.li), class_name="scan-sentences"),
                    rx.el.p(
                        rx.cond(
                            view.is_live,
                            "Nothing to tell yet.",
                            rx.cond(view.error != "", "The run ended before it could tell more.", "Nothing unusual."),
                        ),
                        class_name="muted",
                    ),
                ),
                rx.el.div(
                    data_table(
                        [Column("Figure", lambda row: row[0]), Column("Number", lambda row: row[1], numeric=True, width="140px")],
                        view.figures,
                        caption="Figures of the run",
                        empty=empty_state("No figures yet", "They are stored as the run goes on."),
                    ),
                    class_name="table-narrow",
                ),
                actions=[
                    rx.cond(view.has_drifts, text_link("Drifts", href=ui_paths.project_drifts(slug_var())), rx.fragment()),
                ],
            ),
            replay_dialog(state),
            on_retry=state.load,
            what="run",
            back=link_button("All scans", href=ui_paths.project_scans(slug_var())),
        ),
        active="scans",
        crumbs=[
            Crumb("Scans", ui_paths.project_scans(slug_var())),
            Crumb(view.scan, ui_paths.project_scan(slug_var(), view.scan_id)),
            Crumb("Run"),
        ],
    )
