"""Parts of the page of audit records."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.audit.pages.metric_view import INTERVALS, aggregate_choices, group_choices
from app.audit.pages.records_view import PERIODS
from app.frame import slug_var
from components import (
    Column,
    badge,
    code_block,
    copy_button,
    data_table,
    empty_state,
    line_chart,
    link_button,
    pager,
    row_link,
    search_input,
    section,
    segmented,
    select_input,
    spark_bars,
    time_text,
    toolbar,
)

_FIELDS = (
    ("category", "Category"),
    ("app", "Application"),
    ("env", "Environment"),
    ("status", "Status"),
    ("level", "Level"),
    ("event_name", "Event"),
)


def filters(state: Any) -> rx.Component:
    """Whose records, of which time, and what narrows them."""
    query, view = state.query, state.view
    source = select_input(
        view.sources,
        field_id="source",
        label="Whose records",
        value=query.source,
        on_change=lambda value: state.choose("source", value),
    )
    return rx.fragment(
        toolbar(
            segmented(list(PERIODS.items()), query.days, lambda days: state.choose("days", days), label="Period"),
            rx.cond(view.sources.length() > 1, source, rx.fragment()),
            search_input(query.origin, state.look_for_origin, label="Actor, exactly", field_id="origin"),
        ),
        toolbar(*[_narrow(state, name, label) for name, label in _FIELDS]),
    )


def _narrow(state: Any, name: str, label: str) -> rx.Component:
    return select_input(
        state.view.choices[name],
        field_id=f"filter-{name}",
        label=label,
        value=getattr(state.query, name),
        on_change=lambda value: state.choose(name, value),
    )


def metric_section(state: Any) -> rx.Component:
    """One metric over time, as a line or split by a field."""
    query, metric = state.query, state.view.metric
    chosen = rx.cond(
        metric.is_empty,
        empty_state("No record has a value of this metric", "Widen the period, or take filters back."),
        rx.cond(
            query.group_by == "",
            line_chart(metric.chart, height=220, value_name="Value"),
            rx.fragment(
                data_table(
                    [
                        Column("Group", lambda row: row.name),
                        Column("Over time", lambda row: spark_bars(row.spark, row.label), width="110px", secondary=True),
                        Column("Latest", lambda row: row.latest, numeric=True),
                        Column("Least", lambda row: row.least, numeric=True, secondary=True),
                        Column("Greatest", lambda row: row.greatest, numeric=True, secondary=True),
                    ],
                    metric.groups,
                    caption="The metric by group, most values first",
                    empty=empty_state("No group has a value"),
                ),
                rx.cond(metric.more != "", rx.el.p(metric.more, class_name="muted"), rx.fragment()),
            ),
        ),
    )
    return section(
        "Metric",
        toolbar(
            _measure(state, "metric", "Metric", state.view.metrics),
            _measure(state, "agg", "Summed up by", aggregate_choices()),
            _measure(state, "interval", "Interval", list(INTERVALS.items())),
            _measure(state, "group_by", "Split", group_choices()),
        ),
        rx.cond(query.metric != "", chosen, rx.el.p("Choose a metric to see it over time.", class_name="muted")),
    )


def _measure(state: Any, name: str, label: str, options: Any) -> rx.Component:
    return select_input(
        options,
        field_id=f"metric-{name}",
        label=label,
        value=getattr(state.query, name),
        on_change=lambda value: state.measure(name, value),
    )


def list_section(state: Any) -> rx.Component:
    """The records, newest first."""
    view = state.view
    return section(
        "Records",
        data_table(
            [
                Column("Event", lambda row: row_link(row.event, row.href)),
                Column("Time", lambda row: time_text(row.when, row.iso), width="11em"),
                Column("Status", lambda row: badge(row.status, row.status_tone)),
                Column("Level", lambda row: badge(row.level, row.level_tone), secondary=True),
                Column("Actor", lambda row: row.actor, secondary=True),
                Column("Resource", lambda row: row.resource, secondary=True),
                Column("Category", lambda row: row.category, secondary=True),
                Column("Source", lambda row: row.source, secondary=True),
            ],
            view.rows,
            caption="Audit records, newest first",
            empty=rx.cond(
                view.is_narrowed,
                empty_state(
                    "No record matches",
                    "Records of this period were narrowed by the fields above.",
                    link_button("Show all", href=state.list_href),
                ),
                empty_state(
                    "No audit records in this period",
                    "Post them to /audit/log with the header api-key: a key of kind audit for this project.",
                    link_button("Open ingest keys", href=ui_paths.project_keys(slug_var())),
                ),
            ),
            pager=pager(view.first, view.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1), noun="records"),
        ),
    )


def trail_section(state: Any) -> rx.Component:
    """Every record of one id, the last stage first."""
    trail = state.trail
    return section(
        rx.fragment("Trail of ", rx.el.code(trail.title)),
        rx.cond(
            trail.stages.length() > 0,
            rx.el.ol(
                rx.foreach(
                    trail.stages,
                    lambda stage: rx.el.li(
                        rx.el.p(
                            rx.el.strong(f"Stage {stage.stage}: {stage.event}"),
                            " ",
                            badge(stage.status, stage.status_tone),
                            " ",
                            time_text(stage.when, stage.iso),
                        ),
                        rx.el.p(stage.line, class_name="muted"),
                        code_block(stage.detail, label=f"Stage {stage.stage} in full", copyable=False),
                    ),
                ),
                class_name="stack plain-list",
                aria_label="Stages, last first",
            ),
            empty_state("There is no record of this id", "It may be older than the retention, or another account's."),
        ),
        actions=[copy_button(trail.title, "Copy id"), link_button("All records", href=state.list_href, small=True)],
    )
