"""The bar above every signed-in page: where one is, the search, the colour mode, and the account's menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import reflex as rx

if TYPE_CHECKING:
    from components.shell import Crumb, Viewer


def topbar(crumbs: Sequence[Crumb], viewer: Viewer, sign_out_action: str, tools: rx.Component | None) -> rx.Component:
    """The bar; `tools` stand before the search, the account's menu posts to `sign_out_action`."""
    return rx.el.header(
        rx.el.button(
            rx.icon("menu", size=18, aria_hidden="true"),
            type="button",
            class_name="icon-btn only-narrow",
            aria_label="Open navigation",
            custom_attrs={"data-opens": "drawer"},
        ),
        _crumbs(crumbs),
        *([tools] if tools is not None else []),
        rx.el.div(
            rx.el.button(
                rx.icon("search", size=14, aria_hidden="true"),
                rx.el.span("Search or go to", class_name="only-wide"),
                " ",
                rx.el.kbd("Ctrl K", class_name="only-wide"),
                type="button",
                id="palette-open",
                class_name="palette-button",
                aria_label="Search or go to Ctrl K",
                custom_attrs={"data-opens": "palette"},
            ),
            rx.el.button(
                rx.color_mode_cond(rx.icon("moon", size=16, aria_hidden="true"), rx.icon("sun", size=16, aria_hidden="true")),
                type="button",
                class_name="icon-btn",
                aria_label="Toggle colour mode",
                on_click=rx.toggle_color_mode,
            ),
            _user_menu(viewer, sign_out_action),
            class_name="topbar-tools",
        ),
        class_name="topbar",
    )


def _crumbs(crumbs: Sequence[Crumb]) -> rx.Component:
    steps = []
    for crumb in crumbs:
        if crumb.href is None:
            steps.append(rx.el.li(rx.el.span(crumb.label, aria_current="page")))
        else:
            steps.append(rx.el.li(rx.link(crumb.label, href=crumb.href, underline="none")))
    return rx.el.nav(rx.el.ol(*steps), class_name="crumbs", aria_label="Breadcrumb")


def _user_menu(viewer: Viewer, sign_out_action: str) -> rx.Component:
    return rx.fragment(
        rx.el.button(
            rx.icon("circle-user-round", size=18, aria_hidden="true", stroke_width=1.75),
            type="button",
            class_name="icon-btn",
            aria_label="Your account",
            custom_attrs={"popoverTarget": "account-menu"},
        ),
        rx.el.div(
            rx.el.div(
                rx.el.p(viewer.name, class_name="menu-strong"),
                rx.el.p(viewer.email, class_name="menu-note"),
                rx.el.p(viewer.role, class_name="menu-note"),
                class_name="menu-who",
            ),
            rx.el.hr(class_name="menu-rule"),
            rx.el.button(
                "Keyboard shortcuts",
                rx.el.kbd("?"),
                type="button",
                class_name="menu-item",
                custom_attrs={"data-opens": "shortcuts"},
            ),
            rx.el.form(
                rx.el.button("Sign out", type="submit", class_name="menu-item"),
                action=sign_out_action,
                method="post",
                on_submit=None,
            ),
            id="account-menu",
            class_name="menu account-menu",
            custom_attrs={"popover": "auto"},
        ),
    )
