"""The state of the inbox: which incidents are shown, which are opened or selected, and what people decide about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting.vocabulary import GroupAction
from app.detection.contracts import Incident
from app.detection.feedback import VerdictKind
from app.detection.pages.inbox_actions import SentMessage, act_on_group, decide, hand_over, sent_message, take_back, take_group
from app.detection.pages.inbox_rows import VERDICT_WORDS, SignalRow
from app.detection.pages.inbox_view import Filters, InboxView, inbox_view, incident_chart
from app.kernel.errors import AppError
from app.metrics.contracts import ScopeType
from app.page_states import LoadedState, follow_view
from app.presentation import Phase, page_number
from components import ChartData, toast_done, toast_failed

PERIODS = {"1": "24 h", "7": "7 days", "30": "30 days", "": "All"}
POLL_SECONDS = 3.0
DIRECTIONS = {"": "Both", "spike": "Spikes", "drop": "Drops"}


class InboxState(LoadedState):
    """The incidents of the open project; filters and page live in the address."""

    view: InboxView = InboxView()
    direction: str = ""
    scope: str = ""
    days: str = "30"
    mine: str = ""
    page_number: int = 1
    first: int = 0
    last: int = 0
    is_narrowed: bool = False
    opened: str = ""
    chart: ChartData = ChartData()
    is_chart_ready: bool = False
    shown_groups: list[str] = []
    selected: list[str] = []
    message: SentMessage = SentMessage()
    is_message_open: bool = False
    _incidents: dict[str, Incident] = {}

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address, and look again as long as nothing was judged."""
        slug = self._slug()
        if self._begin(slug):
            self.view = InboxView()
            yield None
        self._take_query()
        with self._loading():
            await self._enter()
            await self._refresh()
        if self.phase == Phase.READY and self.view.is_live:
            yield InboxState.watch

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the inbox until something was judged or the page is left: a first run shows what it counted some seconds before."""
        async with self:
            slug, zone, filters = self._slug(), self._zone(), self._filters()

        async def read() -> InboxView:
            view, _ = await self._read(inbox_view, slug, filters, zone)
            return view

        await follow_view(self, POLL_SECONDS, read)
        async with self:
            if slug == self._slug() and not self.view.is_live:
                await self._refresh()

    def _filters(self) -> Filters:
        return Filters.of(self.direction, self.scope, self.days, self.page_number, is_mine=bool(self.mine))

    async def _refresh(self) -> None:
        self.view, self._incidents = await self._read(inbox_view, self._slug(), self._filters(), self._zone())
        self.first = self.view.before + 1 if self._incidents else 0
        self.last = self.view.before + len(self._incidents)
        self.selected = [key for key in self.selected if key in self._incidents]

    @rx.event
    async def open(self, key: str) -> AsyncIterator[None]:
        """Show the incident in its series; the same again closes it."""
        incident = self._incidents.get(key)
        if self.opened == key or incident is None:
            self.opened = ""
            return
        self.opened, self.is_chart_ready = key, False
        yield
        self.chart = await self._read(incident_chart, self._slug(), incident, self._zone())
        self.is_chart_ready = True

    @rx.event
    def toggle_group(self, group: str) -> None:
        """Show or hide what the leading line speaks for."""
        shown = set(self.shown_groups) ^ {group}
        self.shown_groups = [row.key for row in self.view.rows if row.key in shown]

    @rx.event
    def select_row(self, key: str) -> None:
        """Take the line in or out; a closed group goes with the line that leads it."""
        together = {key}
        if key not in self.shown_groups:
            together |= {row.key for row in self.view.rows if row.group == key}
        chosen = set(self.selected) - together if key in self.selected else set(self.selected) | together
        self.selected = [row.key for row in self.view.rows if row.key in chosen]

    @rx.event
    def clear_selection(self) -> None:
        """Select nothing."""
        self.selected = []

    @rx.event
    async def decide(self, key: str, verdict: str) -> EventSpec:
        """Give one incident a verdict."""
        return await self._decide([key], verdict)

    @rx.event
    async def decide_selected(self, verdict: str) -> EventSpec:
        """Give everything selected one verdict."""
        return await self._decide(self.selected, verdict)

    @rx.event
    async def undo(self, key: str) -> EventSpec:
        """Take the verdict on one incident back."""
        return await self._undo([key])

    @rx.event
    async def undo_selected(self) -> EventSpec:
        """Take the verdicts on everything selected back."""
        return await self._undo(self.selected)

    @rx.event
    async def act(self, key: str, action: str) -> EventSpec:
        """Decide about what was delivered about an incident."""
        row = self._row(key)
        if row is None or not row.alert_group or action not in set(GroupAction):
            return toast_failed("Nothing was delivered about this incident")
        return await self._change("Saved", act_on_group, self._slug(), row.alert_group, GroupAction(action))

    @rx.event
    async def take(self, key: str) -> EventSpec:
        """Make what was delivered about an incident the viewer's own."""
        row = self._row(key)
        if row is None or not row.alert_group:
            return toast_failed("Nothing was delivered about this incident")
        return await self._change("It is yours", take_group, self._slug(), row.alert_group)

    @rx.event
    async def hand_over(self, key: str, user_id: str) -> EventSpec:
        """Hand what was delivered about an incident to a member, or to nobody."""
        row = self._row(key)
        if row is None or not row.alert_group:
            return toast_failed("Nothing was delivered about this incident")
        return await self._change("Saved", hand_over, self._slug(), row.alert_group, user_id)

    @rx.event
    async def act_on_alert(self, group: str, action: str) -> EventSpec:
        """Decide about an alert that is about no series."""
        if action not in set(GroupAction):
            return toast_failed("There is no such action")
        return await self._change("Saved", act_on_group, self._slug(), group, GroupAction(action))

    @rx.event
    async def save_note(self, key: str, form: dict[str, Any]) -> EventSpec:
        """Note something about the alert; its status stays, an open one becomes the caller's."""
        row = self._row(key)
        if row is None or not row.alert_group:
            return toast_failed("Nothing was delivered about this incident")
        action = {"resolved": GroupAction.RESOLVE, "muted": GroupAction.MUTE}.get(row.alert_status, GroupAction.ACKNOWLEDGE)
        note = str(form.get("note", "")).strip()
        return await self._change("Note saved", act_on_group, self._slug(), row.alert_group, action, note)

    @rx.event
    async def show_message(self, delivery_id: str) -> EventSpec | None:
        """Show what was sent."""
        try:
            self.message = await self._read(sent_message, self._slug(), delivery_id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.is_message_open = True
        return None

    @rx.event
    def hide_message(self) -> None:
        """Close the message."""
        self.is_message_open = False

    @rx.event
    def choose_direction(self, direction: str) -> EventSpec:
        """Only spikes or only drops."""
        return self._go(direction=direction, page="1")

    @rx.event
    def choose_scope(self, scope: str) -> EventSpec:
        """Only one kind of series."""
        return self._go(scope=scope, page="1")

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another period."""
        return self._go(days=days, page="1")

    @rx.event
    def choose_mine(self, mine: str) -> EventSpec:
        """Only what the viewer works on, or everything."""
        return self._go(mine=mine, page="1")

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.page_number + step)))

    def _row(self, key: str) -> SignalRow | None:
        return next((row for row in self.view.rows if row.key == key), None)

    async def _decide(self, keys: Sequence[str], verdict: str) -> EventSpec:
        incidents = [self._incidents[key] for key in keys if key in self._incidents]
        if verdict not in set(VerdictKind) or not incidents:
            return toast_failed("Select an incident first")
        kind = VerdictKind(verdict)
        later = ". Its series is judged more leniently from the next evaluation on" if kind is VerdictKind.FALSE_POSITIVE else ""
        many = "" if len(incidents) == 1 else f" for {len(incidents)} incidents"
        return await self._change(f"{VERDICT_WORDS[kind]}{many}{later}", decide, self._slug(), incidents, kind)

    async def _undo(self, keys: Sequence[str]) -> EventSpec:
        verdict_ids = [row.verdict_id for row in self.view.rows if row.key in keys and row.verdict_id]
        if not verdict_ids:
            return toast_failed("There is no verdict to undo")
        return await self._change("Verdict taken back", take_back, self._slug(), verdict_ids)

    async def _change(self, done: str, fn: Callable[..., None], *args: Any) -> EventSpec:
        try:
            await self._call(fn, *args)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._refresh()
        return toast_done(done)

    def _take_query(self) -> None:
        query = self.router.url.query_parameters
        self.direction = query.get("direction", "") if query.get("direction", "") in DIRECTIONS else ""
        self.scope = query.get("scope", "") if query.get("scope", "") in set(ScopeType) else ""
        days = query.get("days", "30")
        self.days = "" if days == "all" else days if days in PERIODS else "30"
        self.page_number = page_number(query.get("page", "1"))
        self.mine = "1" if query.get("mine") else ""
        self.is_narrowed = bool(self.direction or self.scope or self.mine)
        self.opened, self.selected, self.shown_groups = "", [], []

    def _go(self, **changed: str) -> EventSpec:
        now = {
            "direction": self.direction,
            "scope": self.scope,
            "days": self.days,
            "mine": self.mine,
            "page": str(self.page_number),
            **changed,
        }
        now["days"] = now["days"] or "all"
        usual = {"direction": "", "scope": "", "days": "30", "mine": "", "page": "1"}
        query = urlencode({key: value for key, value in now.items() if value != usual[key]})
        path = ui_paths.project_inbox(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)
