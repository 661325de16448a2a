"""Monitoring: one series with everything known about it. Range, breakdown and scope are in the address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame, slug_var
from app.kernel.errors import AppError
from app.metrics.contracts import ScopeType
from app.metrics.pages.monitoring_view import MonitoringView, monitoring_view
from app.page_states import LoadedState, page_body
from app.plan import service as plan
from app.plan.drafts import AnnotationDraft
from app.plan.vocabulary import AnnotationScope
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    direction_mark,
    empty_state,
    form_field,
    heatmap,
    line_chart,
    link_button,
    page_header,
    section,
    segmented,
    select_input,
    spark_bars,
    text_input,
    text_link,
    toast_done,
    toast_failed,
    toolbar,
)
from components.shell import Crumb

RANGES = {"1": "Day", "7": "Week", "28": "4 weeks", "90": "90 days"}
TOTAL = "project_total/all"


class MonitoringState(LoadedState):
    """The series in the address."""

    days: str = "7"
    series: str = TOTAL
    column: str = ""
    view: MonitoringView = MonitoringView()
    errors: dict[str, str] = {}
    drawn: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        query = self.router.url.query_parameters
        self.series = query.get("series", TOTAL)[:128]
        if self._begin(f"{slug}/{self.series}"):
            self.view, self.errors = MonitoringView(), {}
            yield
        self.days = query.get("days", "7") if query.get("days", "7") in RANGES else "7"
        self.column = query.get("by", "")[:255]
        with self._loading():
            await self._enter()
            await self._show()

    async def _show(self) -> None:
        scope, _, ref = self.series.partition("/")
        self.view = await self._read(monitoring_view, self._slug(), scope, ref, int(self.days), self.column, self._zone())

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another range."""
        return self._go(self.series, days, self.column)

    @rx.event
    def choose_column(self, column: str) -> EventSpec:
        """Another breakdown."""
        return self._go(self.series, self.days, column)

    @rx.event
    def choose_series(self, series: str) -> EventSpec:
        """Another scope; the columns of a breakdown are its own."""
        return self._go(series, self.days, "")

    @rx.event
    async def annotate(self, form: dict[str, Any]) -> EventSpec | None:
        """Mark an instant, in the viewer's zone, on the chart that is open; a refused one stays in the form."""
        scope, _, ref = self.series.partition("/")
        label, at = str(form.get("label", "")).strip(), _moment(form.get("at"), self._zone())
        self.errors = {} if label else {"label": "Say what happened"}
        if at is None:
            self.errors["at"] = "Choose a date and a time"
        if at is None or not label:
            return None
        of_scope = scope != ScopeType.PROJECT_TOTAL
        draft = AnnotationDraft(
            bucket=at,
            label=label[:255],
            scope_type=AnnotationScope(scope) if of_scope else None,
            scope_ref=ref if of_scope else None,
        )
        try:
            await self._call(plan.create_annotation, self._slug(), draft)
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.drawn += 1
        await self._show()
        return toast_done("Annotation added")

    @rx.event
    async def remove_annotation(self, annotation_id: str) -> EventSpec:
        """Take a mark off the chart."""
        try:
            await self._call(plan.delete_annotation, self._slug(), annotation_id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._show()
        return toast_done("Annotation deleted")

    def _go(self, series: str, days: str, column: str) -> EventSpec:
        shown = "" if series == TOTAL else series
        return rx.redirect(ui_paths.project_monitoring(self._slug(), series=shown, days=days, column=column), replace=True)


def _moment(text: Any, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None


@page(route="/p/[slug]/monitoring", title="Monitoring · Plumbline", on_load=MonitoringState.load)
def monitoring_page() -> rx.Component:
    """The page."""
    state: Any = MonitoringState
    view = state.view
    return project_frame(
        page_header(
            "Monitoring",
            link_button("Compare detectors", href=view.bakeoff_href),
            note="A series with its expected range, what it is made of and when it happens.",
        ),
        page_body(
            state,
            toolbar(
                select_input(view.scopes, field_id="scope", label="Series", value=state.series, on_change=state.choose_series),
                segmented(list(RANGES.items()), state.days, state.choose_days, label="Range"),
            ),
            rx.cond(
                view.has_series,
                _series(state),
                empty_state(
                    "Nothing was counted in this range",
                    "Counting starts with the first scan after events arrive.",
                    link_button("Scans", href=ui_paths.project_scans(slug_var())),
                ),
            ),
            on_retry=state.load,
            what="series",
        ),
        active="monitoring",
        crumbs=[Crumb("Monitoring")],
    )


def _series(state: Any) -> rx.Component:
    view = state.view
    open_event = rx.cond(view.event_href != "", text_link("Open the event", href=view.event_href), rx.fragment())
    return rx.fragment(
        section(view.scope_name, line_chart(view.chart, height=300, annotations=view.marks), actions=[open_event]),
        rx.el.div(
            section("Top movers", _movers(view), note=view.movers_note),
            section("Annotations", _annotations(state)),
            class_name="columns",
        ),
        rx.cond(view.columns.length() > 0, _breakdown(state), rx.fragment()),
        rx.cond(
            view.version_column != "",
            section(
                "App versions",
                _values(view.versions, "Version", "Counts per app version", "No version was counted in this range"),
                note="adoption: the share of each version",
            ),
            rx.fragment(),
        ),
        rx.cond(
            view.has_volume,
            section("Week", heatmap(view.week, caption="Sum of each hour of the week over the chosen range.")),
            rx.fragment(),
        ),
    )


def _breakdown(state: Any) -> rx.Component:
    view = state.view
    return section(
        "Breakdown",
        _values(view.value_rows, "Value", "Counts per value", "No value was counted in this range"),
        actions=[
            select_input(view.columns, field_id="by", label="Break down by", value=view.column, on_change=state.choose_column)
        ],
    )


def _values(rows: Any, first: str, caption: str, nothing: str) -> rx.Component:
    return data_table(
        [
            Column(first, lambda row: rx.el.span(row.name, " ", rx.cond(row.mark != "", badge(row.mark), rx.fragment()))),
            Column("Shape", lambda row: spark_bars(row.path, row.shape), width="120px"),
            Column("Volume", lambda row: row.total, numeric=True, width="96px"),
            Column("Share", lambda row: row.share, numeric=True, width="72px"),
        ],
        rows,
        caption=caption,
        empty=empty_state(nothing),
    )


def _movers(view: Any) -> rx.Component:
    return data_table(
        [
            Column("Value", _mover),
            Column("Change", lambda row: rx.el.span(row.size, class_name="nowrap"), numeric=True, width="176px"),
            Column("Counted", lambda row: row.actual, numeric=True, width="88px"),
        ],
        view.movers,
        caption="Values that moved most in the newest anomaly",
        empty=empty_state(
            view.no_movers.title,
            view.no_movers.text,
            rx.cond(view.no_movers.href != "", link_button("Open the scan", href=view.no_movers.href), rx.fragment()),
        ),
    )


def _mover(row: Any) -> rx.Component:
    return rx.fragment(rx.el.span(direction_mark(row.direction), " ", row.name), rx.el.span(row.column, class_name="cell-sub"))


def _annotations(state: Any) -> rx.Component:
    may_write = state.user_role != "viewer"
    return rx.fragment(
        data_table(
            [
                Column("What", lambda row: row.label),
                Column("When", lambda row: row.when, width="140px"),
                Column(
                    "",
                    lambda row: rx.cond(
                        may_write,
                        button(
                            "Delete",
                            kind="quiet",
                            small=True,
                            aria_label=f"Delete {row.label}",
                            on_click=state.remove_annotation(row.id),
                        ),
                        rx.fragment(),
                    ),
                    width="80px",
                ),
            ],
            state.view.marks,
            caption="Annotations on this chart",
            empty=empty_state("No annotation in this range", "Mark a release or an outage, so that others see it on the chart."),
        ),
        rx.cond(
            may_write,
            rx.form(
                form_field(
                    "What happened",
                    text_input(field_id="label", name="label", required=True, max_length=255),
                    field_id="label",
                    error=state.errors.get("label", ""),
                ),
                form_field(
                    f"When ({state.zone_name})",
                    text_input(field_id="at", name="at", type="datetime-local", required=True),
                    field_id="at",
                    error=state.errors.get("at", ""),
                ),
                button("Add annotation", type="submit", small=True),
                key=state.drawn,
                on_submit=state.annotate,
                reset_on_submit=False,
                class_name="stack",
            ),
            rx.fragment(),
        ),
    )
