"""The frame around every signed-in page: rail, top bar, content, and the dialogs that any page may open.

Menus are native popovers and the palette, the shortcuts sheet and the narrow-screen drawer are native dialogs, so that
opening them costs no round trip and focus, Escape and light dismissal come from the browser. `assets/plumbline.js` wires
the keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.overlays import command_palette, shortcuts_sheet
from components.topbar import topbar


@dataclass(frozen=True, slots=True)
class NavItem:
    """One destination of the rail. `shortcut` is the letter after `g`; `count` a Var shown when above zero."""

    key: str
    label: str
    href: Any
    icon: str
    shortcut: str = ""
    count: Any = None


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Destinations under one heading."""

    label: str
    items: Sequence[NavItem]


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the path to this page; the last one has no `href`."""

    label: Any
    href: Any = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking."""

    name: Any
    email: Any
    role: Any = ""


def head() -> list[rx.Component]:
    """For `rx.App(head_components=...)`: the script that tells the viewer's zone before the first connection, and the icon."""
    return [
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/ibm-plex-sans-latin-wght-normal.woff2",
            custom_attrs={"as": "font", "type": "font/woff2", "crossOrigin": "anonymous"},
        ),
        rx.el.meta(name="color-scheme", content="light dark"),
        rx.el.script(src="/plumbline.js"),
        rx.el.script(src="/plan.js"),
        rx.el.script(src="/detection.js"),
        rx.el.script(src="/transfer.js"),
        rx.el.script(src="/drafts.js"),
    ]


def brand_mark() -> rx.Component:
    """The sign of the product: a plumb line at rest."""
    return rx.el.svg(
        rx.el.svg.path(d="M12 1.5v10", class_name="brand-line"),
        rx.el.svg.path(d="M7.2 11.5h9.6l-1.5 4.6L12 22.5l-3.3-6.4z", class_name="brand-bob"),
        view_box="0 0 24 24",
        width="20",
        height="20",
        aria_hidden="true",
        class_name="brand-mark",
    )


def shell(
    *children: Any,
    active: str,
    groups: Sequence[NavGroup],
    viewer: Viewer,
    home_href: Any,
    crumbs: Sequence[Crumb] = (),
    project_name: Any = None,
    projects: rx.Var[Any] | None = None,
    ready: Any = None,
    palette_results: rx.Var[Any] | None = None,
    on_palette_search: Any = None,
    sign_out_action: str = "/session/logout",
    tools: rx.Component | None = None,
    banner: rx.Component | None = None,
) -> rx.Component:
    """The page frame.

    `active` is the key of the current NavItem. `projects` is a Var of dicts with `name` and `href`. `ready` hides the content
    until the viewer is known, so that the pre-rendered HTML holds no data. `palette_results` (dicts with `label`, `hint`,
    `href`) and `on_palette_search(text)` add found things to the palette beside pages and projects. `tools` stand in the top
    bar before the search, `banner` runs across the page beneath it.
    """
    content = rx.fragment(*children)
    if ready is not None:
        content = rx.cond(ready, content, rx.el.div(class_name="page-wait", role="status", aria_label="Loading"))
    rail = _rail_content(active, groups, home_href, project_name, projects)
    return rx.el.div(
        rx.el.a("Skip to content", href="#content", class_name="skip-link"),
        rx.el.aside(*rail("rail"), class_name="rail", aria_label="Navigation"),
        rx.el.div(
            topbar(crumbs, viewer, sign_out_action, tools),
            *([banner] if banner is not None else []),
            rx.el.main(content, id="content", tab_index=-1, class_name="content"),
            class_name="stage",
        ),
        rx.el.dialog(*rail("drawer"), id="drawer", class_name="drawer", aria_label="Navigation"),
        command_palette(groups, projects, palette_results, on_palette_search),
        shortcuts_sheet(groups),
        class_name="shell",
    )


