"""The parts of a signal's page beneath its chart."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.detection.pages.inbox_rows import VERDICT_WORDS
from components import (
    Column,
    badge,
    band_spark,
    button,
    data_table,
    direction_mark,
    empty_state,
    heatmap,
    kpi,
    kpi_row,
    row_link,
    section,
    time_text,
)


def figures(view: Any) -> rx.Component:
    """The incident in numbers."""
    row = view.incident
    return kpi_row(
        kpi("Counted", view.actual, note=row.size),
        kpi("Expected", view.expected, note="in the worst bucket"),
        kpi("Score", view.score, note=rx.fragment("an anomaly from ", view.limit, " on")),
        kpi("Lasted", row.lasted, note=row.when),
    )


def verdict_bar(state: Any) -> rx.Component:
    """The four answers, or the verdict that stands and the way back; for everybody else what was said."""
    row = state.view.incident
    may_write = state.user_role != "viewer"
    choices = [
        button(
            rx.el.kbd(str(number), aria_hidden="true"),
            words,
            small=True,
            on_click=state.decide(kind.value),
            custom_attrs={"data-key": str(number)},
        )
        for number, (kind, words) in enumerate(VERDICT_WORDS.items(), start=1)
    ]
    back = button(
        rx.el.kbd("u", aria_hidden="true"), "Undo", kind="quiet", small=True, on_click=state.undo, custom_attrs={"data-key": "u"}
    )
    return rx.el.div(
        rx.cond(
            row.verdict != "",
            rx.fragment(
                badge(row.verdict, row.verdict_tone),
                rx.el.span(row.verdict_note, class_name="muted"),
                rx.cond(may_write, back, rx.fragment()),
            ),
            rx.cond(
                may_write,
                rx.fragment(rx.el.span("What was it?", class_name="muted"), *choices),
                rx.el.span("Nobody has said yet what it was", class_name="muted"),
            ),
        ),
        role="group",
        aria_label="Verdict",
        class_name="verdict-bar",
    )


def movers(view: Any) -> rx.Component:
    """Values that departed in the incident's worst bucket."""
    return section(
        "Movers",
        data_table(
            [
                Column("Value", lambda row: rx.el.span(direction_mark(row.direction), " ", row.name)),
                Column("Of", lambda row: row.column, secondary=True),
                Column("Change", lambda row: row.size, numeric=True),
                Column("Counted", lambda row: row.actual, numeric=True, width="80px"),
            ],
            view.movers,
            caption="Values that departed in the worst bucket",
            empty=empty_state("No value stands out", "Values are judged where the scan splits its counts by a column."),
        ),
        note=view.movers_note,
    )


def marks(view: Any) -> rx.Component:
    """Annotations and planned events on the chart."""
    return section(
        "On the chart",
        data_table(
            [
                Column("What", lambda row: row.label),
                Column("Kind", lambda row: row.kind, secondary=True),
                Column("When", lambda row: row.when),
            ],
            view.marks,
            caption="Annotations and planned events",
            empty=empty_state("Nothing was noted in this range", "Annotations are made on the monitoring page."),
        ),
    )


def density(view: Any) -> rx.Component:
    """When in the week the series departs."""
    return rx.cond(
        view.density_count > 0,
        section("When it departs", heatmap(view.density, caption="Abnormal buckets by hour of the week, last 12 weeks.")),
        rx.fragment(),
    )


def incident_table(rows: Any, title: str, *, named: bool, empty: rx.Component) -> rx.Component:
    """Incidents, each linked to the page it is shown on."""
    subject = Column(
        "Series",
        lambda row: rx.el.span(
            direction_mark(row.direction),
            " ",
            row_link(row.scope_name, row.signal_href),
            rx.el.span(row.scope_kind, class_name="cell-sub"),
        ),
    )
    start = Column("Began", lambda row: rx.el.span(direction_mark(row.direction), " ", row_link(row.when, row.signal_href)))
    return section(
        title,
        data_table(
            [
                *([subject] if named else [start]),
                Column("Shape", lambda row: band_spark(row.spark, row.direction), width="130px", secondary=True),
                Column("Size", lambda row: row.size),
                *([Column("Began", lambda row: time_text(row.when, row.iso), secondary=True)] if named else []),
                Column("Lasted", lambda row: row.lasted, secondary=True, width="90px"),
                Column(
                    "Verdict",
                    lambda row: rx.cond(row.verdict != "", badge(row.verdict, row.verdict_tone), rx.fragment()),
                    width="120px",
                ),
            ],
            rows,
            caption=title,
            empty=empty,
        ),
    )


def history(view: Any) -> rx.Component:
    """What people said about the series."""
    return section(
        "Verdicts",
        data_table(
            [
                Column("Verdict", lambda row: badge(row.verdict, row.tone), width="130px"),
                Column("Incident", lambda row: rx.el.span(direction_mark(row.direction), " ", row.about)),
                Column("By", lambda row: rx.el.span(row.who, rx.el.span(row.when, class_name="cell-sub"))),
                Column("Note", lambda row: rx.el.span(row.note, rx.el.span(row.undone, class_name="cell-sub")), secondary=True),
            ],
            view.verdicts,
            caption="Verdicts on this series",
            empty=empty_state("No verdict yet", "A false positive makes this series less sensitive, and this series only."),
        ),
    )
