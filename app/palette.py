"""What the command palette finds on the server: events of the open project."""

from __future__ import annotations

from typing import TypedDict

import reflex as rx

from app import ui_paths
from app.kernel.errors import AppError
from app.plan import service as plan
from app.ui import AppState

MOST_FOUND = 8


class Found(TypedDict):
    """One entry of the palette."""

    label: str
    hint: str
    href: str


class PaletteState(AppState):
    """The events that match what is typed."""

    found: list[Found] = []

    @rx.event
    async def search(self, text: str) -> None:
        """Look for events by name, identity or description; nothing on pages of no project."""
        slug, words = self._route_value("slug"), text.strip()[:200]
        if not slug or not words:
            self.found = []
            return
        try:
            page = await self._read(plan.list_events, slug, search=words, limit=MOST_FOUND)
        except AppError:
            # The palette stands beside a page that reports its own faults.
            self.found = []
            return
        self.found = [
            {"label": event.name, "hint": event.event_type_name, "href": ui_paths.project_event(slug, event.id)}
            for event in page.items
        ]