def _rail_content(active: str, groups: Sequence[NavGroup], home_href: Any, project_name: Any, projects: Any) -> Any:
    def build(place: str) -> list[rx.Component]:
        return [
            rx.link(brand_mark(), rx.el.span("Plumbline"), href=home_href, class_name="brand", underline="none"),
            _project_switcher(place, project_name, projects, home_href),
            rx.el.nav(
                *[_group(place, group, active) for group in groups],
                class_name="rail-nav",
                aria_label="Sections" if place == "rail" else "Sections of the drawer",
            ),
        ]

    return build


def _project_switcher(place: str, project_name: Any, projects: Any, home_href: Any) -> rx.Component:
    if project_name is None or projects is None:
        return rx.fragment()
    menu_id = f"projects-{place}"
    return rx.fragment(
        rx.el.button(
            rx.el.span("Project: ", class_name="sr-only"),
            rx.el.span(project_name, class_name="switcher-name"),
            rx.icon("chevrons-up-down", size=14, aria_hidden="true"),
            type="button",
            class_name="switcher",
            custom_attrs={"popoverTarget": menu_id},
        ),
        rx.el.div(
            rx.el.p("Projects", class_name="menu-title"),
            rx.foreach(
                projects,
                lambda project: rx.link(project["name"], href=project["href"], class_name="menu-item", underline="none"),
            ),
            rx.el.hr(class_name="menu-rule"),
            rx.link("All projects", href=home_href, class_name="menu-item", underline="none"),
            id=menu_id,
            class_name="menu switcher-menu",
            custom_attrs={"popover": "auto"},
        ),
    )


def _group(place: str, group: NavGroup, active: str) -> rx.Component:
    heading = f"{place}-{group.label.lower()}"
    return rx.el.div(
        rx.el.h2(group.label, id=heading, class_name="rail-heading"),
        rx.el.ul(*[_item(place, item, active) for item in group.items], aria_labelledby=heading),
        class_name="rail-group",
    )


def _item(place: str, item: NavItem, active: str) -> rx.Component:
    attributes: dict[str, Any] = {"data-go": item.shortcut} if item.shortcut and place == "rail" else {}
    current = {"aria_current": "page"} if item.key == active else {}
    count: list[Any] = []
    if item.count is not None:
        count = [rx.cond(item.count > 0, rx.el.span(item.count, class_name="rail-count"), rx.fragment())]
    return rx.el.li(
        rx.link(
            rx.icon(item.icon, size=16, stroke_width=1.75, aria_hidden="true"),
            rx.el.span(item.label),
            *count,
            href=item.href,
            class_name="rail-item",
            underline="none",
            custom_attrs=attributes,
            **current,
        )
    )


def page_header(title: Any, *actions: rx.Component, note: Any = None, beside: rx.Component | None = None) -> rx.Component:
    """The page's heading: title, what stands `beside` it (a badge), one line of `note`, and actions at the right."""
    return rx.el.div(
        rx.el.div(
            rx.el.div(rx.el.h1(title), beside if beside is not None else rx.fragment(), class_name="page-title"),
            rx.el.p(note, class_name="page-note") if note is not None else rx.fragment(),
        ),
        rx.el.div(*actions, class_name="page-actions") if actions else rx.fragment(),
        class_name="page-header",
    )


def section(title: Any, *children: Any, actions: Sequence[rx.Component] = (), note: Any = None) -> rx.Component:
    """A part of a page under a second-level heading, parted from the one above by space and a hairline."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2(title),
            rx.el.span(note, class_name="section-note") if note is not None else rx.fragment(),
            rx.el.div(*actions, class_name="section-actions") if actions else rx.fragment(),
            class_name="section-head",
        ),
        *children,
        class_name="section",
    )


def bare_page(*children: Any) -> rx.Component:
    """A page without rail for people who are not signed in: the mark, then one narrow column."""
    return rx.el.div(
        rx.el.main(
            rx.el.div(brand_mark(), rx.el.span("Plumbline"), class_name="brand brand-large"),
            *children,
            id="content",
            class_name="bare-column",
        ),
        class_name="bare",
    )
