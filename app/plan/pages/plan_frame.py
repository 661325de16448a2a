"""What every page of the plan shares: the branch it shows, the switch between branches, and whether the viewer may edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx
from sqlmodel import Session

from app import ui_paths
from app.frame import ProjectState, project_frame, slug_var
from app.identity.contracts import Actor, UserRole
from app.page_states import LoadedState, page_body, phase_here
from app.plan import service as plan
from app.plan.branch_scope import readable_branch
from app.plan.branching import service as branching
from app.plan.pages.words import BRANCH_STATUSES
from app.plan.review import BranchStatus
from components import Crumb, link_button, not_found_state, notice, text_link
from components.branch_bar import branch_banner, branch_switch

MAIN = "main"
NO_BRANCH = "Branch not found"
_FROZEN = (BranchStatus.MERGED, BranchStatus.CLOSED)
_BAD_BRANCH = "The query parameter branch"


@dataclass(frozen=True)
class BranchChoice:
    """An entry of the branch switch."""

    name: str
    note: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Surroundings:
    """The open branch, the others, and what the viewer may do on it."""

    name: str
    status: str
    is_frozen: bool
    is_protected: bool
    may_edit: bool
    choices: list[BranchChoice]


class PlanState(LoadedState):
    """The parent of the states of plan pages. The branch stands in the address as `?branch=<id>`, and nowhere means main."""

    branch_name: str = MAIN
    branch_status: str = ""
    is_main: bool = True
    is_frozen: bool = False
    is_protected: bool = False
    may_edit: bool = False
    branch_href: str = ""
    main_href: str = ""
    branch_choices: list[BranchChoice] = []

    async def _enter_plan(self, path: str) -> str:
        """Load the frame; the id of the branch that services are to work on, empty for main.

        `path` is where another branch leads to: this page when it exists on every branch, else the list it belongs to.
        Errors: NotFound for an unknown project or branch, BadRequest when the address holds no branch id.
        """
        await self._enter()
        branch = self._branch()
        found = await self._read(surroundings, self._slug(), branch, path)
        self.branch_name, self.branch_status, self.is_frozen = found.name, found.status, found.is_frozen
        self.is_main, self.may_edit, self.is_protected = not branch, found.may_edit, found.is_protected
        self.branch_href = ui_paths.project_branch(self._slug(), branch) if branch else ""
        self.main_href = path
        if self.branch_choices != found.choices:
            self.branch_choices = found.choices
        return branch

    def _on_branch(self, path: str) -> str:
        """The path, on the branch that is open."""
        return f"{path}{ui_paths.branch_query(self._branch())}"


def surroundings(session: Session, actor: Actor, slug: str, branch: str, path: str) -> Surroundings:
    """The frame of one branch. Errors: as `readable_branch`."""
    scope = readable_branch(session, actor, slug, branch)
    rows = branching.list_branches(session, actor, slug).items
    current = next((row for row in rows if row.id == scope.branch_id), None)
    status = current.status.value if current and not scope.is_main else ""
    is_frozen = status in _FROZEN
    is_protected = scope.is_main and plan.get_rules(session, actor, slug).protects_main
    choices = [
        BranchChoice(
            name=row.name,
            note="" if row.kind == MAIN else BRANCH_STATUSES[row.status.value],
            href=path if row.kind == MAIN else f"{path}{ui_paths.branch_query(row.id)}",
            is_current=row.id == scope.branch_id,
        )
        for row in rows
        if row.kind == MAIN or row.status not in _FROZEN or row.id == scope.branch_id
    ]
    return Surroundings(
        name=current.name if current else MAIN,
        status=BRANCH_STATUSES.get(status, status).lower(),
        is_frozen=is_frozen,
        is_protected=is_protected,
        may_edit=actor.role in (UserRole.EDITOR, UserRole.OWNER) and not is_frozen and not is_protected,
        choices=choices,
    )


def plan_frame(*children: Any, active: str, crumbs: Sequence[Crumb]) -> rx.Component:
    """The frame of a page that shows one branch of the plan."""
    state: Any = PlanState
    slug = slug_var()
    return project_frame(
        *children,
        active=active,
        crumbs=crumbs,
        tools=branch_switch(state.branch_name, state.branch_choices, state.is_main, ui_paths.project_branches(slug)),
        banner=branch_banner(
            state.branch_name,
            state.branch_status,
            ~state.is_main & (state.user_email != ""),
            state.is_frozen,
            state.branch_href,
            state.main_href,
        ),
    )


def plan_body(state: Any, *content: Any, on_retry: Any, what: str, back: rx.Component | None = None) -> rx.Component:
    """`page_body` for a page of the plan: a branch that is not there is told as such."""
    phase = phase_here(state)
    lost = (state.problem == NO_BRANCH) | state.problem.startswith(_BAD_BRANCH)
    return rx.cond(
        ((phase == "missing") | (phase == "failed")) & lost,
        not_found_state(
            "There is no such branch",
            "It may have been deleted, or the address is mistyped.",
            link_button("All branches", href=ui_paths.project_branches(slug_var())),
        ),
        page_body(
            state,
            rx.cond(
                state.is_protected,
                notice(
                    "Main is protected in this project: change it on a branch.",
                    text_link("Branches", href=ui_paths.project_branches(slug_var())),
                ),
                rx.fragment(),
            ),
            *content,
            on_retry=on_retry,
            what=what,
            back=back,
        ),
    )


def plan_link(path: Any) -> Any:
    """A link to another plan page that keeps the open branch."""
    return f"{path}{ProjectState.plan_query}"
