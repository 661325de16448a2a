"""The questions one can put to the draft of a rule: what it would have told, how it reads, how it differs, why it is silent."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.alerting.pages.rule_rehearsal import DAYS
from app.frame import slug_var
from components import (
    Column,
    badge,
    code_block,
    data_table,
    direction_mark,
    empty_state,
    form_field,
    line_chart,
    notice,
    section,
    segmented,
    select_input,
    text_link,
    time_text,
)


def question_side(state: Any) -> rx.Component:
    """What the draft would have done, how its message reads, how it differs from the stored rule, and why it was silent."""
    tabs = [("fired", "Would have fired"), ("message", "Message"), ("compare", "Compare"), ("why", "Why not?")]
    return rx.el.div(
        rx.cond(
            state.view.is_new,
            segmented(tabs[:2], state.tab, state.choose_tab, label="Questions to the draft"),
            segmented(tabs, state.tab, state.choose_tab, label="Questions to the draft"),
        ),
        rx.cond(state.rehearsal.problem != "", _problem(state.rehearsal), rx.fragment()),
        rx.match(
            state.tab,
            ("message", _message(state)),
            ("compare", _compare(state)),
            ("why", _why(state)),
            _fired(state),
        ),
        class_name="rule-side",
    )


def _problem(view: Any) -> rx.Component:
    of_before = rx.el.p("What stands here is of the draft before.", class_name="muted")
    return notice(view.problem, rx.cond(view.headline != "", of_before, rx.fragment()), tone="warn")


def _fired(state: Any) -> rx.Component:
    view = state.rehearsal
    return rx.cond(
        view.headline != "",
        rx.fragment(
            rx.el.h2(view.headline, class_name="rule-count", custom_attrs={"aria-live": "polite"}),
            rx.el.p(view.note, class_name="muted"),
            rx.cond(
                view.is_noisy, notice("That is more than anybody reads. Raise a limit or the pause.", tone="warn"), rx.fragment()
            ),
            line_chart(view.chart, height=170, value_name="Firings per day"),
            rx.el.p(view.verdicts, class_name="rule-verdicts"),
            section("What it would have told", _firings(view.firings, "What the draft would have told"), note=view.firings_note),
        ),
        rx.fragment(),
    )


def _firings(rows: Any, caption: str) -> rx.Component:
    return data_table(
        [
            Column(
                "What", lambda row: rx.el.span(direction_mark(row.direction), row.name, rx.el.span(row.kind, class_name="cell-sub"))
            ),
            Column("When", lambda row: time_text(row.when, row.iso)),
            Column("How far", lambda row: row.size, secondary=True),
        ],
        rows,
        caption=caption,
        empty=rx.el.p("Nothing.", class_name="muted"),
    )


def _message(state: Any) -> rx.Component:
    return rx.cond(
        state.rehearsal.message != "",
        section(
            "As it would read",
            code_block(state.rehearsal.message, label="Message", copyable=False),
            note="the newest firing, or a made-up one when there is none",
        ),
        rx.fragment(),
    )


def _compare(state: Any) -> rx.Component:
    view = state.rehearsal
    table = data_table(
        [
            Column("", lambda row: row.label),
            Column("Stored", lambda row: row.stored, numeric=True),
            Column(
                "Draft",
                lambda row: rx.match(
                    row.tone,
                    ("ok", badge(f"{row.draft} better", "ok")),
                    ("bad", badge(f"{row.draft} worse", "bad")),
                    rx.el.span(row.draft),
                ),
                numeric=True,
            ),
        ],
        view.figures,
        caption=f"The stored rule beside the draft, last {DAYS} days",
        empty=rx.el.p("Nothing to compare yet.", class_name="muted"),
    )
    return rx.fragment(
        section(
            "Stored rule and draft",
            table,
            rx.el.p(view.verdicts, class_name="rule-verdicts"),
            note=rx.cond(state.is_changed, f"the last {DAYS} days", "the draft is the stored rule: change something"),
        ),
        section("Only the stored rule tells", _firings(view.lost, "Told by the stored rule only")),
        section("Only the draft tells", _firings(view.gained, "Told by the draft only")),
    )


def _why(state: Any) -> rx.Component:
    return rx.cond(
        state.findings.series.length() > 0,
        section(
            "Why did it not fire?",
            form_field(
                "Series",
                select_input(state.findings.series, field_id="why-series", value=state.series, on_change=state.choose_series),
                field_id="why-series",
            ),
            form_field(
                "Unusual bucket",
                select_input(state.buckets, field_id="why-bucket", value=state.bucket, on_change=state.choose_bucket),
                field_id="why-bucket",
            ),
            rx.cond(
                state.why.answer != "",
                rx.match(
                    state.why.tone,
                    ("ok", notice(state.why.answer, _delivery_link(state), tone="accent")),
                    ("warn", notice(state.why.answer, tone="warn")),
                    notice(state.why.answer),
                ),
                rx.fragment(),
            ),
            rx.el.ol(
                rx.foreach(state.why.gates, _gate), class_name="rule-gates", custom_attrs={"aria-label": "Gates in their order"}
            ),
        ),
        empty_state(
            f"Nothing unusual was found in the last {DAYS} days",
            "A rule tells about what detection finds; the series themselves are on the monitoring page.",
            text_link("Monitoring", href=ui_paths.project_monitoring(slug_var())),
        ),
    )


def _delivery_link(state: Any) -> rx.Component:
    return rx.cond(
        state.why.delivery_href != "", rx.fragment(" ", text_link("The message", href=state.why.delivery_href)), rx.fragment()
    )


def _gate(row: Any) -> rx.Component:
    mark = rx.match(
        row.state,
        ("open", badge("holds", "ok", dot=True)),
        ("first", badge("stops it", "bad", dot=True)),
        badge("does not hold", "warn", dot=True),
    )
    return rx.el.li(
        rx.el.span(row.text, rx.el.span(row.detail, class_name="cell-sub")),
        mark,
        class_name=rx.cond(row.state == "first", "rule-gate rule-gate-first", "rule-gate"),
    )
