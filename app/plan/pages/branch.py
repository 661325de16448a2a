"""One branch under review: its steps, what blocks the merge, its changes, conflicts and discussion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame, slug_var
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.plan.branching import service as branching
from app.plan.merge import Choice
from app.plan.pages.branch_parts import (
    changes_section,
    checks_section,
    conflicts_section,
    discussion,
    problems,
    reviewers_section,
    steps,
)
from app.plan.pages.branch_view import BranchPage, branch_page_data, merge_problems
from app.plan.photos import files
from app.plan.review import BranchAction
from app.plan.snapshot import EntityType
from app.presentation import Phase
from app.ui import page
from components import Crumb, badge, button, link_button, notice, page_header, toast_done, toast_failed
from components.inline_edit import confirm_dialog

_DONE = {
    BranchAction.SUBMIT: "Submitted for review",
    BranchAction.APPROVE: "Approved",
    BranchAction.REQUEST_CHANGES: "Changes requested",
    BranchAction.REOPEN: "Reopened as a draft",
    BranchAction.CLOSE: "Closed",
}


class BranchState(LoadedState):
    """The open review."""

    view: BranchPage = BranchPage()
    problems: list[str] = []
    is_deleting: bool = False
    reply_to: str = ""
    comment_error: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address; main is the plan itself, and its address leads there."""
        if self._begin(f"branch/{'/'.join(self._place())}"):
            self.view, self.problems, self.reply_to, self.comment_error = BranchPage(), [], "", ""
            self.is_deleting = False
            yield None
        with self._loading():
            await self._enter()
            await self._show()
        if self.phase == Phase.READY and self.view.is_main:
            self.phase = Phase.LOADING.value
            yield rx.redirect(ui_paths.project_events(self._slug()), replace=True)

    @rx.event
    async def step(self, action: str) -> EventSpec | None:
        """Move the review along."""
        if action not in list(BranchAction):
            return None
        self.problems = []
        refusal = await self._try(branching.transition_branch, BranchAction(action))
        return refusal or toast_done(_DONE[BranchAction(action)])

    @rx.event
    async def merge(self) -> EventSpec | None:
        """Merge into main; a refusal is told in sentences."""
        self.problems = []
        try:
            await self._call(branching.merge_branch, *self._place())
        except AppError as error:
            self.problems = merge_problems(error, await self._read(_names))
            await self._show()
            return None
        await self._show()
        return toast_done("Merged into main")

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Ask before the branch goes, or close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> EventSpec:
        """Delete the branch and go back to the list; files of its photos go once nothing names them."""
        try:
            stored = await self._call(branching.delete_branch, *self._place())
        except AppError as error:
            return toast_failed(error.message)
        self.is_deleting = False
        await asyncio.to_thread(files.remove_unreferenced, stored)
        return rx.redirect(ui_paths.project_branches(self._slug()))

    @rx.event
    async def ask_reviewer(self, user_id: str) -> EventSpec | None:
        """Ask a person to review."""
        return await self._try(branching.add_reviewer, user_id) if user_id else None

    @rx.event
    async def drop_reviewer(self, user_id: str) -> EventSpec | None:
        """Ask the person no longer."""
        return await self._try(branching.remove_reviewer, user_id)

    @rx.event
    async def choose(self, event_type: str, attribute: str, choice: str) -> EventSpec | None:
        """Whose value an attribute takes."""
        return await self._try(
            branching.save_resolution,
            entity_type=EntityType.EVENT_TYPE.value,
            entity_name=event_type,
            field_name=attribute,
            choice=Choice(choice),
        )

    @rx.event
    def reply(self, comment_id: str) -> None:
        """Open the form under a remark, or close it."""
        self.reply_to, self.comment_error = comment_id, ""

    @rx.event
    async def comment(self, form: dict[str, Any]) -> None:
        """Write a remark, or a reply where one was opened."""
        try:
            await self._call(branching.create_comment, *self._place(), str(form.get("body", "")), parent_id=self.reply_to or None)
        except AppError as error:
            self.comment_error = error.message
            return
        self.reply_to, self.comment_error = "", ""
        await self._show()

    @rx.event
    async def delete_comment(self, comment_id: str) -> EventSpec | None:
        """Delete a remark with its replies."""
        return await self._try(branching.delete_comment, comment_id)

    def _place(self) -> tuple[str, str]:
        return self._slug(), self._route_value("branch_id")

    async def _try(self, change: Any, *args: Any, **kwargs: Any) -> EventSpec | None:
        """Make a change of the review and show what became of it; a refusal becomes a message."""
        refusal = None
        try:
            await self._call(change, *self._place(), *args, **kwargs)
        except AppError as error:
            refusal = toast_failed(error.message)
        await self._show()
        return refusal

    async def _show(self) -> None:
        self.view = await self._read(branch_page_data, *self._place(), self._zone())


def _names(session: Session, actor: Actor) -> dict[str, str]:
    return {user.id: user.name or user.email for user in identity.list_users(session, actor)}


@page(route="/p/[slug]/branches/[branch_id]", title="Branch · Plumbline", on_load=BranchState.load)
def branch_page() -> rx.Component:
    """The page."""
    state: Any = BranchState
    view = state.view
    slug = slug_var()
    plan_link = link_button("Open the plan on this branch", href=view.plan_href)
    return project_frame(
        page_body(
            state,
            page_header(
                view.name,
                rx.cond(view.may_edit, button("Delete", kind="quiet", on_click=state.set_deleting(True)), rx.fragment()),
                rx.cond(view.is_open, plan_link, rx.fragment()),
                steps(state),
                beside=badge(view.status_word, view.tone, dot=True),
                note=rx.fragment(rx.cond(view.description != "", f"{view.description_sentence} ", ""), view.origin),
            ),
            problems(state),
            rx.cond(
                view.is_behind & view.is_open,
                notice("Main has moved on since this branch was made. What changed only there is kept by the merge."),
                rx.fragment(),
            ),
            rx.el.div(
                rx.el.div(
                    conflicts_section(state),
                    changes_section(view, link_button("Revisions", href=ui_paths.project_revisions(slug)), plan_link),
                    discussion(state),
                ),
                rx.el.aside(
                    rx.cond(view.is_open, checks_section(view), rx.fragment()),
                    reviewers_section(state),
                    aria_label="Review",
                ),
                class_name="review",
            ),
            confirm_dialog(
                title=f"Delete the branch {view.name}?",
                text="Its changes, review and discussion are lost. Main stays as it is.",
                consequences=view.losses,
                confirm="Delete branch",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
            ),
            on_retry=state.load,
            what="branch",
            back=link_button("All branches", href=ui_paths.project_branches(slug)),
        ),
        active="branches",
        crumbs=[Crumb("Branches", ui_paths.project_branches(slug)), Crumb(rx.cond(view.name != "", view.name, "Branch"))],
    )
