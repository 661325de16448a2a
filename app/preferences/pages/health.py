"""Health: what `plumbline doctor` sees, check by check as each one ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.checkup import CHECKS, Finding, State, examine_one_by_one
from app.frame import workspace_frame
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.page_states import LoadedState, page_body, phase_here
from app.preferences.pages.retention_view import RetentionPart, ask_for_pass, retention_part
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    link_button,
    page_header,
    section,
    time_text,
    toast_done,
    toast_failed,
)
from components.format import iso_utc, local_time
from components.shell import Crumb

TITLES: Final = {
    "database": "Database",
    "migrations": "Schema of the database",
    "settings": "Settings",
    "scheduler": "Scheduler",
    "alerts": "Alert deliveries",
    "event_store": "Event store",
    "mail": "Mail",
    "single_sign_on": "Single sign-on",
    "disk": "Disk",
    "geo_data": "Location data",
}
_BACKTICKED: Final = re.compile(r"`([^`]+)`")
_STATES: Final = {State.OK: ("fine", "ok"), State.NOTICE: ("notice", "warn"), State.FAILED: ("failed", "bad")}


@dataclass(frozen=True)
class CheckRow:
    """One check: waiting, or how it ended."""

    title: str
    state: str
    tone: str
    message: str


def check_rows(findings: Sequence[Finding], *, is_over: bool) -> list[CheckRow]:
    """The findings, and the checks still to come; once it is over, those that could not be made."""
    rows = []
    ended = {finding.check: finding for finding in findings}
    for check in CHECKS:
        if (finding := ended.get(check)) is not None:
            state, tone = _STATES[finding.state]
            rows.append(CheckRow(TITLES[check], state, tone, _sentence(finding.message)))
        elif is_over:
            rows.append(CheckRow(TITLES[check], "not checked", "unknown", "Needs the database with its newest schema"))
        else:
            rows.append(CheckRow(TITLES[check], "checking", "neutral", ""))
    return rows


def _sentence(message: str) -> str:
    """What was found as it stands in the table; the name of a file keeps its first letter."""
    is_file = "." in message.partition(" ")[0].strip(".,;:")
    return _BACKTICKED.sub("“\\1”", message if is_file else message[:1].upper() + message[1:])


def verdict_of(findings: Sequence[Finding]) -> str:
    """The whole in one sentence."""
    failed = [TITLES[finding.check] for finding in findings if finding.state is State.FAILED]
    if failed:
        return f"{len(failed)} of {len(CHECKS)} checks failed: {', '.join(failed)}."
    count = sum(finding.state is State.NOTICE for finding in findings)
    return "Everything works." if not count else f"Everything works; {count} notice{'' if count == 1 else 's'} below."


class HealthState(LoadedState):
    """The checks as they stand."""

    rows: list[CheckRow] = []
    verdict: str = ""
    checked_at: str = ""
    checked_iso: str = ""
    is_running: bool = False
    retention: RetentionPart = RetentionPart()

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Check everything, for owners."""
        self._begin("health")
        self.verdict = ""
        with self._loading():
            await self._read(_owner)
            self.retention = await self._read(retention_part, self._zone(), SYSTEM_CLOCK.now())
        if self.phase != "ready":
            return
        self.is_running, self.rows = True, check_rows([], is_over=False)
        yield
        now, findings = SYSTEM_CLOCK.now(), list[Finding]()
        looks = examine_one_by_one(get_settings(), now)
        try:
            while (finding := await asyncio.to_thread(next, looks, None)) is not None:
                findings.append(finding)
                self.rows = check_rows(findings, is_over=False)
                yield
        finally:
            self.is_running = False
        self.rows, self.verdict = check_rows(findings, is_over=True), verdict_of(findings)
        self.checked_at, self.checked_iso = local_time(now, self._zone(), now=now), iso_utc(now)

    @rx.event
    async def prune(self) -> EventSpec:
        """Have what is too old removed now."""
        try:
            await self._call(ask_for_pass, SYSTEM_CLOCK.now())
            self.retention = await self._read(retention_part, self._zone(), SYSTEM_CLOCK.now())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Asked for. It begins within a minute.")


def _owner(_session: Session, actor: Actor) -> None:
    actor.require_owner()


@page(route=ui_paths.HEALTH, title="Health · Plumbline", on_load=HealthState.load)
def health_page() -> rx.Component:
    """The page."""
    state: Any = HealthState
    return workspace_frame(
        page_header(
            "Health",
            rx.cond(
                phase_here(state) == "ready",
                button(rx.cond(state.is_running, "Checking…", "Check again"), on_click=state.load, disabled=state.is_running),
                rx.fragment(),
            ),
            note="What the command “plumbline doctor” sees, from inside the running instance.",
        ),
        page_body(
            state,
            rx.el.p(rx.cond(state.is_running, "Checking…", state.verdict), role="status", class_name="health-verdict"),
            data_table(
                [
                    Column("Check", lambda row: row.title),
                    Column("State", lambda row: badge(row.state, row.tone, dot=True)),
                    Column("What was found", lambda row: rx.el.span(row.message, class_name="health-message")),
                ],
                state.rows,
                caption="Checks of this instance",
                empty=empty_state("Nothing was checked yet", "Choose “Check again”."),
            ),
            rx.cond(
                state.checked_at != "",
                rx.el.p("Checked ", time_text(state.checked_at, state.checked_iso), class_name="muted health-note"),
                rx.fragment(),
            ),
            _retention(state),
            on_retry=state.load,
        ),
        active="health",
        crumbs=[Crumb("Settings", ui_paths.SETTINGS), Crumb("Health")],
    )


def _retention(state: Any) -> rx.Component:
    return section(
        "Retention",
        data_table(
            [
                Column("Kind", lambda row: row.title),
                Column("Kept for", lambda row: row.kept),
                Column(
                    "Removed last",
                    lambda row: rx.cond(row.error != "", badge(row.error, "bad"), row.removed),
                    numeric=True,
                ),
            ],
            state.retention.rows,
            caption="How long each kind of data is kept",
            empty=empty_state("Nothing is known yet"),
        ),
        actions=[
            link_button("Change", href=f"{ui_paths.SETTINGS}?q=retention", small=True),
            button(
                rx.cond(state.retention.is_requested, "Asked for", "Prune now"),
                small=True,
                on_click=state.prune,
                disabled=state.retention.is_requested,
            ),
        ],
        note=state.retention.last,
    )
