"""Scans: what is read, how far it got, and how the last runs ended."""

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
from app.scans.contracts import JobStatus, ScanConfigView, ScanJobView
from app.scans.pages.words import EVERY, MODES, STATES, TONES, result_line
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    job_progress,
    link_button,
    page_header,
    row_link,
    section,
    text_link,
    time_text,
    toast_done,
    toast_failed,
)
from components.format import ago, duration, iso_utc, local_time
from components.shell import Crumb

POLL_SECONDS = 1.0
IDLE_SECONDS = 10.0
MOST_JOBS = 25


@dataclass(frozen=True)
class ScanRow:
    """A scan config with the state of its newest job."""

    id: str
    name: str
    href: str
    source: str
    schedule: str
    counted: str
    status: str
    tone: str
    job_id: str
    is_live: bool
    percent: int
    progress_text: str
    error: str


@dataclass(frozen=True)
class JobRow:
    """A finished or running job."""

    id: str
    href: str
    scan: str
    mode: str
    status: str
    tone: str
    started: str
    started_iso: str
    took: str
    result: str


@dataclass(frozen=True)
class ScansView:
    """Everything the page shows."""

    scans: list[ScanRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    job_count: int = 0
    is_live: bool = False
    may_run: bool = False


class ScansState(LoadedState):
    """The scans of the open project; progress is read from the jobs' rows."""

    view: ScansView = ScansView()

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page, and watch while a job is live."""
        slug = self._slug()
        if self._begin(slug):
            self.view = ScansView()
            yield None
        with self._loading():
            await self._enter()
            self.view = await self._read(scans_view, slug, self._zone())
        if self.phase == Phase.READY:
            yield ScansState.watch

    @rx.event
    async def run_now(self, config_id: str) -> list[EventSpec] | EventSpec:
        """Queue a run of the scan."""
        try:
            await self._call(scans.request_run, self._slug(), config_id)
            self.view = await self._read(scans_view, self._slug(), self._zone())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return [toast_done("Scan queued"), ScansState.watch]

    @rx.event
    async def cancel(self, job_id: str) -> EventSpec:
        """Cancel a live job."""
        try:
            await self._call(scans.cancel_job, self._slug(), job_id)
            self.view = await self._read(scans_view, self._slug(), self._zone())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Scan cancelled")

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the jobs' rows each second while one is live, and every ten seconds otherwise, as long as the page is open."""
        async with self:
            slug, zone = self._slug(), self._zone()
        await follow_view(self, POLL_SECONDS, lambda: self._read(scans_view, slug, zone), idle_seconds=IDLE_SECONDS)


def scans_view(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> ScansView:
    """Scans with their newest job, and the latest jobs."""
    now = SYSTEM_CLOCK.now()
    configs = scans.list_configs(session, actor, slug)
    jobs = scans.list_jobs(session, actor, slug, limit=MOST_JOBS)
    names = {config.id: config.name for config in configs}
    rows = []
    for config in configs:
        newest = scans.list_jobs(session, actor, slug, config.id, limit=1).items
        rows.append(_scan_row(slug, config, newest[0] if newest else None, zone, now))
    return ScansView(
        rows,
        [job_row(slug, job, names, zone, now) for job in jobs.items],
        jobs.total,
        is_live=any(row.is_live for row in rows),
        may_run=actor.role in (UserRole.EDITOR, UserRole.OWNER),
    )


def _scan_row(slug: str, config: ScanConfigView, job: ScanJobView | None, zone: ZoneInfo, now: datetime) -> ScanRow:
    schedule = EVERY[str(config.interval)] if config.is_schedulable else "by hand only"
    return ScanRow(
        id=config.id,
        name=config.name,
        href=ui_paths.project_scan(slug, config.id),
        source=config.data_source_name,
        schedule="paused" if config.is_paused else schedule,
        counted=_counted(config.collected_until, zone, now),
        status=_no_run(config.collected_until) if job is None else STATES[str(job.status)],
        tone="unknown" if job is None else TONES[str(job.status)],
        job_id="" if job is None else job.id,
        is_live=job is not None and job.status.is_live,
        percent=0 if job is None else job.progress_percent,
        progress_text="" if job is None else job.progress_phase or "waiting for a worker",
        error=(job.error_message or "") if job is not None and job.status is JobStatus.FAILED else "",
    )


def _no_run(until: datetime | None) -> str:
    """Runs are pruned once they are old; what they counted stays, and tells that there were some."""
    return "Never run" if until is None else "No run kept"


def _counted(until: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """Up to when rows are counted: the end of the last full interval, not the time of the run."""
    return "nothing counted yet" if until is None else f"counted up to {local_time(until, zone, now=now)}, {ago(until, now)}"


def job_row(slug: str, job: ScanJobView, names: dict[str, str], zone: ZoneInfo, now: datetime) -> JobRow:
    """The job as tables show it."""
    start = job.started_at or job.created_at
    took = "" if job.started_at is None else duration(((job.completed_at or now) - job.started_at).total_seconds())
    return JobRow(
        id=job.id,
        href=ui_paths.project_scan_job(slug, job.scan_config_id, job.id),
        scan=names.get(job.scan_config_id, "removed scan"),
        mode=MODES.get(job.mode, "Scan"),
        status=STATES[str(job.status)],
        tone=TONES[str(job.status)],
        started=local_time(start, zone, now=now),
        started_iso=iso_utc(start),
        took=took or "–",
        result=job.error_message or result_line(job.result_summary),
    )


@page(route="/p/[slug]/scans", title="Scans · Plumbline", on_load=ScansState.load)
def scans_page() -> rx.Component:
    """The page."""
    state: Any = ScansState
    return project_frame(
        page_header(
            "Scans",
            rx.cond(
                state.user_role == "owner",
                link_button(
                    rx.icon("plus", size=14, aria_hidden="true"),
                    "New scan",
                    href=ui_paths.project_scan(slug_var(), "new"),
                    kind="primary",
                ),
                rx.fragment(),
            ),
            note="A scan reads a source, proposes events the plan lacks, and counts what happened per interval.",
        ),
        page_body(
            state,
            rx.cond(
                state.view.scans.length() > 0,
                rx.el.ul(rx.foreach(state.view.scans, _scan), class_name="lines scans", aria_label="Scans"),
                empty_state(
                    "No scan is set up",
                    "The first event that arrives sets one up for received events. Owners set up others, which read a warehouse.",
                    link_button("How to send the first event", href=ui_paths.project_overview(slug_var())),
                ),
            ),
            rx.cond(
                (state.view.scans.length() > 0) | (state.view.jobs.length() > 0),
                section("Latest runs", job_table(state.view.jobs), note="newest first"),
                rx.fragment(),
            ),
            on_retry=state.load,
        ),
        active="scans",
        crumbs=[Crumb("Scans")],
    )


def job_table(rows: Any) -> rx.Component:
    """Runs, each with a link to its page."""
    return data_table(
        [
            Column("Started", lambda row: row_link(time_text(row.started, row.started_iso), row.href)),
            Column("Scan", lambda row: row.scan, secondary=True),
            Column("Kind", lambda row: row.mode, secondary=True),
            Column("State", lambda row: badge(row.status, row.tone)),
            Column("Took", lambda row: row.took, numeric=True, secondary=True),
            Column("Result", lambda row: rx.el.span(row.result, class_name="muted")),
        ],
        rows,
        caption="Latest runs",
        empty=empty_state("Nothing has run yet", "The scheduler runs each scan after every full interval."),
    )


def _scan(row: Any) -> rx.Component:
    state: Any = ScansState
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                text_link(row.name, href=row.href, class_name="strong"),
                badge(row.status, row.tone),
                class_name="scan-name",
            ),
            rx.el.p(
                rx.el.span(row.source),
                rx.el.span(row.schedule),
                rx.el.span(row.counted, title="The end of the last full interval that was counted, not the time of the run"),
                class_name="line-sub dotted",
            ),
            rx.cond(row.error != "", rx.el.p(row.error, class_name="field-error", role="alert"), rx.fragment()),
        ),
        rx.cond(
            row.is_live,
            job_progress(
                row.percent,
                row.progress_text,
                label=f"Progress of {row.name}",
                actions=rx.cond(state.view.may_run, button("Cancel", small=True, on_click=state.cancel(row.job_id)), rx.fragment()),
            ),
            rx.cond(
                state.view.may_run,
                button(
                    rx.icon("play", size=14, aria_hidden="true"),
                    "Run now",
                    rx.el.span(" ", row.name, class_name="sr-only"),
                    on_click=state.run_now(row.id),
                ),
                rx.fragment(),
            ),
        ),
        class_name="scan",
    )
