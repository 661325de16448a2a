"""Parts of the explorer of security events."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import security_paths, ui_paths
from app.frame import slug_var
from app.security.pages.events_view import SEVERITIES
from app.security.pages.parts import attribution, fact_list, mark_list
from components import (
    Column,
    badge,
    button,
    code_block,
    data_table,
    empty_state,
    form_field,
    link_button,
    pager,
    row_link,
    select_input,
    side_panel,
    text_input,
    text_link,
    time_text,
)

_SEARCHES = (
    ("Failed sign-ins", {"event": "auth.login_failed", "days": "1"}),
    ("Critical events", {"severity": "critical", "days": "30"}),
    ("Role changes", {"event": "authz.role_changed", "days": "30"}),
    ("Exports", {"event": "data.export", "days": "30"}),
)


def filters(state: Any) -> rx.Component:
    """The form of the search. It is built anew when the address changes, so that it shows what is searched for."""
    query, view = state.query, state.view

    def text(label: str, name: str, value: Any, **more: Any) -> rx.Component:
        field_id = f"filter-{name}"
        return form_field(
            label, text_input(field_id=field_id, name=name, default_value=value, max_length=320, **more), field_id=field_id
        )

    return rx.el.form(
        text("Event", "event", query.event, placeholder="auth.login_failed", auto_complete="off"),
        form_field(
            "Severity",
            select_input(
                [("", "All severities"), *[(name, name.capitalize()) for name in SEVERITIES]],
                field_id="filter-severity",
                name="severity",
                default_value=query.severity,
            ),
            field_id="filter-severity",
        ),
        text("Actor", "actor", query.actor, auto_complete="off"),
        text("Address", "ip", query.ip, auto_complete="off"),
        form_field(
            "Country",
            select_input(view.countries, field_id="filter-country", name="country", default_value=query.country),
            field_id="filter-country",
        ),
        text(f"From ({view.zone})", "from", query.since, type="datetime-local"),
        text(f"To ({view.zone})", "to", query.until, type="datetime-local"),
        button("Search", type="submit"),
        on_submit=state.apply,
        reset_on_submit=False,
        # Another search is another form: default values are only taken when it is made.
        key=f"{query.event}|{query.severity}|{query.actor}|{query.ip}|{query.country}|{query.since}|{query.until}",
        class_name="filter-form",
        role="search",
        aria_label="Search events",
    )


def searches(state: Any) -> rx.Component:
    """Filters in force, each with a way to lift it; without any, searches to begin with."""
    return rx.cond(
        state.view.chips.length() > 0,
        rx.el.div(
            rx.foreach(
                state.view.chips,
                lambda chip: rx.el.button(
                    rx.el.span(chip.text),
                    rx.icon("x", size=12, aria_hidden="true"),
                    type="button",
                    class_name="chip",
                    aria_label=f"Lift the filter {chip.text}",
                    on_click=state.drop(chip.name),
                ),
            ),
            text_link("Clear all", href=security_paths.project_security_events(slug_var())),
            class_name="chips",
        ),
        rx.el.div(
            rx.el.span("Begin with", class_name="muted"),
            *[text_link(label, href=security_paths.project_security_events(slug_var(), **words)) for label, words in _SEARCHES],
            class_name="chips chips-links",
        ),
    )


def facet_list(state: Any) -> rx.Component:
    """The most frequent words with their counts; each narrows the search."""

    def words(facet: Any) -> rx.Component:
        return rx.el.ul(
            rx.foreach(
                facet.words,
                lambda word: rx.el.li(
                    rx.el.button(
                        rx.el.span(word.word, title=word.word),
                        rx.el.span(word.count, class_name="num"),
                        type="button",
                        class_name="facet",
                        aria_pressed=rx.cond(word.is_chosen, "true", "false"),
                        on_click=state.narrow(word.facet, word.word),
                    )
                ),
            )
        )

    return rx.el.aside(
        rx.foreach(state.view.facets, lambda facet: rx.el.div(rx.el.h3(facet.label), words(facet))),
        class_name="facets",
        aria_label="Facets",
    )


def event_table(state: Any) -> rx.Component:
    """The events."""
    view = state.view
    return data_table(
        [
            Column("Event", _name),
            Column("Severity", lambda row: badge(row.severity, row.tone, dot=True), width="100px", secondary=True),
            Column("Actor", lambda row: rx.el.span(row.who, class_name="breakable"), secondary=True),
            Column("From", _origin, secondary=True),
            Column("Time", lambda row: time_text(row.when, row.iso), numeric=True, width="170px"),
        ],
        view.rows,
        caption="Security events, newest first",
        empty=rx.cond(
            view.is_narrowed,
            empty_state(
                "No event matches",
                "Lift a filter or take a longer period.",
                link_button("Clear all filters", href=security_paths.project_security_events(slug_var())),
            ),
            empty_state(
                "No security events in this period",
                "Events that come in at /collect with a key for security stand here within a second or two.",
                link_button("Ingest keys", href=ui_paths.project_keys(slug_var()), kind="primary"),
            ),
        ),
        pager=pager(view.first, view.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1), noun="events"),
    )


def detail_panel(state: Any) -> rx.Component:
    """One event in full, over the list."""
    detail = state.view.detail
    return side_panel(
        rx.cond(
            detail.problem != "",
            empty_state("This event is not there", detail.problem),
            rx.fragment(
                rx.el.p(
                    badge(detail.severity, detail.tone, dot=True),
                    " ",
                    time_text(detail.when, detail.iso),
                    class_name="badges muted",
                ),
                rx.el.h3("Actor and address"),
                fact_list(detail.facts),
                rx.el.h3("About the address"),
                rx.cond(detail.marks.length() > 0, mark_list(detail.marks), rx.fragment()),
                rx.cond(
                    detail.enrichment.length() > 0,
                    fact_list(detail.enrichment),
                    rx.el.p("Nothing: it is private or absent, or no database was installed when it came in.", class_name="muted"),
                ),
                attribution(detail.is_by_db_ip),
                rx.el.h3("Metadata"),
                rx.cond(
                    detail.metadata != "",
                    code_block(detail.metadata, label="Metadata as JSON"),
                    rx.el.p("None was sent.", class_name="muted"),
                ),
            ),
        ),
        title=rx.cond(detail.name != "", detail.name, "Event"),
        open_=state.view.is_open,
        on_close=state.close,
    )


def _name(row: Any) -> rx.Component:
    return rx.el.div(
        row_link(row.name, row.href),
        rx.el.span(
            rx.el.span(badge(row.severity, row.tone)),
            rx.cond(row.who != "", rx.el.span(row.who), rx.fragment()),
            rx.cond(row.address != "", rx.el.span(row.address), rx.fragment()),
            class_name="cell-sub dotted only-narrow-flex",
        ),
        class_name="breakable",
    )


def _origin(row: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span(row.address, class_name="mono"),
        rx.el.span(
            rx.cond(row.place != "", rx.el.span(row.place), rx.fragment()),
            rx.cond(row.marks.length() > 0, mark_list(row.marks), rx.fragment()),
            class_name="cell-sub dotted",
        ),
    )
