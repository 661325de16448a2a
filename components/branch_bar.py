"""Which branch of the plan a page shows: a switch in the top bar, and a coloured bar away from main."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.forms import text_link


def branch_switch(name: Any, choices: Any, is_main: Any, all_href: Any) -> rx.Component:
    """The open branch and the others; `choices` is a Var of rows with `name`, `note`, `href` and `is_current`."""
    return rx.el.div(
        rx.el.button(
            rx.icon("git-branch", size=14, aria_hidden="true"),
            rx.el.span("Branch: ", class_name="sr-only"),
            rx.el.span(name, class_name="branch-name"),
            rx.icon("chevron-down", size=14, aria_hidden="true"),
            type="button",
            class_name=rx.cond(is_main, "branch-switch", "branch-switch branch-switch-away"),
            custom_attrs={"popoverTarget": "branch-menu"},
        ),
        rx.el.div(
            rx.el.p("Branches of the plan", class_name="menu-title"),
            rx.foreach(choices, _choice),
            rx.el.hr(class_name="menu-rule"),
            rx.link("All branches", href=all_href, class_name="menu-item", underline="none"),
            id="branch-menu",
            class_name="menu branch-menu",
            custom_attrs={"popover": "auto"},
        ),
    )


def _choice(choice: Any) -> rx.Component:
    return rx.link(
        rx.el.span(choice.name, class_name="menu-label"),
        rx.el.span(rx.cond(choice.is_current, "open", choice.note), class_name="menu-aside"),
        href=choice.href,
        class_name="menu-item",
        underline="none",
        custom_attrs={"aria-current": rx.cond(choice.is_current, "true", "false")},
    )


def branch_banner(name: Any, status: Any, is_shown: Any, is_frozen: Any, branch_href: Any, main_href: Any) -> rx.Component:
    """The reminder that changes go to a branch, or that it takes none any more."""
    return rx.cond(
        is_shown,
        rx.el.div(
            rx.icon("git-branch", size=14, aria_hidden="true"),
            rx.el.p(
                rx.el.strong(name),
                rx.cond(
                    is_frozen,
                    rx.fragment(" is ", status, " and takes no more changes."),
                    rx.fragment(" (", status, "): changes stay here until the branch is merged."),
                ),
            ),
            rx.el.div(
                text_link("Review", href=branch_href),
                text_link("Back to main", href=main_href),
                class_name="branch-banner-links",
            ),
            class_name="branch-banner",
            role="note",
        ),
        rx.fragment(),
    )
