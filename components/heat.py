"""The week by hours as a table whose cells deepen with volume."""

from __future__ import annotations

from typing import Any

import reflex as rx


def heatmap(data: Any, *, caption: Any) -> rx.Component:
    """Seven weekdays by 24 hours. `data` is a Var of HeatData (components.chart_data.heat_data). Anomalies carry a dot and a
    count in the tip, so nothing rests on colour alone."""
    return rx.el.div(
        rx.el.p(caption, " ", data.summary, class_name="heat-note"),
        rx.el.div(
            rx.el.table(
                rx.el.caption(caption, " ", data.summary, class_name="sr-only"),
                rx.el.thead(
                    rx.el.tr(
                        rx.el.th(rx.el.span("Weekday", class_name="sr-only"), scope="col"),
                        rx.foreach(data.hours, lambda hour: rx.el.th(hour, scope="col")),
                    )
                ),
                rx.el.tbody(
                    rx.foreach(
                        data.rows,
                        lambda row: rx.el.tr(rx.el.th(row.day, scope="row"), rx.foreach(row.cells, _cell)),
                    )
                ),
                class_name="heat",
            ),
            class_name="heat-wrap",
            tab_index=0,
            role="region",
            aria_label=caption,
        ),
        rx.el.div(
            rx.el.span("0"),
            rx.el.span(
                *[rx.el.span(class_name=f"heat-{level}") for level in range(8)], class_name="heat-scale", aria_hidden="true"
            ),
            rx.el.span(data.peak_text, class_name="num"),
            rx.el.span(rx.el.span(class_name="heat-dot", aria_hidden="true"), "Anomaly", class_name="heat-key"),
            rx.el.span("Hours in ", data.zone, class_name="heat-key"),
            class_name="heat-legend",
        ),
    )


def _cell(cell: Any) -> rx.Component:
    return rx.el.td(
        rx.el.span(cell.text, class_name="heat-text"),
        rx.cond(
            cell.marks != "",
            rx.el.span(rx.el.span(cell.marks, " anomalies", class_name="sr-only"), class_name="heat-dot"),
            rx.fragment(),
        ),
        class_name=f"heat-{cell.level}",
        custom_attrs={"data-tip": cell.tip},
    )
