"""What an address that leads nowhere shows, signed in or not."""

from __future__ import annotations

import reflex as rx

from app import ui_paths
from app.ui import page
from components.feedback import not_found_state
from components.forms import link_button
from components.shell import bare_page


@page(route="404", title="Not found · Plumbline", public=True)
def not_found() -> rx.Component:
    """A way back."""
    return bare_page(
        rx.el.h1("Not found"),
        not_found_state(
            "There is no such page",
            "The address may be mistyped, or the page moved.",
            link_button("All projects", href=ui_paths.HOME, kind="primary"),
        ),
    )
