"""The question before a definition of the plan is deleted, the same on every page of definitions."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app.kernel.errors import AppError
from app.plan.pages.plan_frame import PlanState
from app.ui import field_errors
from components import toast_done
from components.inline_edit import confirm_dialog


class DeletionState(PlanState, mixin=True):
    """What is asked about and what would go with it; the page says how it is deleted and draws itself anew."""

    errors: dict[str, str] = {}
    doomed: str = ""
    doomed_name: str = ""
    consequences: list[str] = []

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.doomed = ""

    @rx.event
    async def delete(self) -> EventSpec | None:
        """Delete what was asked about."""
        try:
            await self._delete(self.doomed)
        except AppError as error:
            self.errors = field_errors(error)
            return None
        self.doomed = ""
        await self._show()
        return toast_done(f"{self.doomed_name} was deleted")

    def _ask(self, definition_id: str, name: str, consequences: list[str]) -> None:
        self.doomed, self.doomed_name, self.consequences, self.errors = definition_id, name, consequences, {}

    async def _delete(self, definition_id: str) -> None:
        raise NotImplementedError

    async def _show(self) -> None:
        raise NotImplementedError


def deletion_dialog(state: Any, *, what: str, text: str) -> rx.Component:
    """The question; `what` names the kind of definition."""
    return confirm_dialog(
        title=f"Delete the {what} {state.doomed_name}?",
        text=text,
        consequences=state.consequences,
        confirm=f"Delete {what}",
        open_=state.doomed != "",
        on_open_change=state.set_deleting,
        on_confirm=state.delete,
        refusal=state.errors.get("", ""),
    )
