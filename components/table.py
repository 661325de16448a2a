"""A list the server pages and sorts; the address holds sort and page, so a reload or a shared link shows the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.feedback import error_state, loading_state


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `render` gets the row Var. `key` names the sort when `sortable`. `secondary` columns leave narrow screens."""

    label: str
    render: Callable[[Any], Any]
    key: str = ""
    sortable: bool = False
    numeric: bool = False
    secondary: bool = False
    width: str = ""


def name_text(name: Any) -> rx.Component:
    """A technical name that breaks after its underscores where a column is narrow, and copies as it is."""
    text: Any = rx.Var.create(name).to(str)
    parts = text.split("_")
    return rx.fragment(
        rx.foreach(
            parts,
            lambda part, place: rx.fragment(
                part, rx.cond(place < parts.length() - 1, rx.fragment("_", rx.el.wbr()), rx.fragment())
            ),
        )
    )


def email_text(address: Any) -> rx.Component:
    """A mail address that breaks after its @ where a column is narrow, and copies as it is."""
    parts: Any = rx.Var.create(address).to(str).split("@")
    return rx.el.span(
        rx.foreach(parts, lambda part, place: rx.fragment(rx.cond(place > 0, rx.fragment("@", rx.el.wbr()), rx.fragment()), part)),
        class_name="breakable",
    )


def text_or(text: Any, missing: str) -> rx.Component:
    """The text of a cell, or muted what it means that there is none."""
    return rx.fragment(rx.cond(text != "", text, rx.el.span(missing, class_name="muted")))


def row_link(text: Any, href: Any) -> rx.Component:
    """The link of a row's first cell; the whole row is its target."""
    return rx.link(text, href=href, class_name="row-link", underline="none")


def data_table(
    columns: Sequence[Column],
    rows: Any,
    *,
    caption: str,
    empty: rx.Component,
    loading: Any = None,
    error: Any = None,
    on_retry: Any = None,
    sort: Any = None,
    on_sort: Any = None,
    pager: rx.Component | None = None,
) -> rx.Component:
    """A table with its loading, error and empty state.

    `rows` is a Var of a list. `sort` is a Var, "key" ascending or "-key" descending; `on_sort(key)` turns it. `loading` is a
    bool Var, `error` a text Var that is empty when all is well.
    """
    table = rx.el.div(
        rx.el.table(
            rx.el.caption(caption, class_name="sr-only"),
            rx.el.thead(rx.el.tr(*[_header(column, sort, on_sort) for column in columns])),
            rx.el.tbody(
                rx.foreach(rows, lambda row: rx.el.tr(*[_cell(column, row, index) for index, column in enumerate(columns)]))
            ),
            class_name="table",
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label=caption,
    )
    body: Any = rx.cond(rows.length() > 0, rx.fragment(table, pager if pager is not None else rx.fragment()), empty)
    if loading is not None:
        body = rx.cond(loading, loading_state(), body)
    if error is not None:
        body = rx.cond(error != "", error_state(error, on_retry), body)
    return rx.fragment(body)


def _classes(column: Column) -> str:
    return " ".join(name for name, on in (("num", column.numeric), ("secondary", column.secondary)) if on)


def _header(column: Column, sort: Any, on_sort: Any) -> rx.Component:
    style = {"width": column.width} if column.width else {}
    if not (column.sortable and sort is not None and on_sort is not None):
        return rx.el.th(column.label, scope="col", class_name=_classes(column), style=style)
    order = rx.match(sort, (column.key, "ascending"), (f"-{column.key}", "descending"), "none")
    return rx.el.th(
        rx.el.button(
            column.label,
            rx.el.span(class_name="sort-mark", aria_hidden="true"),
            type="button",
            class_name="sort",
            on_click=on_sort(column.key),
        ),
        scope="col",
        aria_sort=order,
        class_name=_classes(column),
        style=style,
    )


def _cell(column: Column, row: Any, index: int) -> rx.Component:
    content = column.render(row)
    if index == 0:
        return rx.el.th(content, scope="row", class_name=_classes(column))
    return rx.el.td(content, class_name=_classes(column), custom_attrs={"data-label": column.label})


def pager(first: Any, last: Any, total: Any, *, on_previous: Any, on_next: Any, noun: str = "entries") -> rx.Component:
    """ "1–50 of 213 events" with a step back and forth; hidden steps are disabled, not removed."""
    return rx.el.nav(
        rx.el.p(
            rx.el.span(f"{first}–{last}", class_name="num"), " of ", rx.el.span(total, class_name="num"), f" {noun}", role="status"
        ),
        rx.el.div(
            rx.el.button(
                rx.icon("chevron-left", size=16, aria_hidden="true"),
                "Previous",
                type="button",
                class_name="btn btn-small",
                disabled=first <= 1,
                on_click=on_previous,
            ),
            rx.el.button(
                "Next",
                rx.icon("chevron-right", size=16, aria_hidden="true"),
                type="button",
                class_name="btn btn-small",
                disabled=last >= total,
                on_click=on_next,
            ),
            class_name="pager-steps",
        ),
        class_name="pager",
        aria_label="Pages",
    )
