"""Line chart with an expected range and marked anomalies, and its table twin."""

from __future__ import annotations

from typing import Any

import reflex as rx

# The few lines of JavaScript a formatter has to be; all they print but the expected figures was prepared in Python.
_COMPACT: rx.Var[Any] = rx.vars.FunctionStringVar.create(
    '((v) => new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1}).format(v))'
)
# As `components.format.full_number`.
_WHOLE = '((v) => v == null ? "–" : Math.round(v).toLocaleString("en").replace("-", "\u2212"))'
_RANGE = f'((band) => band == null ? "–" : {_WHOLE}(band[0]) + " to " + {_WHOLE}(band[1]))'
_EXPECTED: rx.vars.FunctionVar[Any] = rx.vars.FunctionStringVar.create(_WHOLE)
_BAND: rx.vars.FunctionVar[Any] = rx.vars.FunctionStringVar.create(_RANGE)
_TIP_LABEL: rx.Var[Any] = rx.vars.FunctionStringVar.create('((at, items) => items?.[0]?.payload?.when ?? "")')
_TIP_VALUE: rx.Var[Any] = rx.vars.FunctionStringVar.create(
    f"""((value, name, item) => {{
  const row = item.payload;
  if (name === "Expected range") return [{_RANGE}(row.band), name];
  if (name === "Expected") return [{_WHOLE}(row.expected), name];
  return [row.note ? row.value_text + " (" + row.note + ")" : row.value_text, name];
}})"""
)
# A triangle up for a spike, down for a drop, a small ring for a point without neighbours, nothing else.
_DOT: rx.Var[Any] = rx.vars.FunctionStringVar.create(
    """((p) => {
  const {cx, cy, payload, index: key} = p;
  if (cy == null || payload == null) return null;
  const {mark, lone} = payload;
  if (mark === "spike") return jsx("path", {key, className: "mark mark-spike", d: `M${cx - 6} ${cy + 4.5}h12l-6 -11z`});
  if (mark === "drop") return jsx("path", {key, className: "mark mark-drop", d: `M${cx - 6} ${cy - 4.5}h12l-6 11z`});
  return lone ? jsx("circle", {key, cx, cy, r: 2, className: "mark mark-lone"}) : null;
})"""
)


# A chart admits children by the name of their class, so these keep the names of what they extend.
class GraphingTooltip(rx.recharts.GraphingTooltip):  # type: ignore[misc]
    """Tooltip whose words come from the row."""

    formatter: rx.Var[Any]
    label_formatter: rx.Var[Any]


class ReferenceLine(rx.recharts.ReferenceLine):  # type: ignore[misc]
    """A line whose label may be placed."""

    label: rx.Var[dict[str, Any]]


class Line(rx.recharts.Line):  # type: ignore[misc]
    """Line that draws a shape at marked points only."""

    dot: rx.Var[Any]


def line_chart(
    data: Any,
    *,
    height: int = 260,
    value_name: str = "Events",
    annotations: rx.Var[Any] | None = None,
) -> rx.Component:
    """A count over time: line, expected range as a band, anomalies as shapes, and the same points as a table.

    `data` is a Var of ChartData (components.chart_data.chart_data). `annotations` is a Var of dicts with `at` (a row's `at`)
    and `label`.
    """
    return rx.tabs.root(
        rx.el.div(
            _legend(data, value_name),
            rx.tabs.list(
                rx.tabs.trigger("Chart", value="chart"),
                rx.tabs.trigger("Table", value="table"),
                class_name="twin-tabs",
                aria_label="Show as",
            ),
            class_name="chart-head",
        ),
        rx.tabs.content(_figure(data, height, value_name, annotations), value="chart"),
        rx.tabs.content(_twin(data, value_name), value="table"),
        default_value="chart",
        class_name="chart",
    )


