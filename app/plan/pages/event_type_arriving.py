"""Properties that arrive with events of the open type and that the plan lacks: ticked ones become fields."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import reflex as rx
from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.page_states import take_over
from app.plan import service as plan
from app.plan.drafts import FieldDraft
from app.plan.pages.plan_frame import PlanState
from app.plan.pages.words import FIELD_TYPE_WORDS, FIELD_TYPES, plural
from app.plan.vocabulary import FieldType
from app.scans import service as scans
from app.ui import NotLoggedIn
from components import button, empty_state, error_state, loading_state, section, toast_done
from components.format import full_number, percent
from components.inline_edit import cell_select, check_box, form_refusal

log = logging.getLogger("plumbline.ui")
HIDDEN = "not shown: it may hold sensitive values"
UNDECIDED = ""
# One of a list needs its list first, which the table of fields asks for.
_CHOICES = [(UNDECIDED, "Choose a type"), *[choice for choice in FIELD_TYPES if choice[0] != FieldType.ENUM]]
_KINDS = {"String": "text", "Bool": "yes or no", "Object": "object", "Array": "list"}


@dataclass(frozen=True)
class ArrivingRow:
    """A property as the list shows it; `kinds` are those of its JSON values, `field_type` what it is to become."""

    name: str
    share: str
    kinds: str
    json_types: list[str]
    field_type: str
    word: str
    warning: str
    sample: str
    is_hidden: bool
    is_ticked: bool = False

    def becoming(self, field_type: str) -> ArrivingRow:
        """The same property with another type chosen for it."""
        return replace(self, field_type=field_type, warning=_warning(field_type, self.json_types))


@dataclass(frozen=True)
class ArrivingView:
    """The list and what was looked at for it, in words."""

    rows: list[ArrivingRow]
    looked_at: str
    has_events: bool


def arriving_view(session: Session, actor: Actor, slug: str, event_type_id: str, branch: str) -> ArrivingView:
    """The list in one read. Errors: NotFound, Unavailable."""
    found = scans.arriving_properties(session, actor, slug, event_type_id, branch=branch)
    events = "event" if found.event_count == 1 else "events"
    looked_at = f"{full_number(found.event_count)} {events} of the last 7 days"
    return ArrivingView(
        rows=[_row_of(one, found.event_count) for one in found.properties],
        looked_at=f"in {looked_at}" if found.is_all else f"in the newest {looked_at}",
        has_events=found.event_count > 0,
    )


def _row_of(one: scans.ArrivingProperty, event_count: int) -> ArrivingRow:
    kinds = list(dict.fromkeys(_KINDS.get(kind, "number") for kind in one.json_types))
    field_type = one.field_type.value if one.field_type else UNDECIDED
    share = one.count / event_count
    return ArrivingRow(
        name=one.name,
        share="under 1\u00a0%" if share < 0.005 else percent(share),
        kinds=kinds[0] if len(kinds) == 1 else f"mixed: {', '.join(kinds)}",
        json_types=list(one.json_types),
        field_type=field_type,
        word=FIELD_TYPE_WORDS.get(field_type, "–"),
        warning=_warning(field_type, one.json_types),
        sample=HIDDEN if one.sample is None else one.sample or "–",
        is_hidden=one.sample is None,
    )


def _warning(field_type: str, json_types: Sequence[str]) -> str:
    if field_type == UNDECIDED:
        return "No type takes all of these values."
    if scans.is_taking_all(FieldType(field_type), json_types):
        return ""
    return "Some of these values would break the plan."


class EventTypeArrivingState(PlanState):
    """What arrives beyond the fields of the open event type. The store is asked beside everything else on the page."""

    arriving: list[ArrivingRow] = []
    looked_at: str = ""
    has_events: bool = False
    arriving_phase: str = "loading"
    arriving_problem: str = ""
    add_error: str = ""
    add_text: str = "Add as fields"
    ticked_count: int = 0
    is_adding_fields: bool = False
    _about: str = ""

    @rx.event(background=True)
    async def load(self) -> None:
        """Read the store, which may take a while; the page's own load has found the event type."""
        async with self:
            place = self._slug(), self._route_value("event_type_id"), self._branch()
            is_followed = take_over(self)
            self.add_error, self.is_adding_fields = "", False
            if self._about != "/".join(place) or self.arriving_phase == "failed":
                self._about, self.arriving_phase = "/".join(place), "loading"
                self._set([])
        view, problem = None, ""
        try:
            view = await self._read(arriving_view, *place)
        except AppError as refusal:
            problem = refusal.message
        except NotLoggedIn:
            raise
        except Exception as fault:  # else the section would stand still in its loading state
            log.error("what arrives could not be read", exc_info=fault)
            problem = "Something went wrong on our side. It was logged."
        async with self:
            if not is_followed():
                return
            self.arriving_problem, self.arriving_phase = problem, "ready" if view else "failed"
            if view:
                self.looked_at, self.has_events = view.looked_at, view.has_events
                self._set(view.rows)

    @rx.event
    def tick(self, name: str) -> None:
        """Take one along, or leave it out."""
        self._set([replace(row, is_ticked=row.is_ticked is not (row.name == name)) for row in self.arriving])

    @rx.event
    def tick_all(self) -> None:
        """Take all along, or none when all are."""
        is_ticked = self.ticked_count < len(self.arriving)
        self._set([replace(row, is_ticked=is_ticked) for row in self.arriving])

    @rx.event
    def choose_kind(self, name: str, field_type: str) -> None:
        """Another type for what one is to become."""
        if field_type in dict(_CHOICES):
            self._set([row.becoming(field_type) if row.name == name else row for row in self.arriving])

    @rx.event
    async def add_ticked(self) -> AsyncIterator[Any]:
        """Make the ticked ones fields, all or none; the page shows them afterwards."""
        from app.plan.pages.event_type import EventTypeState

        ticked = [row for row in self.arriving if row.is_ticked]
        undecided = next((row.name for row in ticked if row.field_type == UNDECIDED), None)
        if undecided is not None:
            self.add_error = f"Choose a type for {undecided}, or leave it out"
        if not ticked or undecided is not None:
            return
        self.add_error, self.is_adding_fields = "", True
        yield
        drafts = [FieldDraft(name=row.name, display_name=row.name, field_type=FieldType(row.field_type)) for row in ticked]
        place = self._slug(), self._route_value("event_type_id")
        try:
            await self._call(plan.bulk_create_fields, *place, drafts, branch=self._branch())
        except AppError as error:
            self.add_error = error.message
            return
        finally:
            self.is_adding_fields = False
        yield toast_done(f"{plural(len(drafts), 'field')} added")
        yield EventTypeState.load

    def _set(self, rows: list[ArrivingRow]) -> None:
        self.arriving, self.ticked_count, self.add_error = rows, sum(row.is_ticked for row in rows), ""
        self.add_text = f"Add {plural(self.ticked_count, 'field')}" if self.ticked_count else "Add as fields"


