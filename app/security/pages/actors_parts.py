"""Parts of the page of actors."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import security_paths, ui_paths
from app.frame import slug_var
from app.security.pages.actors_view import FLOORS, PERIODS
from app.security.pages.overview_parts import request_for_a_first_event
from components import (
    Column,
    badge,
    data_table,
    empty_state,
    link_button,
    notice,
    pager,
    row_link,
    segmented,
    select_input,
    side_panel,
    spark_bars,
    text_link,
    time_text,
    toolbar,
)


def filters(state: Any) -> rx.Component:
    """The period and the least score."""
    return toolbar(
        segmented(list(PERIODS.items()), state.query.days, state.choose_days, label="Scored in"),
        select_input(list(FLOORS.items()), field_id="above", label="Score", value=state.query.above, on_change=state.choose_floor),
    )


def actor_table(state: Any) -> rx.Component:
    """The actors, unusual ones first."""
    view = state.view
    return data_table(
        [
            Column("Actor", _name),
            Column("Score", lambda row: badge(row.score, row.tone), numeric=True, width="84px"),
            Column("Driven by", _shares, secondary=True, width="38%"),
            Column("28 days", lambda row: spark_bars(row.spark, row.spark_label), secondary=True, width="112px"),
            Column(
                "Day",
                lambda row: time_text(row.day, row.iso, title=f"scored {row.scored}"),
                numeric=True,
                width="104px",
                secondary=True,
            ),
        ],
        view.rows,
        caption="Actors, the most unusual first",
        empty=empty_state(
            "No actor matches",
            "Nobody was scored in this period, or every score is lower.",
            link_button("Show 90 days", href=security_paths.project_actors(slug_var(), days="90")),
        ),
        pager=pager(view.first, view.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1), noun="actors"),
    )


def no_scores(origin: Any) -> rx.Component:
    """What has to happen before anybody is scored."""
    return rx.el.div(
        empty_state(
            "Nobody was scored yet",
            "Scores appear with the first full hour after an event that names an actor. They stay unknown until the actor has "
            "seven earlier days, and until there are five peers and sixty days in all to compare with.",
            link_button("Ingest keys", href=ui_paths.project_keys(slug_var()), kind="primary"),
        ),
        request_for_a_first_event(origin),
        class_name="stack narrow",
    )


def profile_panel(state: Any) -> rx.Component:
    """One actor in full, over the list."""
    profile = state.view.profile
    return side_panel(
        rx.el.div(
            text_link("Events of this actor", href=profile.events_href),
            text_link("Alerts of this actor", href=profile.alerts_href),
            class_name="chips chips-links",
        ),
        rx.cond(
            profile.problem != "",
            empty_state("This actor has no score", profile.problem),
            rx.fragment(
                rx.el.p(badge(profile.score, profile.tone, dot=True), " ", profile.verdict),
                rx.el.h3("Scores by day"),
                spark_bars(profile.spark, profile.spark_label),
                rx.el.div(rx.el.span(profile.spark_from), rx.el.span(profile.spark_to), class_name="spark-axis"),
                rx.el.p(profile.spark_label, ". A full bar is 100.", class_name="muted"),
                rx.el.h3("Beside own days and peers"),
                rx.cond(
                    profile.is_store_away,
                    notice("The event store does not answer, so days and peers cannot be compared.", tone="warn"),
                    rx.fragment(),
                ),
                _feature_table(profile),
                rx.cond(profile.note != "", rx.el.p(profile.note, class_name="attribution"), rx.fragment()),
            ),
        ),
        rx.el.h3("Alerts"),
        rx.cond(profile.alerts.length() > 0, rx.el.ol(rx.foreach(profile.alerts, _alert), class_name="lines"), rx.fragment()),
        rx.cond(profile.alerts_note != "", rx.el.p(profile.alerts_note, class_name="muted"), rx.fragment()),
        title=rx.cond(profile.name != "", profile.name, "Actor"),
        open_=state.view.is_open,
        on_close=state.close,
    )


def _feature_table(profile: Any) -> rx.Component:
    return data_table(
        [
            Column("Feature", _feature),
            Column("Own days", lambda row: rx.cond(row.spark != "", spark_bars(row.spark, row.spark_label), "–"), secondary=True),
            Column("That day", lambda row: row.value, numeric=True),
            Column("Usually", lambda row: row.usual, numeric=True),
            Column("Peers", lambda row: row.peers, numeric=True),
            Column("Most", lambda row: row.most, numeric=True),
        ],
        profile.features,
        caption="Features of the day: the actor's own figure and median, the peers' median and 95th percentile",
        empty=empty_state("No feature is known", "The events of that day are older than the plan shows, or were removed."),
    )


def _feature(row: Any) -> rx.Component:
    return rx.fragment(
        row.name,
        rx.cond(
            row.share != "",
            rx.el.span(_bar(row.width), rx.el.span(row.share, class_name="num"), class_name="share share-small"),
            rx.fragment(),
        ),
    )


def _name(row: Any) -> rx.Component:
    return rx.el.div(
        row_link(row.name, row.href),
        rx.cond(row.is_unusual, rx.fragment(" ", badge("unusual", "warn")), rx.fragment()),
        rx.el.span(row.led_by, class_name="cell-sub only-narrow-flex"),
        class_name="breakable",
    )


def _shares(row: Any) -> rx.Component:
    """The features behind a score as bars with their share of the surprise, or why there is no score."""

    def line(one: Any) -> rx.Component:
        return rx.el.li(rx.el.span(one.feature), _bar(one.width), rx.el.span(one.text, class_name="num"), class_name="share")

    bars = rx.el.ul(rx.foreach(row.shares, line), class_name="shares")
    return rx.cond(
        row.reason != "",
        rx.el.span(row.reason, class_name="muted"),
        rx.cond(row.shares.length() > 0, bars, rx.el.span("Nothing stands out", class_name="muted")),
    )


def _bar(width: Any) -> rx.Component:
    """A share as a bar; the text beside it says the same."""
    fill = rx.el.span(class_name="progress-fill", style={"width": f"{width}%"})
    return rx.el.span(fill, class_name="progress-bar", aria_hidden="true")


def _alert(line: Any) -> rx.Component:
    return rx.el.li(
        rx.icon("siren", size=14, aria_hidden="true", class_name="muted"),
        rx.el.div(row_link(line.title, line.href), " ", badge(line.severity, line.tone), class_name="line-main"),
        rx.el.div(time_text(line.age, line.iso), class_name="line-end muted"),
        rx.el.div(badge(line.status, line.status_tone), class_name="line-sub"),
        class_name="line",
    )
