"""The parts of the rule page: its form on one side, the questions one can put to the draft on the other."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.alerting.pages.rule_form import DIRECTIONS, FIELDS, OPERATORS, SCOPES
from app.alerting.pages.rule_rehearsal import DAYS
from app.alerting.templates import ITEM_VARIABLES, MESSAGE_VARIABLES
from app.frame import slug_var
from components import (
    Column,
    badge,
    button,
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
    text_area,
    text_input,
    text_link,
    time_text,
)
from components.inline_edit import cell_select, check_box, icon_button

TYPING_PAUSE = 350
_FIELD_WORDS = dict(FIELDS)


def rule_form(state: Any) -> rx.Component:
    """Everything that can be said about a rule; switched off as a whole for those who may not write."""
    return rx.el.fieldset(
        rx.el.legend("The rule", class_name="sr-only"),
        section(
            "Who is told",
            rx.el.div(_text(state, "Name", "name", placeholder="Revenue events drop"), _destination(state), class_name="pair"),
            rx.el.div(
                _switch(state, "enabled", "The rule is switched on", ""),
                _switch(
                    state,
                    "ai_explanation_enabled",
                    "The assistant explains what happened",
                    "Two sentences under the message, while it is on",
                ),
                class_name="rule-switches",
            ),
        ),
        section(
            "About what",
            rx.el.div(*[_switch(state, name, label, hint) for name, label, hint in SCOPES], class_name="rule-switches"),
            rx.el.div(*[_switch(state, name, label, "") for name, label in DIRECTIONS], class_name="rule-line"),
            _refusal(state, "notify_on_drop"),
        ),
        section(
            "From which size on",
            rx.el.div(
                _number(state, "Percent of the expected count", "min_percent_delta", "Drifts have no size and always pass."),
                _number(state, "Events more or less", "min_absolute_delta", "Keeps small series quiet."),
                _number(state, "Expected at least", "min_expected_count", "Below it nothing is told."),
                form_field(
                    "At most",
                    select_input(
                        state.cooldowns,
                        field_id="cooldown_minutes",
                        value=state.texts["cooldown_minutes"],
                        on_change=lambda value: state.set_text("cooldown_minutes", value),
                    ),
                    field_id="cooldown_minutes",
                    hint="About the same thing, counted from the last message that arrived.",
                    error=state.errors.get("cooldown_minutes", ""),
                ),
                class_name="pair",
            ),
        ),
        section(
            "Only for",
            rx.cond(
                state.filters.length() > 0,
                rx.el.ul(rx.foreach(state.filters, lambda one, place: _filter(state, one, place)), class_name="rule-filters"),
                rx.el.p("Everything of the kinds chosen above.", class_name="muted"),
            ),
            _refusal(state, "filters"),
            rx.cond(
                state.view.may_write,
                rx.el.div(
                    button(rx.icon("plus", size=14), "Add a condition", on_click=state.add_filter, small=True),
                    class_name="rule-line",
                ),
                rx.fragment(),
            ),
        ),
        _template_section(state),
        disabled=~state.view.may_write,
        class_name="rule-form",
    )


def _destination(state: Any) -> rx.Component:
    chosen = select_input(
        state.view.destinations,
        field_id="destination_id",
        value=state.texts["destination_id"],
        on_change=lambda value: state.set_text("destination_id", value),
    )
    return rx.cond(
        state.view.is_new,
        form_field("Destination", chosen, field_id="destination_id", hint="It stays for the life of the rule."),
        rx.el.div(
            rx.el.span("Destination", class_name="field-label"),
            rx.el.p(text_link(state.view.destination_name, href=state.view.destination_href)),
            class_name="field",
        ),
    )


def _text(state: Any, label: str, name: str, *, hint: str | None = None, **props: Any) -> rx.Component:
    control = text_input(
        field_id=name, value=state.texts[name], on_change=lambda value: state.set_text(name, value), auto_complete="off", **props
    )
    typed = rx.debounce_input(control, debounce_timeout=TYPING_PAUSE)
    return form_field(label, typed, field_id=name, hint=hint, error=state.errors.get(name, ""))


def _number(state: Any, label: str, name: str, hint: str) -> rx.Component:
    return _text(state, label, name, hint=hint, input_mode="decimal")


def _switch(state: Any, name: str, label: str, hint: str) -> rx.Component:
    words: Any = rx.fragment(label, rx.el.span(hint, class_name="rule-hint")) if hint else label
    return check_box(words, state.switches[name], lambda is_on: state.toggle(name, is_on), is_label_shown=True)


def _refusal(state: Any, name: str) -> rx.Component:
    message = state.errors.get(name, "")
    return rx.cond(message != "", rx.el.p(message, role="alert", class_name="field-error"), rx.fragment())


def _filter(state: Any, one: Any, place: Any) -> rx.Component:
    return rx.el.li(
        cell_select(FIELDS, "What the condition looks at", one.about, lambda value: state.set_filter_field(place, value)),
        cell_select(OPERATORS, "How it compares", one.operator, lambda value: state.set_filter_operator(place, value)),
        rx.el.span(
            rx.foreach(
                one.chosen,
                lambda value: rx.el.span(
                    value[1],
                    rx.el.button(
                        "×",
                        type="button",
                        on_click=state.remove_value(place, value[0]),
                        class_name="rule-chip-x",
                        custom_attrs={"aria-label": f"Remove {value[1]}"},
                    ),
                    class_name="chip rule-chip",
                ),
            ),
            select_input(
                one.choices,
                field_id=f"add-{place}",
                label="Add a value",
                value="",
                on_change=lambda value: state.add_value(place, value),
            ),
            class_name="rule-values",
        ),
        icon_button("trash-2", "Remove the condition", state.remove_filter(place)),
        class_name="rule-filter",
    )


def _template_section(state: Any) -> rx.Component:
    def area(label: str, name: str, variables: frozenset[str]) -> rx.Component:
        control = text_area(
            field_id=name,
            rows=4,
            value=state.texts[name],
            on_change=lambda value: state.set_text(name, value),
            spell_check=False,
            placeholder="Empty: the usual text",
        )
        names = ", ".join(f"${{{one}}}" for one in sorted(variables))
        return rx.fragment(
            form_field(
                label,
                rx.debounce_input(control, debounce_timeout=TYPING_PAUSE),
                field_id=name,
                error=state.errors.get(name, ""),
            ),
            rx.el.details(rx.el.summary("Variables"), rx.el.p(names, class_name="rule-variables"), class_name="rule-details"),
        )

    return section(
        "Message",
        rx.cond(
            state.formats.length() > 1,
            form_field(
                "Format",
                select_input(
                    state.formats,
                    field_id="message_format",
                    value=state.texts["message_format"],
                    on_change=lambda value: state.set_text("message_format", value),
                ),
                field_id="message_format",
                error=state.errors.get("message_format", ""),
            ),
            rx.fragment(),
        ),
        area("Text of the message", "message_template", MESSAGE_VARIABLES),
        area("Text of each item", "items_template", ITEM_VARIABLES),
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
        rx.cond(state.rehearsal.problem != "", notice(state.rehearsal.problem, tone="warn"), rx.fragment()),
        rx.match(
            state.tab,
            ("message", _message(state)),
            ("compare", _compare(state)),
            ("why", _why(state)),
            _fired(state),
        ),
        class_name="rule-side",
    )


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
