"""Parts that several pages of security show."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import badge, text_link, time_text

ATTRIBUTION_TEXT = "IP Geolocation by DB-IP"
ATTRIBUTION_HREF = "https://db-ip.com"


def mark_list(marks: Any) -> rx.Component:
    """Badges in a row."""
    return rx.el.span(rx.foreach(marks, lambda mark: badge(mark.text, mark.tone)), class_name="badges")


def attribution(is_shown: Any) -> rx.Component:
    """The credit that DB-IP's licence asks for wherever its results are shown."""
    return rx.cond(
        is_shown,
        rx.el.p(
            rx.el.a(ATTRIBUTION_TEXT, href=ATTRIBUTION_HREF, target="_blank", rel="noopener noreferrer", class_name="link"),
            ", licensed under CC BY 4.0",
            class_name="attribution",
        ),
        rx.fragment(),
    )


def fact_list(facts: Any) -> rx.Component:
    """Names with what is known; nothing for an empty list."""
    return rx.cond(
        facts.length() > 0,
        rx.el.dl(
            rx.foreach(
                facts,
                lambda fact: rx.el.div(
                    rx.el.dt(fact.name),
                    rx.el.dd(rx.cond(fact.href != "", text_link(fact.value, href=fact.href), fact.value)),
                ),
            ),
            class_name="facts",
        ),
        rx.fragment(),
    )


def event_line_item(line: Any) -> rx.Component:
    """An event as an item of a list of class `lines`; it opens in the explorer."""
    return rx.el.li(
        rx.icon("circle-dot", size=14, aria_hidden="true", class_name="muted"),
        rx.el.div(
            rx.cond(line.times != "", rx.el.span(line.times, " ", class_name="num muted"), rx.fragment()),
            rx.link(line.name, href=line.href, class_name="row-link", underline="none"),
            " ",
            badge(line.severity, line.tone),
            rx.cond(line.is_evidence, rx.el.span(" ", badge("part of the alert", "accent")), rx.fragment()),
            class_name="line-main",
        ),
        rx.el.div(time_text(line.when, line.iso), class_name="line-end muted"),
        rx.el.div(
            rx.cond(line.address != "", rx.el.span(line.address, class_name="mono"), rx.fragment()),
            rx.cond(line.place != "", rx.el.span(line.place), rx.fragment()),
            rx.cond(line.marks.length() > 0, mark_list(line.marks), rx.fragment()),
            rx.cond(line.since != "", rx.el.span("since ", line.since), rx.fragment()),
            class_name="line-sub dotted",
        ),
        class_name=rx.cond(line.is_evidence, "line is-evidence", "line"),
    )
