"""Plan checks: what happens to events that break the plan, which do, and what a branch would change about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame
from app.identity.contracts import Actor
from app.ingest import policies, proposals, replays
from app.ingest.labels import Treatment
from app.ingest.pages.checks_parts import label_section, policy_section, preview_section, violation_table
from app.ingest.pages.checks_view import PERIODS, ChecksView, PreviewView, ViolationRow, checks_view, preview_view
from app.ingest.validation import ANY, Mode, Override, Policy
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.ui import page
from components import button, code_block, kpi, kpi_row, page_header, section, segmented, toast_done, toast_failed, toolbar
from components.shell import Crumb

NO_ROW = ViolationRow("", "", "", "", "", "", "neutral", "", "", "", "", "", "", "", False)


def _caller(_session: Session, actor: Actor) -> Actor:
    return actor


class ChecksState(LoadedState):
    """Policy and violations of the open project; period and branch live in the address."""

    view: ChecksView = ChecksView()
    hours: str = "24"
    opened: str = ""
    opened_row: ViolationRow = NO_ROW
    branch: str = ""
    preview: PreviewView = PreviewView()
    is_busy: bool = False
    override_error: str = ""
    override_drawn: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view, self.preview = ChecksView(), PreviewView()
            yield
        query = self.router.url.query_parameters
        self.hours = query.get("hours", "24") if query.get("hours", "24") in PERIODS else "24"
        if self.branch != query.get("branch_preview", ""):
            self.branch, self.preview = query.get("branch_preview", ""), PreviewView()
            yield
        self.opened, self.opened_row, self.override_error = "", NO_ROW, ""
        with self._loading():
            await self._enter()
            await self._refresh()
            if self.branch:
                self.preview = await self._read(preview_view, slug, self.branch, int(self.hours))

    @rx.event
    def choose_hours(self, hours: str) -> EventSpec:
        """Another period."""
        return self._go(hours=hours)

    @rx.event
    def choose_branch(self, branch: str) -> EventSpec:
        """Hold recent events against this branch; none to stop."""
        return self._go(branch_preview=branch)

    @rx.event
    def open(self, key: str) -> None:
        """Show an example of the group; the same again closes it."""
        row = next((row for row in self.view.rows if row.key == key), NO_ROW)
        is_same = self.opened == key
        self.opened, self.opened_row = ("", NO_ROW) if is_same else (row.key, row)

    @rx.event
    async def choose_mode(self, mode: str) -> EventSpec:
        """What happens to events that break the plan."""
        return await self._change(mode=Mode(mode) if mode in set(Mode) else Mode.ALLOW)

    @rx.event
    async def set_unplanned(self, is_set: bool) -> EventSpec:
        """Whether an event the plan does not hold breaks it."""
        return await self._change(refuses_unplanned=bool(is_set))

    @rx.event
    async def set_unknown(self, is_set: bool) -> EventSpec:
        """Whether a property the plan does not hold breaks it."""
        return await self._change(refuses_unknown_properties=bool(is_set))

    @rx.event
    async def treat(self, label: str, treatment: str) -> EventSpec:
        """What happens to values under the label."""
        policy = await self._read(policies.get_policy, self._slug())
        chosen = Treatment(treatment) if treatment in set(Treatment) else Treatment.PASS
        return await self._change(sensitivity={**policy.sensitivity, label: chosen})

    @rx.event
    async def add_override(self, form: dict[str, Any]) -> EventSpec | None:
        """Another mode for some events; a refused one stays in the form."""
        mode = str(form.get("mode", ""))
        parts = {key: str(form.get(key, "")).strip()[:500] or ANY for key in ("source", "event", "environment")}
        if mode not in set(Mode) or set(parts.values()) == {ANY}:
            self.override_error = "Name the event, source or environment that the exception is for"
            return None
        self.override_error = ""
        self.override_drawn += 1
        policy = await self._read(policies.get_policy, self._slug())
        return await self._change(overrides=(*policy.overrides, Override(Mode(mode), **parts)))

    @rx.event
    async def remove_override(self, place: int) -> EventSpec:
        """Take the exception back."""
        policy = await self._read(policies.get_policy, self._slug())
        kept = tuple(entry for index, entry in enumerate(policy.overrides) if index != place)
        return await self._change(overrides=kept)

    @rx.event
    async def replay(self, reason: str) -> AsyncIterator[EventSpec | None]:
        """Take in refused events that fit by now."""
        self.is_busy = True
        yield None
        try:
            actor = await self._read(_caller)
            result = await asyncio.to_thread(replays.replay_refused, actor, self._slug(), SYSTEM_CLOCK.now(), reason=reason)
            await self._refresh()
        except AppError as refusal:
            yield toast_failed(refusal.message)
        else:
            fresh = f", {result.too_fresh} arrived only just now" if result.too_fresh else ""
            yield toast_done(f"{_events(result.replayed)} taken in, {_events(result.refused_again)} still refused{fresh}")
        finally:
            self.is_busy = False

    @rx.event
    async def propose(self) -> AsyncIterator[EventSpec | None]:
        """Make a branch that would heal the open violation, and go there."""
        row = self.opened_row
        self.is_busy = True
        yield None
        try:
            made = await self._call(
                proposals.propose,
                self._slug(),
                source=row.source,
                name=row.name,
                reason=row.full_reason,
                hours=int(self.hours),
                now=SYSTEM_CLOCK.now(),
            )
        except AppError as refusal:
            yield toast_failed(refusal.message)
        else:
            yield toast_done(f"Proposed: {made.change}")
            yield rx.redirect(ui_paths.project_branch(self._slug(), made.branch_id))
        finally:
            self.is_busy = False

    async def _change(self, **parts: Any) -> EventSpec:
        try:
            policy = await self._read(policies.get_policy, self._slug())
            changed: Policy = replace(policy, **parts)
            await self._call(policies.set_policy, self._slug(), changed, SYSTEM_CLOCK.now())
            await self._refresh()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Saved. Every ingest process follows within seconds.")

    async def _refresh(self) -> None:
        self.view = await self._read(checks_view, self._slug(), int(self.hours), self._zone())

    def _go(self, **changed: str) -> EventSpec:
        now: Mapping[str, str] = {"hours": self.hours, "branch_preview": self.branch, **changed}
        query = urlencode({key: value for key, value in now.items() if value and (key, value) != ("hours", "24")})
        path = ui_paths.project_checks(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


@page(route="/p/[slug]/checks", title="Plan checks · Plumbline", on_load=ChecksState.load)
def checks_page() -> rx.Component:
    """The page."""
    state: Any = ChecksState
    return project_frame(
        page_header("Plan checks", note="Every event is held against the plan when it arrives."),
        page_body(
            state,
            kpi_row(
                kpi("Quarantined", state.view.refused_total, note="refused and kept"),
                kpi("Flagged", state.view.flagged_total, note="stored with a reason"),
            ),
            section(
                "Violations",
                toolbar(segmented(list(PERIODS.items()), state.hours, state.choose_hours, label="Period")),
                violation_table(state),
                rx.cond(state.opened != "", _example(state), rx.fragment()),
                actions=[
                    rx.cond(
                        state.view.is_editor,
                        button("Take in what fits by now", on_click=state.replay(""), disabled=state.is_busy, small=True),
                        rx.fragment(),
                    )
                ],
                note="Grouped by event and fault. Values under a sensitivity label are never shown.",
            ),
            preview_section(state),
            policy_section(state),
            label_section(state),
            on_retry=state.load,
        ),
        active="checks",
        crumbs=[Crumb("Plan checks")],
    )


def _example(state: Any) -> rx.Component:
    row = state.opened_row
    return rx.el.aside(
        rx.el.h3(row.name, ": ", row.reason),
        rx.cond(
            row.settled != "",
            rx.el.p(
                rx.cond(
                    row.is_refused,
                    "These arrived before the plan had room for them. Newer ones fit; try these again to take them in.",
                    "These arrived before the event was planned. Newer ones are not flagged for it.",
                ),
                class_name="muted",
            ),
            rx.fragment(),
        ),
        code_block(row.example, label="Example as JSON"),
        rx.cond(
            row.is_refused & state.view.is_editor,
            button("Try these again", on_click=state.replay(row.full_reason), disabled=state.is_busy),
            rx.fragment(),
        ),
        rx.cond(
            row.has_remedy & state.view.is_editor,
            button("Propose a change of the plan", kind="primary", on_click=state.propose, disabled=state.is_busy),
            rx.fragment(),
        ),
        aria_label="Example of the violation",
        class_name="stack",
    )
