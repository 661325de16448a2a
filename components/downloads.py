"""Links that bring a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import reflex as rx


def download_link(text: Any, *, href: Any, small: bool = False) -> rx.Component:
    """A button that has the browser keep what is at the address."""
    size = " btn-small" if small else ""
    return rx.el.a(
        rx.icon("download", size=14, aria_hidden="true"),
        text,
        href=href,
        download=True,
        reload_document=True,  # the router would otherwise look for a page of this address
        class_name=f"btn btn-plain{size}",
    )


def download_list(files: Iterable[tuple[str, str, Any]]) -> rx.Component:
    """One file per line: the text of its link, what it is good for, and its address."""
    return rx.el.ul(
        *[
            rx.el.li(download_link(text, href=href), rx.el.span(about, class_name="field-hint"), class_name="download-line")
            for text, about, href in files
        ],
        class_name="download-list",
    )
