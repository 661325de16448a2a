"""Parts of the overview of security."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import security_paths, ui_paths
from app.frame import slug_var
from app.security.pages.parts import attribution, mark_list
from components import (
    Column,
    badge,
    button,
    code_block,
    data_table,
    empty_state,
    form_field,
    kpi,
    kpi_row,
    link_button,
    row_link,
    section,
    stacked_bars,
    text_area,
    text_link,
    time_text,
    world_map,
)


def figures(view: Any) -> rx.Component:
    """Open alerts by severity, and what the period amounts to."""

    def alerts(severity: str) -> str:
        return security_paths.project_security_alerts(slug_var(), severity=severity)

    return kpi_row(
        kpi("Open critical", view.critical, tone=rx.cond(view.critical != "0", "bad", "neutral"), href=alerts("critical")),
        kpi("Open high", view.high, tone=rx.cond(view.high != "0", "bad", "neutral"), href=alerts("high")),
        kpi("Open medium", view.medium, href=alerts("medium")),
        kpi("Open low", view.low, href=alerts("low"), note=view.acknowledged),
        kpi("Failed sign-ins", view.failed, note=view.failed_note),
        kpi("Events", view.events, note=view.retention_note),
        kpi("Actors", view.actors),
    )


def trends(view: Any) -> rx.Component:
    """Alerts and events over time."""
    return rx.el.div(
        section(
            "Alerts over time",
            rx.cond(
                view.alert_bars.total > 0,
                rx.el.div(stacked_bars(view.alert_bars, noun="alerts"), class_name="section-body"),
                empty_state(
                    rx.cond(view.has_alert_plan, "No alert in this period", "No alerts on this plan"),
                    rx.cond(
                        view.has_alert_plan,
                        "Nothing that arrived was evidence of an incident.",
                        "Alerts need the plan pro or enterprise. Events are kept and shown all the same.",
                    ),
                ),
            ),
            actions=[text_link("All alerts", href=security_paths.project_security_alerts(slug_var()))],
        ),
        section(
            "Events over time",
            rx.el.div(stacked_bars(view.event_bars, noun="events"), class_name="section-body"),
            actions=[text_link("Explore events", href=security_paths.project_security_events(slug_var()))],
        ),
        class_name="columns",
    )


def map_section(view: Any) -> rx.Component:
    """Where people signed in, or what is missing to know it."""
    return section(
        "Sign-ins by place",
        rx.cond(
            # A database that is gone leaves the places of what it located.
            view.geo.has_places | (view.places.length() > 0),
            rx.el.div(
                rx.el.div(
                    world_map(view.map),
                    rx.el.ul(
                        rx.el.li(rx.el.span(class_name="map-dot map-calm", aria_hidden="true"), "Sign-ins"),
                        rx.el.li(rx.el.span(class_name="map-dot map-bad", aria_hidden="true"), "Mostly failed"),
                        rx.el.li(view.located_note),
                        class_name="map-keys",
                    ),
                    attribution(view.geo.is_by_db_ip),
                ),
                data_table(
                    [
                        Column("Place", lambda row: row_link(row.name, row.href)),
                        Column("Signed in", lambda row: row.succeeded, numeric=True),
                        Column("Failed", lambda row: row.failed, numeric=True),
                        Column("Actors", lambda row: row.actors, numeric=True, secondary=True),
                    ],
                    view.places,
                    caption="Sign-ins by place, most frequent first",
                    empty=empty_state("No sign-in could be located", "Private addresses, and events without one, have no place."),
                ),
                class_name="split section-body",
            ),
            no_database(),
        ),
        note=rx.cond(view.geo.text != "", view.geo.text, ""),
    )


def no_database() -> rx.Component:
    """How to install a location database."""
    return rx.el.div(
        rx.el.div(
            rx.el.h3("No location database is installed"),
            rx.el.p(
                "Country, city and coordinates of addresses stay unknown, and nobody notices impossible travel or unusual "
                "countries. The command downloads the free database of DB-IP; with --file it takes one that you have. "
                "Events that come in afterwards are located, earlier ones are not.",
                class_name="muted",
            ),
            class_name="stack",
        ),
        code_block(
            "plumbline geoip install\nplumbline geoip install --database asn\nplumbline geoip refresh-lists", label="Commands"
        ),
        class_name="split section-body",
    )


def actor_section(view: Any) -> rx.Component:
    """Who stands out."""
    return section(
        "Top actors",
        data_table(
            [
                Column("Actor", lambda row: _two_lines(row_link(row.name, row.href), row.email)),
                Column("Grave", lambda row: row.grave, numeric=True),
                Column("Failed", lambda row: row.failed, numeric=True),
                Column("Events", lambda row: row.events, numeric=True),
                Column("From", lambda row: row.places, secondary=True),
                Column(
                    "Unusual",
                    lambda row: rx.cond(row.unusual != "", rx.link(badge(row.unusual, row.unusual_tone), href=row.score_href), "–"),
                    numeric=True,
                    secondary=True,
                ),
            ],
            view.top_actors,
            caption="Actors with the most grave events, then the most events",
            empty=empty_state("No event names an actor"),
        ),
        actions=[text_link("All actors", href=security_paths.project_actors(slug_var()))],
        note="by grave events; “unusual” is the share of known days that were less so",
    )


def network_section(view: Any) -> rx.Component:
    """Which networks stand out, with what lists say of them."""
    return section(
        "Top networks",
        rx.cond(
            view.has_alert_plan,
            data_table(
                [
                    Column("Network", _network),
                    Column("Failed", lambda row: row.failed, numeric=True),
                    Column("Events", lambda row: row.events, numeric=True),
                    Column("Threat", lambda row: rx.cond(row.score != "", row.score, "–"), numeric=True, secondary=True),
                ],
                view.top_networks,
                caption="Networks with the most failed sign-ins, then the most events",
                empty=empty_state("No event names an address"),
            ),
            empty_state("Networks are not part of this plan", "They need the plan pro or enterprise."),
        ),
        rx.cond(
            view.geo.has_lists,
            rx.fragment(),
            rx.el.p(
                "No network lists are installed, so VPN, Tor and data centres are unknown: ",
                rx.el.code("plumbline geoip refresh-lists"),
                " fetches them.",
                class_name="attribution",
            ),
        ),
        note="by failed sign-ins",
    )


def timeline_section(view: Any) -> rx.Component:
    """Alerts and grave events, newest first."""

    def line(moment: Any) -> rx.Component:
        return rx.el.li(
            rx.cond(
                moment.is_alert,
                rx.icon("siren", size=14, aria_hidden="true", class_name="muted"),
                rx.icon("circle-dot", size=14, aria_hidden="true", class_name="muted"),
            ),
            rx.el.div(
                rx.link(moment.title, href=moment.href, class_name="row-link", underline="none"),
                " ",
                badge(moment.severity, moment.tone),
                class_name="line-main",
            ),
            rx.el.div(time_text(moment.when, moment.iso), class_name="line-end muted"),
            rx.el.div(
                rx.el.span(moment.kind),
                rx.cond(moment.status != "", rx.el.span(moment.status), rx.fragment()),
                rx.cond(moment.who != "", rx.el.span(moment.who), rx.fragment()),
                class_name="line-sub dotted breakable",
            ),
            class_name="line",
        )

    return section(
        "Timeline",
        rx.cond(
            view.moments.length() > 0,
            rx.el.ol(rx.foreach(view.moments, line), class_name="lines"),
            empty_state("Nothing grave happened", "Alerts and events of high or critical severity of this period stand here."),
        ),
        note="alerts and grave events",
    )


def origin_section(state: Any) -> rx.Component:
    """The web origins that may use the keys; owners only."""
    return rx.cond(
        state.view.is_owner,
        section(
            "Web origins",
            rx.el.form(
                form_field(
                    "Browsers may send from these origins",
                    text_area(
                        field_id="origins",
                        name="origins",
                        default_value=state.view.origins,
                        rows="5",
                        placeholder="https://app.example.com",
                        spell_check=False,
                    ),
                    field_id="origins",
                    hint=state.view.origins_note,
                    error=state.origin_error,
                ),
                rx.el.p("Servers send no origin and need no entry here; localhost is always allowed.", class_name="muted"),
                rx.el.div(button("Save origins", type="submit")),
                on_submit=state.save_origins,
                reset_on_submit=False,
                key=state.view.origins,
                class_name="stack section-body",
            ),
        ),
        rx.fragment(),
    )


def first_event(origin: Any) -> rx.Component:
    """What to do before the first event."""
    return rx.el.div(
        empty_state(
            "No security events in this period",
            "Send sign-ins and other security events with a key of the kind security; alerts follow from them.",
            link_button("Ingest keys", href=ui_paths.project_keys(slug_var()), kind="primary"),
        ),
        request_for_a_first_event(origin),
        class_name="stack narrow",
    )


def request_for_a_first_event(origin: Any) -> rx.Component:
    """A command that sends one event."""
    command = (
        f"curl -X POST {origin}/collect \\\n  -H 'X-API-Key: YOUR_KEY' -H 'Content-Type: application/json' \\\n"
        '  -d \'{"event": "auth.login_success", "actor": {"id": "user-1"}, "user_ip": "81.2.69.160"}\''
    )
    return code_block(command, label="Request for a first event")


def _two_lines(first: Any, second: Any) -> rx.Component:
    return rx.fragment(first, rx.cond(second != "", rx.el.span(second, class_name="cell-sub breakable"), rx.fragment()))


def _network(row: Any) -> rx.Component:
    return rx.fragment(
        row_link(row.name, row.href),
        rx.cond(row.marks.length() > 0, rx.fragment(" ", mark_list(row.marks)), rx.fragment()),
        rx.el.span(row.note, class_name="cell-sub"),
    )
