"""The saved views above the catalogue: open one, keep the filters of the moment, forget one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.pages.plan_frame import PlanState
from app.plan.pages.words import text_of
from components import button, dialog, dialog_actions, form_field, text_input, toast_done
from components.inline_edit import icon_button


class SavedViewsState(PlanState):
    """The viewer's own views. Which one is open follows from the address."""

    views: list[list[str]] = []
    is_saving: bool = False
    refusal: str = ""

    @rx.event
    async def load(self) -> None:
        """Load the viewer's views; nobody signed in has none."""
        self.is_saving, self.refusal = False, ""
        try:
            await self._show()
        except AppError:
            # The page itself says what is wrong with the project.
            self.views = []

    @rx.event
    def open_view(self, query: str) -> EventSpec:
        """Go to the filters of a view."""
        path = ui_paths.project_events(self._slug())
        parts = [part for part in (query, ui_paths.branch_query(self._branch()).lstrip("?")) if part]
        return rx.redirect(f"{path}?{'&'.join(parts)}" if parts else path)

    @rx.event
    def set_saving(self, is_open: bool) -> None:
        """Open the form for a name, or close it."""
        self.is_saving, self.refusal = is_open, ""

    @rx.event
    async def save(self, form: dict[str, Any]) -> EventSpec | None:
        """Keep the filters in the address under the name."""
        name = text_of(form, "view_name")
        try:
            await self._call(plan.save_view, self._slug(), name, urlencode(dict(self.router.url.query_parameters)))
        except AppError as error:
            self.refusal = error.message
            return None
        self.is_saving = False
        await self._show()
        return toast_done(f"View {name} saved")

    @rx.event
    async def forget(self, view_id: str) -> None:
        """Delete a view; the events stay as they are."""
        await self._call(plan.delete_saved_view, self._slug(), view_id)
        await self._show()

    async def _show(self) -> None:
        found = await self._read(plan.list_saved_views, self._slug())
        self.views = [[view.id, view.name, view.query] for view in found]


def saved_views(is_filtered: Any) -> rx.Component:
    """The row of views. `is_filtered` says whether there are filters to keep."""
    state: Any = SavedViewsState
    keep = button("Save this view", small=True, on_click=state.set_saving(True))
    return rx.cond(
        (state.views.length() > 0) | is_filtered,
        rx.el.div(
            rx.cond(
                state.views.length() > 0,
                rx.el.ul(
                    rx.foreach(state.views, lambda view: _view(state, view)), class_name="saved-views", aria_label="Saved views"
                ),
                rx.fragment(),
            ),
            rx.cond(is_filtered, keep, rx.fragment()),
            _dialog(state),
            class_name="saved-views-line",
        ),
        rx.fragment(),
    )


def _view(state: Any, view: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(view[1], type="button", on_click=state.open_view(view[2]), class_name="saved-view"),
        icon_button("x", f"Forget the view {view[1]}", state.forget(view[0])),
        key=view[0],
    )


def _dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(field_id="view_name", name="view_name", max_length=60, required=True, auto_focus=True),
                field_id="view_name",
                hint="Search, filters and sort are kept for you. The same name again replaces them.",
                error=state.refusal,
            ),
            dialog_actions(button("Cancel", on_click=state.set_saving(False)), button("Save view", kind="primary", type="submit")),
            on_submit=state.save,
            reset_on_submit=False,
        ),
        title="Save this view",
        open_=state.is_saving,
        on_open_change=state.set_saving,
    )
