"""The state of the page of a rule: the draft in its form, what the draft would have told, and the questions one can put to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.contracts import RuleSpec
from app.alerting.pages.rule_form import (
    FIELDS,
    OPERATORS,
    SWITCHES,
    FilterDraft,
    RuleDraft,
    changed_filter,
    changes_of,
    cooldown_choices,
    filter_draft,
    spec_of,
    values_without,
)
from app.alerting.pages.rule_rehearsal import RehearsalView, rehearsal_view
from app.alerting.pages.rule_routing import RoutingForm, routing_form, routing_of_form
from app.alerting.pages.rule_schedule import ScheduleForm, schedule_form, schedule_of_form
from app.alerting.pages.rule_view import EditorView, editor_view
from app.alerting.pages.rule_why import Findings, WhyView, findings_view, why_view
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState
from app.ui import field_errors
from components import toast_done, toast_failed

TABS = ("fired", "message", "compare", "why")
LONGEST_TEXT = 30_000
MOST_FILTERS = 20


class RuleState(LoadedState):
    """The rule that the address names, or one that is being written."""

    view: EditorView = EditorView()
    texts: dict[str, str] = {}
    switches: dict[str, bool] = {}
    filters: list[FilterDraft] = []
    formats: list[list[str]] = []
    cooldowns: list[list[str]] = []
    errors: dict[str, str] = {}
    rehearsal: RehearsalView = RehearsalView()
    is_changed: bool = False
    tab: str = TABS[0]
    findings: Findings = Findings()
    series: str = ""
    bucket: str = ""
    buckets: list[list[str]] = []
    why: WhyView = WhyView()
    is_deleting: bool = False
    schedule: ScheduleForm = ScheduleForm()
    schedule_errors: dict[str, str] = {}
    schedule_drawn: int = 0
    routing: RoutingForm = RoutingForm()
    routing_errors: dict[str, str] = {}
    routing_drawn: int = 0
    _stored: RuleSpec | None = None
    _choices: dict[str, list[list[str]]] = {}

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Show the stored rule, or an empty form."""
        slug, rule_id = self._slug(), self._route_value("rule_id")
        if self._begin(f"{slug}/{rule_id}"):
            self.view, self.rehearsal, self.findings, self.why = EditorView(), RehearsalView(), Findings(), WhyView()
            self.tab, self.series, self.bucket, self.buckets = TABS[0], "", "", []
            yield
        self.errors, self.is_deleting = {}, False
        with self._loading():
            await self._enter()
            await self._show(rule_id)
            await self._rehearse()

    @rx.event
    async def set_text(self, name: str, value: str) -> None:
        """Another text, number or choice."""
        if name in self.texts and self.texts[name] != value:
            self.texts[name] = value[:LONGEST_TEXT]
            if name == "destination_id":
                self._offer_formats()
            await self._edited()

    @rx.event
    async def toggle(self, name: str, is_on: bool) -> AsyncIterator[None]:
        """Switch a part of the rule; the switch moves before the days are replayed."""
        if name in SWITCHES:
            self.switches[name] = bool(is_on)
            yield
            await self._edited()

    @rx.event
    async def add_filter(self) -> None:
        """One more condition."""
        if len(self.filters) < MOST_FILTERS:
            self.filters = [*self.filters, filter_draft(FIELDS[0][0], OPERATORS[0][0], (), self._choices)]

    @rx.event
    async def remove_filter(self, place: int) -> None:
        """One condition less."""
        self.filters = [one for index, one in enumerate(self.filters) if index != place]
        await self._edited()

    @rx.event
    async def set_filter_field(self, place: int, about: str) -> None:
        """What the condition looks at; its values are others then."""
        if about in dict(FIELDS):
            await self._set_filter(place, about=about, values=())

    @rx.event
    async def set_filter_operator(self, place: int, operator: str) -> None:
        """Whether the values are wanted or not."""
        if operator in dict(OPERATORS):
            await self._set_filter(place, operator=operator)

    @rx.event
    async def add_value(self, place: int, value: str) -> None:
        """One more value of the condition."""
        if value and 0 <= place < len(self.filters):
            await self._set_filter(place, values=(*values_without(self.filters[place], value), value))

    @rx.event
    async def remove_value(self, place: int, value: str) -> None:
        """One value less."""
        if 0 <= place < len(self.filters):
            await self._set_filter(place, values=values_without(self.filters[place], value))

    @rx.event
    async def choose_tab(self, tab: str) -> None:
        """Another question about the draft."""
        self.tab = tab if tab in TABS else TABS[0]
        if self.tab == "compare":
            await self._rehearse()
        if self.tab == "why":
            self.findings = await self._read(findings_view, self._slug(), self._zone())
            known = [one[0] for one in self.findings.series]
            if known and self.series not in known:
                await self._choose(known[0])
            else:
                await self._explain()

    @rx.event
    async def choose_series(self, series: str) -> None:
        """Ask about another series."""
        await self._choose(series)

    @rx.event
    async def choose_bucket(self, bucket: str) -> None:
        """Ask about another bucket."""
        self.bucket = bucket
        await self._explain()

    @rx.event
    async def save(self) -> EventSpec | list[EventSpec] | None:
        """Store the draft."""
        if not self._shown:
            return None  # the second of two quick presses; the page of what was made is on its way
        self.errors, slug = {}, self._slug()
        try:
            spec, place = spec_of(self._draft(), self._stored), self.texts.get("destination_id", "")
            if self.view.is_new:
                made = await self._call(alerting.create_rule, slug, place, spec)
                self._begin("")
                return [rx.redirect(ui_paths.project_rule(slug, made.id), replace=True), toast_done(f"{made.spec.name} is added")]
            await self._call(alerting.update_rule, slug, self.view.destination_id, self.view.rule_id, changes_of(spec))
            await self._show(self.view.rule_id)
            await self._rehearse()
        except AppError as refusal:
            self._note(refusal)
            return None
        return toast_done("Saved")

    @rx.event
    async def save_schedule(self, form: dict[str, Any]) -> EventSpec | None:
        """Store when messages may leave."""
        self.schedule_errors = {}
        try:
            await self._call(alerting.set_schedule, self._slug(), self.view.rule_id, schedule_of_form(form))
            await self._show_schedule()
        except AppError as refusal:
            self.schedule_errors = _errors_of(refusal)
            return None
        return toast_done("Schedule saved")

    @rx.event
    async def save_routing(self, form: dict[str, Any]) -> EventSpec | None:
        """Store who else is told."""
        self.routing_errors = {}
        try:
            await self._call(alerting.set_routing, self._slug(), self.view.rule_id, routing_of_form(form))
            await self._show_routing()
        except AppError as refusal:
            self.routing_errors = _errors_of(refusal)
            return None
        await self._rehearse()
        return toast_done("Saved who else is told")

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Open or close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> EventSpec | list[EventSpec]:
        """Delete the rule and go to the list."""
        try:
            await self._call(alerting.delete_rule, self._slug(), self.view.destination_id, self.view.rule_id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.is_deleting = False
        return [rx.redirect(ui_paths.project_rules(self._slug())), toast_done(f"{self.view.title} is deleted")]

    async def _show(self, rule_id: str) -> None:
        self.view, draft, self._stored, self._choices = await self._read(editor_view, self._slug(), rule_id, self._zone())
        self.texts, self.switches, self.filters = draft.texts, draft.switches, draft.filters
        self.cooldowns = cooldown_choices(self.texts["cooldown_minutes"])
        self.is_changed, self.schedule_errors, self.routing_errors = False, {}, {}
        self._offer_formats()
        if self.view.rule_id:
            await self._show_schedule()
            await self._show_routing()

    async def _show_routing(self) -> None:
        self.routing = await self._read(routing_form, self._slug(), self.view.rule_id)
        self.routing_drawn += 1

    async def _show_schedule(self) -> None:
        self.schedule = await self._read(schedule_form, self._slug(), self.view.rule_id, self._zone())
        self.schedule_drawn += 1

    def _offer_formats(self) -> None:
        self.formats = self.view.formats.get(self.texts.get("destination_id", ""), [])
        if self.texts.get("message_format") not in [one[0] for one in self.formats] and self.formats:
            self.texts["message_format"] = self.formats[0][0]

    def _draft(self) -> RuleDraft:
        return RuleDraft(dict(self.texts), dict(self.switches), list(self.filters))

    async def _set_filter(self, place: int, *, about: str = "", operator: str = "", values: tuple[str, ...] | None = None) -> None:
        if not 0 <= place < len(self.filters):
            return
        changed = changed_filter(self.filters[place], self._choices, about=about, operator=operator, values=values)
        self.filters = [changed if index == place else old for index, old in enumerate(self.filters)]
        await self._edited()

    async def _edited(self) -> None:
        self.is_changed = True
        await self._rehearse()
        if self.tab == "why":
            await self._explain()

    async def _rehearse(self) -> None:
        """What the draft would have told; a draft that is no rule yet keeps the figures of the last one and says why."""
        self.errors = {}
        place = self.texts.get("destination_id", "")
        if not place:
            self.rehearsal = RehearsalView(problem="Add a destination first: a rule belongs to the place it tells.")
            return
        name = self.view.place_names.get(place, "")
        try:
            spec = spec_of(self._draft(), self._stored)
            self.rehearsal = await self._read(
                rehearsal_view, self._slug(), self.view.rule_id, place, name, spec, self._choices, self._zone(),
                with_comparison=self.tab == "compare",
            )  # fmt: skip
        except AppError as refusal:
            self._note(refusal)
            self.rehearsal = replace(self.rehearsal, problem=refusal.message)

    async def _choose(self, series: str) -> None:
        self.series, self.buckets = series, self.findings.buckets.get(series, [])
        self.bucket = self.buckets[0][0] if self.buckets else ""
        await self._explain()

    async def _explain(self) -> None:
        self.why = WhyView()
        if not (self.series and self.bucket and self.view.rule_id):
            return
        try:
            spec = spec_of(self._draft(), self._stored)
            self.why = await self._read(why_view, self._slug(), self.view.rule_id, self.series, self.bucket, spec, self._zone())
        except (AppError, ValueError) as refusal:
            self.why = WhyView(answer=refusal.message if isinstance(refusal, AppError) else "Choose a series and a bucket.")

    def _note(self, refusal: AppError) -> None:
        self.errors = _errors_of(refusal)


def _errors_of(refusal: AppError) -> dict[str, str]:
    return field_errors(refusal) if isinstance(refusal, InvalidInput) else {"": refusal.message}
