"""Audit records: what clients sent to the audit log, narrowed, counted, measured, and one id's trail in full."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, fields, replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.audit import service
from app.audit.figures import AGGREGATES, CATEGORICAL
from app.audit.pages.metric_view import INTERVALS, Query
from app.audit.pages.records_parts import filters, list_section, metric_section, trail_section
from app.audit.pages.records_view import PERIODS, RecordsView, TrailView, records_view, trail_view
from app.frame import project_frame
from app.page_states import LoadedState, page_body
from app.presentation import page_number
from app.ui import page
from components import page_header, stacked_bars
from components.shell import Crumb

LONGEST = 300
_ADDRESS_NAMES = {"source": "from"}
_DEFAULTS = asdict(Query())


class AuditRecordsState(LoadedState):
    """The audit records of the open project; everything that narrows them lives in the address."""

    view: RecordsView = RecordsView()
    trail: TrailView = TrailView()
    query: Query = Query()
    list_href: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address, and note in the audit log who looked at what."""
        slug = self._slug()
        given = self.router.url.query_parameters
        trail_id = _text(given.get("trail", ""))
        if self._begin(f"{slug} {trail_id}"):
            self.view, self.trail = RecordsView(), TrailView()
            yield
        self.query = _query_of(given)
        self.list_href = ui_paths.project_audit(slug, **({"from": self.query.source} if self.query.source else {}))
        with self._loading():
            await self._enter()
            asked: dict[str, object]
            if trail_id:
                self.trail = await self._read(trail_view, slug, self.query.source, trail_id, self._zone())
                asked = {"trail": trail_id}
            else:
                self.trail = TrailView()
                self.view = await self._read(records_view, slug, self.query, self._zone())
                self.query = replace(self.query, page=self.view.page)
                asked = {name: value for name, value in asdict(self.query).items() if value != _DEFAULTS[name]}
            await self._call(service.note_look, slug, asked)

    @rx.event
    def choose(self, name: str, value: str) -> EventSpec:
        """Narrow by one field, or stop narrowing by it."""
        return self._go(**{name: value, "page": 1})

    @rx.event
    def look_for_origin(self, text: str) -> EventSpec:
        """Only records of exactly this actor."""
        return self._go(origin=text.strip(), page=1)

    @rx.event
    def measure(self, name: str, value: str) -> EventSpec:
        """Another metric, interval, way of summing up or split; the list stays where it is."""
        return self._go(**{name: value})

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=max(1, self.query.page + step))

    def _go(self, **changed: Any) -> EventSpec:
        wanted = asdict(replace(self.query, **{name: value for name, value in changed.items() if name in _DEFAULTS}))
        chosen = {
            _ADDRESS_NAMES.get(name, name): str(value)[:LONGEST] for name, value in wanted.items() if value != _DEFAULTS[name]
        }
        return rx.redirect(ui_paths.project_audit(self._slug(), **chosen), replace=True)


def _query_of(given: Any) -> Query:
    values = {field.name: _text(given.get(_ADDRESS_NAMES.get(field.name, field.name), "")) for field in fields(Query)}
    number = values.pop("page")
    query = Query(
        **{name: value or _DEFAULTS[name] for name, value in values.items()},
        page=page_number(number),
    )
    return replace(
        query,
        days=query.days if query.days in PERIODS else _DEFAULTS["days"],
        interval=query.interval if query.interval in INTERVALS else "",
        agg=query.agg if query.agg in AGGREGATES else _DEFAULTS["agg"],
        group_by=query.group_by if query.group_by in CATEGORICAL else "",
    )


def _text(value: str) -> str:
    return value[:LONGEST].replace("\x00", "")


@page(route="/p/[slug]/audit", title="Audit records · Plumbline", on_load=AuditRecordsState.load)
def audit_records_page() -> rx.Component:
    """The page."""
    state: Any = AuditRecordsState
    return project_frame(
        page_header("Audit records", note="What applications noted about who did what. Every look at it is noted too."),
        page_body(
            state,
            rx.cond(
                state.trail.title != "",
                trail_section(state),
                rx.fragment(
                    filters(state),
                    stacked_bars(state.view.bars, noun="records", by="status"),
                    rx.cond(state.view.total > 0, metric_section(state), rx.fragment()),
                    list_section(state),
                ),
            ),
            what="project or account",
            on_retry=state.load,
        ),
        active="audit",
        crumbs=[Crumb("Audit records")],
    )
