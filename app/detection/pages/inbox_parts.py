"""The parts of the inbox: a line with its picture and verdicts, what opens beneath it, the bar of a selection, the keys."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.detection.pages.inbox_rows import GROUP_ACTIONS, VERDICT_WORDS
from components import (
    badge,
    band_spark,
    button,
    code_block,
    dialog,
    dialog_actions,
    direction_mark,
    form_field,
    line_chart,
    link_button,
    loading_state,
    select_input,
    text_input,
    time_text,
)

KEYS = (
    (("j", "k"), "next, previous"),
    (("Enter",), "chart"),
    (("o",), "open signal"),
    (("1", "2", "3", "4"), "verdict"),
    (("u",), "undo"),
    (("a",), "assign to me"),
    (("x",), "select"),
)
"""What the inbox listens to; `assets/detection.js` clicks the control of the line that carries the key."""


def signal_line(state: Any, row: Any) -> rx.Component:
    """One incident; a line that another speaks for is shown while its group is open."""
    may_write = state.user_role != "viewer"
    is_open = state.opened == row.key
    line = rx.el.li(
        rx.cond(row.day != "", rx.el.h2(row.day, class_name="day"), rx.fragment()),
        rx.el.div(
            rx.el.span(rx.cond(may_write, _selector(state, row), rx.fragment()), class_name="signal-select"),
            rx.el.div(
                direction_mark(row.direction),
                rx.el.button(
                    row.scope_name,
                    type="button",
                    class_name="line-opener",
                    aria_expanded=rx.cond(is_open, "true", "false"),
                    on_click=state.open(row.key),
                ),
                rx.el.span(row.size, class_name="finding-size"),
                class_name="line-main finding-main",
            ),
            band_spark(row.spark, row.direction),
            rx.el.div(
                rx.cond(row.is_active, badge("Ongoing", "bad"), rx.fragment()),
                rx.cond(row.verdict != "", badge(row.verdict, row.verdict_tone), rx.fragment()),
                rx.cond(row.alert_group != "", badge(row.alert_words, "unknown"), rx.fragment()),
                rx.cond(row.assignee != "", badge(row.assignee, "accent"), rx.fragment()),
                rx.link(
                    rx.icon("arrow-right", size=15, aria_hidden="true"),
                    href=row.signal_href,
                    class_name="icon-btn",
                    underline="none",
                    aria_label=f"Open the signal of {row.scope_name}, {row.when}",
                    custom_attrs={"data-row-key": "o"},
                ),
                class_name="signal-marks",
            ),
            rx.el.div(
                rx.el.p(
                    rx.el.span(row.scope_kind),
                    rx.el.span(time_text(row.when, row.iso)),
                    rx.el.span("lasted ", row.lasted),
                    rx.cond(row.verdict_note != "", rx.el.span(row.verdict_note), rx.fragment()),
                    rx.cond(row.expected != "", rx.el.span(row.expected), rx.fragment()),
                    rx.cond(row.members != "", rx.el.span(_members(state, row)), rx.fragment()),
                    class_name="signal-facts dotted",
                ),
                rx.cond(may_write, _verdicts(state, row), rx.fragment()),
                class_name="signal-foot",
            ),
            class_name=rx.cond(row.is_member, "line signal signal-member", "line signal"),
        ),
        rx.cond(is_open, _detail(state, row, may_write), rx.fragment()),
        custom_attrs={"data-signal": row.key},
    )
    return rx.cond(row.is_member & ~state.shown_groups.contains(row.group), rx.fragment(), line)


def _selector(state: Any, row: Any) -> rx.Component:
    return rx.el.input(
        type="checkbox",
        checked=state.selected.contains(row.key),
        on_change=lambda _checked: state.select_row(row.key),
        aria_label=f"Select {row.scope_name}, {row.when}",
        custom_attrs={"data-row-key": "x"},
    )


def _members(state: Any, row: Any) -> rx.Component:
    is_shown = state.shown_groups.contains(row.group)
    return rx.el.button(
        rx.cond(is_shown, "hide ", ""),
        row.members,
        type="button",
        class_name="link signal-members",
        aria_expanded=rx.cond(is_shown, "true", "false"),
        on_click=state.toggle_group(row.group),
    )


def _verdicts(state: Any, row: Any) -> rx.Component:
    """The four answers, or the way back from the one that was given."""
    choices = rx.el.span(
        *[
            rx.el.button(
                rx.el.kbd(str(number), aria_hidden="true"),
                words,
                type="button",
                class_name="signal-verdict",
                on_click=state.decide(row.key, kind.value),
                custom_attrs={"data-row-key": str(number)},
            )
            for number, (kind, words) in enumerate(VERDICT_WORDS.items(), start=1)
        ],
        role="group",
        aria_label=f"Verdict on {row.scope_name}, {row.when}",
        class_name="signal-verdicts",
    )
    back = rx.el.button(
        rx.el.kbd("u", aria_hidden="true"),
        "Undo",
        type="button",
        class_name="signal-verdict",
        aria_label=f"Undo the verdict on {row.scope_name}, {row.when}",
        on_click=state.undo(row.key),
        custom_attrs={"data-row-key": "u"},
    )
    take = rx.el.button(
        rx.el.kbd("a", aria_hidden="true"),
        "Assign to me",
        type="button",
        class_name="signal-verdict",
        aria_label=f"Assign {row.scope_name}, {row.when}, to me",
        on_click=state.take(row.key),
        custom_attrs={"data-row-key": "a"},
    )
    return rx.el.span(
        rx.cond(row.verdict == "", choices, back),
        rx.cond((row.alert_group != "") & (row.assignee_id != state.view.viewer_id), take, rx.fragment()),
        class_name="signal-answers",
    )


def _detail(state: Any, row: Any, may_write: Any) -> rx.Component:
    return rx.el.div(
        rx.cond(state.is_chart_ready, line_chart(state.chart, height=220), loading_state("Loading the chart")),
        rx.el.div(
            link_button("Open signal", href=row.signal_href, small=True),
            rx.cond(row.event_href != "", link_button("Open event", href=row.event_href, small=True), rx.fragment()),
            rx.cond(
                row.delivery_id != "",
                button("Message as it was sent", kind="quiet", small=True, on_click=state.show_message(row.delivery_id)),
                rx.fragment(),
            ),
            class_name="signal-links",
        ),
        rx.cond(row.alert_group != "", _alert(state, row, may_write), rx.fragment()),
        class_name="line-detail",
    )


def _alert(state: Any, row: Any, may_write: Any) -> rx.Component:
    """What was delivered: status, note, and what can be done about it."""
    actions = rx.el.div(
        *[
            rx.cond(
                row.alert_status != status,
                button(words, small=True, on_click=state.act(row.key, action)),
                rx.fragment(),
            )
            for action, status, words in GROUP_ACTIONS
        ],
        class_name="signal-links",
    )
    assignee = form_field(
        "Assigned to",
        select_input(
            state.view.members,
            field_id="alert-assignee",
            value=row.assignee_id,
            on_change=lambda user_id: state.hand_over(row.key, user_id),
        ),
        field_id="alert-assignee",
    )
    note = rx.form(
        text_input(
            field_id="alert-note",
            name="note",
            default_value=row.alert_note,
            max_length=2000,
            placeholder="Note for everybody who sees this alert",
            aria_label="Note",
        ),
        button("Save note", type="submit", small=True),
        on_submit=lambda form: state.save_note(row.key, form),
        class_name="signal-note",
    )
    return rx.el.div(
        rx.el.p("Alert: ", rx.el.span(row.alert_words, class_name="strong"), class_name="signal-alert-head"),
        rx.cond(
            may_write,
            rx.fragment(actions, assignee, note),
            rx.cond(row.alert_note != "", rx.el.p("Note: ", row.alert_note), rx.fragment()),
        ),
        class_name="signal-alert",
    )


def selection_bar(state: Any) -> rx.Component:
    """One verdict for everything selected."""
    return rx.cond(
        state.selected.length() > 0,
        rx.el.div(
            rx.el.p(rx.el.span(state.selected.length(), class_name="num"), " selected", role="status"),
            *[button(words, small=True, on_click=state.decide_selected(kind.value)) for kind, words in VERDICT_WORDS.items()],
            button("Undo verdicts", kind="quiet", small=True, on_click=state.undo_selected),
            button("Clear", kind="quiet", small=True, on_click=state.clear_selection),
            role="group",
            aria_label="Selected incidents",
            class_name="selection-bar",
        ),
        rx.fragment(),
    )


def key_hint() -> rx.Component:
    """The keys of the list, where everybody sees them."""
    return rx.el.p(
        *[rx.el.span(*[rx.el.kbd(key) for key in keys], " ", words, class_name="key-hint-item") for keys, words in KEYS],
        class_name="key-hint only-wide",
    )


def message_dialog(state: Any) -> rx.Component:
    """The message of a delivery, letter by letter."""
    sent = state.message
    return dialog(
        rx.cond(sent.problem != "", rx.el.p(sent.problem, class_name="field-error"), rx.fragment()),
        rx.el.p(sent.subject, class_name="strong"),
        code_block(sent.text, label="Message"),
        dialog_actions(button("Close", on_click=state.hide_message)),
        title="Message as it was sent",
        description=rx.fragment(sent.status, ": to ", sent.destination, " by the rule ", sent.rule),
        open_=state.is_message_open,
        on_open_change=lambda _is_open: state.hide_message(),
    )
