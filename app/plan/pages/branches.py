"""Branches: lines of work on the plan, where each stands and who is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.plan.branching import service as branching
from app.plan.pages.words import BRANCH_STATUSES, BRANCH_TONES, text_of
from app.plan.review import BranchStatus
from app.presentation import Phase
from app.ui import field_errors, page
from components import (
    Column,
    Crumb,
    badge,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    page_header,
    row_link,
    text_area,
    text_input,
    time_text,
)
from components.format import ago, iso_utc, local_time
from components.inline_edit import form_refusal

MAIN = "main"


@dataclass(frozen=True)
class BranchRow:
    """A branch as the table shows it."""

    id: str
    name: str
    description: str
    href: str
    status: str
    tone: str
    author: str
    age: str
    age_iso: str
    age_title: str
    reviewers: str


class BranchesState(LoadedState):
    """The list and the form for another branch."""

    rows: list[BranchRow] = []
    may_create: bool = False
    is_creating: bool = False
    errors: dict[str, str] = {}

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(f"branches/{self._slug()}"):
            self.is_creating = False
            yield
        try:
            await self._enter()
            self.rows, self.may_create = await self._read(branch_rows, self._slug(), self._zone())
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self.is_creating, self.errors = is_open, {}

    @rx.event
    async def create(self, form: dict[str, Any]) -> EventSpec | None:
        """Copy main into a branch and open the catalogue on it, where the work begins."""
        name, description = text_of(form, "name"), text_of(form, "description")
        try:
            made = await self._call(branching.create_branch, self._slug(), name, description)
        except AppError as error:
            self.errors = field_errors(error, taken="name")
            return None
        self.is_creating = False
        return rx.redirect(f"{ui_paths.project_events(self._slug())}{ui_paths.branch_query(made.id)}")


def branch_rows(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> tuple[list[BranchRow], bool]:
    """Working branches, open ones first, and whether the viewer may make one."""
    now = SYSTEM_CLOCK.now()
    names = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    rows: list[tuple[bool, BranchRow]] = []
    for branch in branching.list_branches(session, actor, slug).items:
        if branch.kind == MAIN:
            continue
        detail = branching.get_branch(session, actor, slug, branch.id)
        status = branch.status.value
        row = BranchRow(
            id=branch.id,
            name=branch.name,
            description=branch.description,
            href=ui_paths.project_branch(slug, branch.id),
            status=BRANCH_STATUSES[status],
            tone=BRANCH_TONES.get(status, "neutral"),
            author=names.get(branch.created_by or "", "–"),
            age=ago(branch.created_at, now),
            age_iso=iso_utc(branch.created_at),
            age_title=local_time(branch.created_at, zone, now=now),
            reviewers=", ".join(names.get(reviewer.user_id, "–") for reviewer in detail.reviewers),
        )
        rows.append((branch.status in (BranchStatus.MERGED, BranchStatus.CLOSED), row))
    rows.sort(key=lambda entry: entry[0])
    return [row for _, row in rows], actor.role in (UserRole.EDITOR, UserRole.OWNER)


@page(route="/p/[slug]/branches", title="Branches · Plumbline", on_load=BranchesState.load)
def branches_page() -> rx.Component:
    """The page."""
    state: Any = BranchesState
    create = button(
        rx.icon("plus", size=14), "New branch", kind="primary", on_click=state.set_creating(True), custom_attrs={"data-key": "n"}
    )
    return project_frame(
        page_body(
            state,
            page_header(
                "Branches",
                rx.cond(state.may_create & (state.rows.length() > 0), create, rx.fragment()),
                note="Change the plan aside, have it reviewed, then merge it into main.",
            ),
            data_table(
                [
                    Column("Branch", _name),
                    Column("Status", lambda row: badge(row.status, row.tone), width="160px"),
                    Column("Author", lambda row: row.author, secondary=True),
                    Column("Reviewers", _reviewers, secondary=True),
                    Column("Made", lambda row: time_text(row.age, row.age_iso, title=row.age_title), secondary=True, width="120px"),
                ],
                state.rows,
                caption="Branches of the plan",
                empty=rx.cond(
                    state.may_create,
                    empty_state(
                        "No branches yet",
                        "A branch is a copy of the plan. Change what you like on it, main stays as it is until the merge.",
                        create,
                    ),
                    empty_state("No branches yet", "Editors make them to change the plan under review."),
                ),
            ),
            _create_dialog(state),
            on_retry=state.load,
        ),
        active="branches",
        crumbs=[Crumb("Branches")],
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        row_link(row.name, row.href),
        rx.cond(row.description != "", rx.el.span(row.description, class_name="cell-sub"), rx.fragment()),
    )


def _reviewers(row: Any) -> rx.Component:
    return rx.cond(row.reviewers != "", rx.el.span(row.reviewers), rx.el.span("nobody asked", class_name="muted"))


def _create_dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", required=True, auto_focus=True, auto_complete="off"),
                field_id="name",
                hint="For example checkout-redesign.",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "What for (optional)", text_area(field_id="description", name="description", rows=2), field_id="description"
            ),
            form_refusal(state.errors.get("", "")),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)), button("Create branch", kind="primary", type="submit")
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="New branch",
        description="It starts as a copy of main as it is now.",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