def arriving_section() -> rx.Component:
    """The list; readers see it without its controls."""
    state: Any = EventTypeArrivingState
    is_ready = state.arriving_phase == "ready"
    has_rows = state.arriving.length() > 0
    empty = rx.cond(
        state.has_events,
        empty_state("Nothing arrives that the plan lacks", "Every property of the latest events is a field."),
        empty_state("No events lately", "No event of this type was received in the last 7 days."),
    )
    add = button(
        state.add_text,
        kind="primary",
        small=True,
        on_click=state.add_ticked,
        disabled=(state.ticked_count == 0) | state.is_adding_fields,
    )
    return section(
        "Arriving, not in the plan",
        rx.match(
            state.arriving_phase,
            ("ready", rx.cond(has_rows, rx.fragment(form_refusal(state.add_error), _table(state)), empty)),
            ("failed", error_state(state.arriving_problem, state.load)),
            rx.fragment(
                rx.el.p("Looking at the latest events…", class_name="muted", aria_hidden="true"),
                loading_state("Looking at the latest events"),
            ),
        ),
        note=rx.cond(is_ready & has_rows, state.looked_at, ""),
        actions=[rx.cond(is_ready & has_rows & state.may_edit, add, rx.fragment())],
    )


def _table(state: Any) -> rx.Component:
    every = check_box("Take all along", state.ticked_count == state.arriving.length(), lambda _ticked: state.tick_all())
    heads = (("Arrives as", "170px"), ("Becomes", "190px"), ("Example", "40%"))
    return rx.el.div(
        rx.el.table(
            rx.el.caption("Properties that arrive and are not in the plan", class_name="sr-only"),
            rx.el.thead(
                rx.el.tr(
                    rx.cond(state.may_edit, rx.el.th(every, scope="col", style={"width": "30px"}), rx.fragment()),
                    rx.el.th("Property", scope="col"),
                    rx.el.th("Share of events", scope="col", class_name="num", style={"whiteSpace": "nowrap"}),
                    *[rx.el.th(label, scope="col", style={"width": width}) for label, width in heads],
                )
            ),
            rx.el.tbody(rx.foreach(state.arriving, lambda row: _row(state, row))),
            class_name="table",
            style={"minWidth": "820px"},
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label="Properties that arrive and are not in the plan",
    )


def _row(state: Any, row: Any) -> rx.Component:
    tick = check_box(f"Take {row.name} along", row.is_ticked, lambda _ticked: state.tick(row.name))
    choice = cell_select(
        _CHOICES,
        f"Type that {row.name} becomes",
        row.field_type,
        lambda kind: state.choose_kind(row.name, kind),
        disabled=state.is_adding_fields,
    )
    return rx.el.tr(
        rx.cond(state.may_edit, rx.el.td(tick), rx.fragment()),
        rx.el.th(rx.el.code(row.name, style={"overflowWrap": "anywhere"}), scope="row"),
        rx.el.td(row.share, class_name="num", style={"whiteSpace": "nowrap"}),
        rx.el.td(row.kinds),
        rx.el.td(
            rx.cond(state.may_edit, choice, row.word),
            rx.cond(row.warning != "", rx.el.span(row.warning, class_name="cell-sub"), rx.fragment()),
        ),
        rx.el.td(
            rx.cond(row.is_hidden, rx.el.span(row.sample, class_name="muted"), row.sample), style={"overflowWrap": "anywhere"}
        ),
        key=row.name,
    )
