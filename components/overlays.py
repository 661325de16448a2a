"""Command palette and shortcuts sheet: native dialogs that `assets/plumbline.js` opens, filters and steers by keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import reflex as rx

if TYPE_CHECKING:
    from components.shell import NavGroup


def _entry(label: Any, hint: Any, href: Any) -> rx.Component:
    return rx.link(
        rx.el.span(label, class_name="palette-label"),
        rx.el.span(hint, class_name="palette-hint"),
        href=href,
        role="option",
        tab_index=-1,
        class_name="palette-entry",
        underline="none",
    )


def command_palette(
    groups: Sequence[NavGroup],
    projects: rx.Var[Any] | None = None,
    results: rx.Var[Any] | None = None,
    on_search: Any = None,
) -> rx.Component:
    """Go to a page, a project, or something found. Pages and projects are filtered in the browser; `on_search` is asked for
    the rest 200 ms after the last key."""
    field = rx.el.input(
        id="palette-query",
        type="text",
        placeholder="Go to a page, project, event or field",
        aria_label="Search or go to",
        auto_complete="off",
        class_name="palette-input",
        role="combobox",
        aria_expanded="true",
        aria_controls="palette-list",
        custom_attrs={"spellCheck": False},
        **({"on_change": on_search.debounce(200)} if on_search is not None else {}),
    )
    found = (
        rx.foreach(results, lambda item: _entry(item["label"], item["hint"], item["href"]))
        if results is not None
        else rx.fragment()
    )
    return rx.el.dialog(
        rx.el.div(rx.icon("search", size=16, aria_hidden="true"), field, class_name="palette-top"),
        rx.el.div(
            rx.el.div(
                *[_entry(item.label, group.label, item.href) for group in groups for item in group.items],
                custom_attrs={"data-filtered": "true"},
            ),
            rx.el.div(
                rx.foreach(projects, lambda project: _entry(project["name"], "Project", project["href"]))
                if projects is not None
                else rx.fragment(),
                custom_attrs={"data-filtered": "true"},
            ),
            rx.el.div(found),
            rx.el.p("Nothing found", class_name="palette-none"),
            id="palette-list",
            role="listbox",
            aria_label="Destinations",
            class_name="palette-list",
        ),
        rx.el.p(
            rx.el.kbd("↑"),
            rx.el.kbd("↓"),
            " choose ",
            rx.el.kbd("Enter"),
            " go ",
            rx.el.kbd("Esc"),
            " close",
            class_name="palette-keys",
        ),
        id="palette",
        class_name="palette",
        aria_label="Command palette",
    )


def shortcuts_sheet(groups: Sequence[NavGroup]) -> rx.Component:
    """Every key the app listens to."""
    go = [(item.label, ("g", item.shortcut)) for group in groups for item in group.items if item.shortcut]
    general = [
        ("Search or go to", ("Ctrl", "K")),
        ("This sheet", ("?",)),
        ("Focus the search box of a list", ("/",)),
        ("Next or previous row of a list", ("j", "k")),
        ("Open the row", ("Enter",)),
        ("Select the row", ("x",)),
        ("Make a new one", ("n",)),
        ("Edit", ("e",)),
        ("Close", ("Esc",)),
    ]
    return rx.el.dialog(
        rx.el.div(
            rx.el.h2("Keyboard shortcuts"),
            rx.el.button(
                rx.icon("x", size=16, aria_hidden="true"),
                type="button",
                aria_label="Close",
                class_name="icon-btn",
                custom_attrs={"data-closes": "shortcuts"},
            ),
            class_name="sheet-head",
        ),
        rx.el.div(
            *[
                rx.el.dl(
                    *[
                        rx.el.div(rx.el.dt(label), rx.el.dd(*[rx.el.kbd(key) for key in keys]), class_name="shortcut")
                        for label, keys in part
                    ]
                )
                for part in (general, go)
                if part
            ],
            class_name="sheet-columns",
        ),
        id="shortcuts",
        class_name="sheet",
        aria_label="Keyboard shortcuts",
    )
