"""The parts of an event's page: its definition to read and to edit, clashes, history, schema."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.plan.pages.words import STATUS_CHOICES
from components import (
    badge,
    button,
    code_block,
    copy_button,
    empty_state,
    form_field,
    section,
    select_input,
    text_area,
    text_input,
    text_link,
    time_text,
)
from components.inline_edit import form_check, form_refusal, swatch, tag_list, value_parts, variable_chips


def definition_section(state: Any) -> rx.Component:
    """The definition, which turns into a form where it stands."""
    return rx.cond(state.is_editing, _form(state), _reading(state))


def _reading(state: Any) -> rx.Component:
    view = state.definition
    return rx.el.div(
        section(
            "Values",
            rx.cond(
                view.fields.length() + view.metas.length() > 0,
                rx.el.dl(rx.foreach(view.fields, _value), rx.foreach(view.metas, _value), class_name="facts"),
                empty_state("No fields", "The event type has no fields, so there is nothing to give values to."),
            ),
        ),
        section(
            "Definition",
            rx.el.dl(
                _fact("Identity", rx.cond(view.identity != "", _identity(view), rx.el.span("not seen yet", class_name="muted"))),
                _fact(
                    "Event type",
                    rx.el.span(swatch(view.type_color), text_link(view.type_name, href=view.type_href), class_name="named"),
                ),
                _fact("Tags", rx.cond(view.tags.length() > 0, tag_list(view.tags), rx.el.span("none", class_name="muted"))),
                _fact("Owner", rx.cond(view.owner_name != "", view.owner_name, rx.el.span("nobody", class_name="muted"))),
                _fact("Reviewed", rx.cond(view.is_reviewed, "Yes", rx.el.span("not yet", class_name="muted"))),
                rx.cond(view.sunset_words != "", _fact("Sunset", view.sunset_words), rx.fragment()),
                _fact("In the plan since", view.planned_at),
                _fact("Last changed", view.changed_at),
                class_name="facts",
            ),
        ),
        class_name="columns",
    )


def _fact(label: str, value: Any) -> rx.Component:
    return rx.el.div(rx.el.dt(label), rx.el.dd(value))


def _identity(view: Any) -> rx.Component:
    return rx.el.span(rx.el.code(view.identity), " ", copy_button(view.identity), class_name="fact-code")


def _value(row: Any) -> rx.Component:
    shown = rx.cond(
        row.href != "",
        rx.el.a(row.value, href=row.href, target="_blank", rel="noopener noreferrer", class_name="link"),
        value_parts(row.parts),
    )
    return rx.el.div(
        rx.el.dt(row.label, rx.cond(row.is_required, badge("required"), rx.fragment()), class_name="value-label"),
        rx.el.dd(
            rx.cond(row.value != "", shown, rx.el.span("no value", class_name="muted")),
            rx.cond(row.rules != "", rx.el.span(row.rules, class_name="cell-sub"), rx.fragment()),
        ),
    )


def _form(state: Any) -> rx.Component:
    view, errors = state.definition, state.errors
    people: Any = rx.Var.create([["", "Nobody"]]).to(list[list[str]]) + view.people
    return rx.form(
        section(
            "Edit",
            rx.el.div(
                form_field(
                    "Name",
                    text_input(field_id="name", name="name", default_value=view.name, auto_focus=True, auto_complete="off"),
                    field_id="name",
                    error=errors.get("name", ""),
                ),
                form_field(
                    "Status",
                    select_input(STATUS_CHOICES, field_id="status-edit", name="status", default_value=view.status),
                    field_id="status-edit",
                ),
                form_field(
                    "Owner", select_input(people, field_id="owner", name="owner", default_value=view.owner_id), field_id="owner"
                ),
                form_field(
                    "Sunset date",
                    text_input(field_id="sunset", name="sunset", type="date", default_value=view.sunset),
                    field_id="sunset",
                    error=errors.get("sunset", ""),
                ),
                class_name="pair",
            ),
            form_field(
                "Description",
                text_area(field_id="description", name="description", default_value=view.description, rows=3),
                field_id="description",
                error=errors.get("description", ""),
            ),
            form_field(
                "Tags",
                text_input(field_id="tags", name="tags", default_value=view.tags_text, auto_complete="off"),
                field_id="tags",
                hint="Parted by commas.",
                error=errors.get("tags", ""),
            ),
            form_check("Reviewed", "reviewed", checked=view.is_reviewed),
        ),
        rx.cond(
            view.fields.length() + view.metas.length() > 0,
            section(
                "Values",
                rx.el.div(
                    rx.foreach(view.fields, lambda row: value_control(row, errors)),
                    rx.foreach(view.metas, lambda row: value_control(row, errors)),
                    class_name="pair",
                ),
                variable_chips(view.tokens),
            ),
            rx.fragment(),
        ),
        form_refusal(errors.get("", "")),
        rx.el.div(
            button("Save", kind="primary", type="submit"),
            button("Cancel", on_click=state.set_editing(False), custom_attrs={"data-leaves": "true"}),
            rx.el.span("Ctrl with Enter saves", class_name="muted"),
            class_name="form-actions",
        ),
        key=state.form_key,
        on_submit=state.save,
        reset_on_submit=False,
        aria_label="Edit the event",
        custom_attrs={"data-guard": "true", "data-draft": "opened"},
    )


def value_control(row: Any, errors: Any) -> rx.Component:
    """The control for a value, by what the field takes; `errors` is a Var of messages by control."""
    error = errors.get(row.key, "")
    takes = {"data-takes-variables": "true"}
    common: dict[str, Any] = {
        "id": row.key,
        "name": row.key,
        "default_value": row.value,
        "aria_invalid": rx.cond(error != "", "true", "false"),
    }
    control = rx.match(
        row.control,
        (
            "choice",
            rx.el.select(
                rx.foreach(row.options, lambda option: rx.el.option(option[1], value=option[0])),
                class_name="input select",
                **common,
            ),
        ),
        ("area", rx.el.textarea(rows=3, class_name="input mono", custom_attrs=takes, **common)),
        ("date", rx.el.input(type="date", class_name="input", **common)),
        rx.el.input(type="text", auto_complete="off", class_name="input", custom_attrs=takes, **common),
    )
    return rx.el.div(
        rx.el.label(
            row.label,
            rx.cond(row.is_required, rx.el.span(" (required)", class_name="muted"), rx.fragment()),
            html_for=row.key,
            class_name="field-label",
        ),
        control,
        rx.cond(row.rules != "", rx.el.p(row.rules, class_name="field-hint"), rx.fragment()),
        rx.cond(error != "", rx.el.p(error, role="alert", class_name="field-error"), rx.fragment()),
        class_name="field",
    )


def clash_panel(state: Any) -> rx.Component:
    """Both versions, when somebody else saved first."""
    return rx.cond(
        state.clash_by != "",
        rx.el.section(
            rx.el.h2("Somebody else changed this event"),
            rx.el.p(state.clash_by),
            rx.cond(
                state.clashes.length() > 0,
                rx.el.div(
                    rx.el.table(
                        rx.el.caption("What differs", class_name="sr-only"),
                        rx.el.thead(rx.el.tr(*[rx.el.th(head, scope="col") for head in ("", "Yours", "Saved meanwhile")])),
                        rx.el.tbody(
                            rx.foreach(
                                state.clashes,
                                lambda row: rx.el.tr(rx.el.th(row.label, scope="row"), rx.el.td(row.mine), rx.el.td(row.theirs)),
                            )
                        ),
                        class_name="table",
                    ),
                    class_name="table-wrap",
                ),
                rx.fragment(),
            ),
            rx.el.div(
                button("Save mine over it", on_click=state.keep_mine),
                button("Take the saved version", kind="primary", on_click=state.take_theirs),
                class_name="form-actions",
            ),
            class_name="clash",
            role="alert",
        ),
        rx.fragment(),
    )


def history_section(state: Any) -> rx.Component:
    """What happened, newest first."""
    return rx.cond(
        state.history.length() > 0,
        rx.el.ol(
            rx.foreach(
                state.history,
                lambda row: rx.el.li(
                    rx.el.p(rx.el.strong(row.who), " ", row.what),
                    rx.el.p(time_text(row.when, row.iso, title=row.title), class_name="history-when"),
                ),
            ),
            class_name="history",
            aria_label="History of this event",
        ),
        empty_state("No changes by people yet", "What a scan found is not listed here; every edit is."),
    )


def schema_section(state: Any) -> rx.Component:
    """The JSON Schema of the event's payload."""
    return rx.fragment(
        rx.el.p("What a payload of this event must satisfy, as JSON Schema (draft 2020-12).", class_name="page-note schema-note"),
        code_block(state.schema, label="JSON Schema"),
    )