def _figure(data: Any, height: int, value_name: str, annotations: Any) -> rx.Component:
    labels: rx.Var[Any] = rx.vars.FunctionStringVar.create(
        f"((at) => ({data.tick_labels!s})[at] ?? '')",
        _var_data=data.tick_labels._get_all_var_data(),
    )
    parts: list[Any] = [
        rx.recharts.cartesian_grid(vertical=False, stroke="var(--line)"),
        rx.recharts.x_axis(
            data_key="at",
            ticks=data.ticks,
            tick_formatter=labels,
            interval="preserveStart",
            min_tick_gap=18,
            tick_line=False,
            axis_line=True,
            tick_size=8,
            stroke="var(--line-strong)",
            height=28,
        ),
        rx.recharts.y_axis(
            tick_formatter=_COMPACT, width=44, axis_line=False, tick_line=False, allow_decimals=False, stroke="var(--line-strong)"
        ),
        GraphingTooltip.create(
            formatter=_TIP_VALUE,
            label_formatter=_TIP_LABEL,
            is_animation_active=False,
            separator="  ",
            cursor={"stroke": "var(--line-strong)", "strokeWidth": 1},
            content_style={},
            item_style={},
            label_style={},
        ),
        rx.recharts.area(
            data_key="band",
            name="Expected range",
            type_="linear",
            stroke="none",
            fill="var(--band)",
            is_animation_active=False,
            active_dot=False,
            dot=False,
            connect_nulls=False,
            legend_type="none",
            class_name="series-band",
        ),
        rx.recharts.line(
            data_key="expected",
            name="Expected",
            type_="linear",
            stroke="var(--ink-3)",
            stroke_width=1,
            stroke_dasharray="3 3",
            dot=False,
            active_dot=False,
            is_animation_active=False,
            connect_nulls=False,
        ),
        Line.create(
            data_key="value",
            name=value_name,
            type_="linear",
            stroke="var(--accent)",
            stroke_width=1.6,
            dot=_DOT,
            active_dot={"r": 3.5, "fill": "var(--accent)", "stroke": "var(--surface)", "strokeWidth": 1.5},
            is_animation_active=False,
            connect_nulls=False,
        ),
    ]
    if annotations is not None:
        parts.append(
            rx.foreach(
                annotations,
                lambda note: ReferenceLine.create(
                    x=note["at"],
                    label={"value": note["label"], "position": "insideTopRight", "fill": "var(--ink-2)", "fontSize": 12},
                    stroke="var(--ink-3)",
                ),
            )
        )
    return rx.el.div(
        rx.recharts.composed_chart(
            *parts,
            data=data.rows.to(list[dict[str, Any]]),
            height=height,
            width="100%",
            margin={"top": 12, "right": 8, "bottom": 0, "left": 0},
        ),
        role="figure",
        aria_label=data.summary,
        class_name="chart-figure",
        style={"height": f"{height}px"},
    )


def _legend(data: Any, value_name: str) -> rx.Component:
    return rx.el.ul(
        rx.el.li(rx.el.span(class_name="key key-line", aria_hidden="true"), value_name),
        rx.cond(
            data.has_band,
            rx.fragment(
                rx.el.li(rx.el.span(class_name="key key-expected", aria_hidden="true"), "Expected"),
                rx.el.li(rx.el.span(class_name="key key-band", aria_hidden="true"), "Expected range"),
                rx.el.li(rx.el.span(class_name="direction direction-spike", aria_hidden="true"), "Spike"),
                rx.el.li(rx.el.span(class_name="direction direction-drop", aria_hidden="true"), "Drop"),
            ),
            rx.fragment(),
        ),
        rx.el.li(rx.el.span("Times in "), data.zone, class_name="legend-zone"),
        class_name="legend",
    )


def _twin(data: Any, value_name: str) -> rx.Component:
    heads = ("Bucket", value_name, "Expected", "Expected range", "Remark")
    return rx.el.div(
        rx.el.table(
            rx.el.caption(data.summary, class_name="twin-caption"),
            rx.el.thead(
                rx.el.tr(*[rx.el.th(head, scope="col", class_name="num" if 0 < i < 4 else "") for i, head in enumerate(heads)])
            ),
            rx.el.tbody(
                rx.foreach(
                    data.rows,
                    lambda row: rx.el.tr(
                        rx.el.th(row.when, scope="row"),
                        rx.el.td(row.value_text, class_name="num"),
                        rx.el.td(_EXPECTED.call(row.expected).to(str), class_name="num"),
                        rx.el.td(_BAND.call(row.band).to(str), class_name="num"),
                        rx.el.td(
                            rx.cond(row.mark != "", rx.el.span(class_name=f"direction direction-{row.mark}"), rx.fragment()),
                            rx.el.span(row.mark, class_name="capital"),
                            " ",
                            row.note,
                        ),
                    ),
                )
            ),
            class_name="table",
        ),
        class_name="table-wrap twin",
        tab_index=0,
        role="region",
        aria_label="The chart's points as a table",
    )
