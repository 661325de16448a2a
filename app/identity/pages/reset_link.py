"""The part of the members page that makes a link for somebody who forgot their password, to be handed over by an owner."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import sign_in_paths
from app.identity import service as identity
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.ui import AppState
from components import button, copy_button, toast_failed


class ResetLinkState(AppState):
    """The newest link until it is put away."""

    link: str = ""
    link_email: str = ""

    @rx.event
    async def make(self, user_id: str) -> EventSpec | None:
        """Make a link and show it once; the service refuses callers who are no owners, and one's own account."""
        self.link = ""
        try:
            made, token = await self._call(identity.create_reset_link, user_id, SYSTEM_CLOCK.now())
        except AppError as error:
            return toast_failed(error.message)
        origin = get_settings().runtime.public_url.rstrip("/") or str(self.router.url.origin)
        self.link, self.link_email = origin + sign_in_paths.reset_password(token), made.email
        return None

    @rx.event
    def forget(self) -> None:
        """Put the link away."""
        self.link = ""


def reset_link_button(row: Any) -> rx.Component:
    """Makes a link for the member of the row."""
    state: Any = ResetLinkState
    return button(
        "Reset link",
        small=True,
        on_click=state.make(row.id),
        custom_attrs={"aria-label": f"Reset link for the password of {row.email}"},
    )


def reset_link_panel() -> rx.Component:
    """The link, while it can be read."""
    state: Any = ResetLinkState
    return rx.cond(
        state.link != "",
        rx.el.section(
            rx.el.h2("Link for ", state.link_email, class_name="state-title"),
            rx.el.p(
                "Whoever opens it within 60 minutes chooses the password of this account, once. Be sure that it is they who ask, "
                "and hand it over yourself: no mail was sent. It is stored as a hash only and cannot be shown again."
            ),
            rx.el.div(
                rx.el.code(state.link, id="reset-link", class_name="token", tab_index=0),
                copy_button(state.link, "Copy link"),
                class_name="token-line",
            ),
            rx.el.div(button("I have copied it", on_click=state.forget), class_name="state-actions"),
            class_name="token-panel",
            role="status",
        ),
        rx.fragment(),
    )
