"""What ties an event type to others: relations through its fields, and the people who own it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import slug_var
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.drafts import RelationDraft
from app.plan.pages.plan_frame import PlanState
from app.plan.pages.words import text_of
from app.plan.views import EventTypeDetail, RelationView
from components import (
    button,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    section,
    select_input,
    text_input,
    text_link,
    toast_done,
)
from components.inline_edit import form_refusal, icon_button

Choices = list[list[str]]


@dataclass(frozen=True)
class RelationRow:
    """A join in words: this field, the other type and its field."""

    id: str
    here: str
    there: str
    there_href: str
    kind: str


@dataclass(frozen=True)
class OwnerRow:
    """Somebody who must approve merges."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Links:
    """Both lists with what can be chosen for them."""

    relations: list[RelationRow]
    owners: list[OwnerRow]
    members: Choices
    fields: Choices
    targets: Choices


class EventTypeLinksState(PlanState):
    """Relations and owners of the open event type."""

    relations: list[RelationRow] = []
    owners: list[OwnerRow] = []
    member_choices: Choices = []
    field_choices: Choices = []
    target_choices: Choices = []
    is_relating: bool = False
    relation_error: str = ""

    @rx.event
    async def load(self) -> None:
        """Show both lists; the page's own load has found the event type."""
        await self._show()

    @rx.event
    def set_relating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self.is_relating, self.relation_error = is_open, ""

    @rx.event
    async def relate(self, form: dict[str, Any]) -> EventSpec | None:
        """Join one of this type's fields with a field of another type."""
        target_type, _, target_field = text_of(form, "target").partition(":")
        draft = RelationDraft(
            source_event_type_id=self._route_value("event_type_id"),
            target_event_type_id=target_type,
            source_field_id=text_of(form, "source"),
            target_field_id=target_field,
            relation_type=text_of(form, "relation_type") or "belongs_to",
        )
        try:
            await self._call(plan.create_relation, self._slug(), draft, branch=self._branch())
        except AppError as error:
            self.relation_error = error.message
            return None
        self.is_relating = False
        await self._show()
        return toast_done("Relation added")

    @rx.event
    async def unrelate(self, relation_id: str) -> None:
        """Remove a relation; nothing hangs on it."""
        await self._call(plan.delete_relation, self._slug(), relation_id, branch=self._branch())
        await self._show()

    @rx.event
    async def add_owner(self, user_id: str) -> None:
        """Make a person an owner."""
        if user_id:
            await self._call(plan.add_owner, self._slug(), self._route_value("event_type_id"), user_id)
            await self._show()

    @rx.event
    async def remove_owner(self, owner_id: str) -> None:
        """End an ownership."""
        await self._call(plan.remove_owner, self._slug(), self._route_value("event_type_id"), owner_id)
        await self._show()

    async def _show(self) -> None:
        place = self._slug(), self._route_value("event_type_id"), self._branch()
        found = await self._read(links_of, *place)
        self.relations, self.owners = found.relations, found.owners
        self.member_choices, self.field_choices, self.target_choices = found.members, found.fields, found.targets


def links_of(session: Session, actor: Actor, slug: str, event_type_id: str, branch: str) -> Links:
    """Both lists in one read. Errors: NotFound."""
    types = {entry.id: entry for entry in plan.list_event_type_details(session, actor, slug, branch=branch)}
    here = types.get(event_type_id)
    owners = [] if branch else plan.list_owners(session, actor, slug, event_type_id)
    owning = {owner.user_id for owner in owners}
    members = [] if branch else identity.list_users(session, actor)
    return Links(
        relations=_relation_rows(plan.list_relations(session, actor, slug, branch=branch), types, event_type_id, slug, branch),
        owners=[OwnerRow(owner.id, owner.user_name, owner.user_email) for owner in owners],
        members=[[user.id, user.name or user.email] for user in members if user.id not in owning],
        fields=[[field.id, field.display_name] for field in here.field_definitions] if here else [],
        targets=[
            [f"{entry.id}:{field.id}", f"{entry.display_name}: {field.display_name}"]
            for entry in types.values()
            for field in entry.field_definitions
            if entry.id != event_type_id
        ],
    )


def _relation_rows(
    relations: Sequence[RelationView], types: dict[str, EventTypeDetail], event_type_id: str, slug: str, branch: str
) -> list[RelationRow]:
    names = {field.id: field.name for entry in types.values() for field in entry.field_definitions}
    rows = []
    for relation in relations:
        ends = (
            (relation.source_event_type_id, relation.source_field_id),
            (relation.target_event_type_id, relation.target_field_id),
        )
        if event_type_id not in (ends[0][0], ends[1][0]):
            continue
        here, there = ends if ends[0][0] == event_type_id else (ends[1], ends[0])
        other = types.get(there[0])
        rows.append(
            RelationRow(
                id=relation.id,
                here=names.get(here[1], ""),
                there=f"{other.display_name if other else ''}.{names.get(there[1], '')}",
                there_href=f"{ui_paths.project_event_type(slug, there[0])}{ui_paths.branch_query(branch)}",
                kind=relation.relation_type.replace("_", " ") if here is ends[0] else "referred to by",
            )
        )
    return rows


def relations_section() -> rx.Component:
    """How the event type joins others."""
    state: Any = EventTypeLinksState
    can_relate = state.may_edit & (state.field_choices.length() > 0) & (state.target_choices.length() > 0)
    return section(
        "Relations",
        rx.cond(
            state.relations.length() > 0,
            rx.el.ul(rx.foreach(state.relations, lambda row: _relation(state, row)), class_name="people"),
            empty_state("No relations", "A relation says which field points at a field of another event type."),
        ),
        _relation_dialog(state),
        actions=[rx.cond(can_relate, button("Add relation", small=True, on_click=state.set_relating(True)), rx.fragment())],
    )


def _relation(state: Any, row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.el.code(row.here), rx.el.span(f" {row.kind} ", class_name="muted"), text_link(row.there, href=row.there_href)
        ),
        rx.cond(state.may_edit, icon_button("x", f"Remove the relation to {row.there}", state.unrelate(row.id)), rx.fragment()),
        class_name="person",
    )


def _relation_dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Field of this type", select_input(state.field_choices, field_id="source", name="source"), field_id="source"
            ),
            form_field(
                "Kind",
                text_input(field_id="relation_type", name="relation_type", default_value="belongs_to"),
                field_id="relation_type",
                hint="For example belongs_to or has_many.",
            ),
            form_field(
                "Field of the other type", select_input(state.target_choices, field_id="target", name="target"), field_id="target"
            ),
            form_refusal(state.relation_error),
            dialog_actions(
                button("Cancel", on_click=state.set_relating(False)), button("Add relation", kind="primary", type="submit")
            ),
            on_submit=state.relate,
            reset_on_submit=False,
        ),
        title="Add a relation",
        open_=state.is_relating,
        on_open_change=state.set_relating,
    )


def owners_section() -> rx.Component:
    """Whose approval merges need that touch the event type; kept on main."""
    state: Any = EventTypeLinksState
    listed = rx.cond(
        state.owners.length() > 0,
        rx.el.ul(rx.foreach(state.owners, lambda row: _owner(state, row)), class_name="people"),
        empty_state("No owners", "Owners must approve a merge that changes this event type."),
    )
    add = select_input(
        rx.Var.create([["", "Add an owner"]]).to(list[list[str]]) + state.member_choices,
        field_id="add-owner",
        label="Add an owner",
        value="",
        on_change=state.add_owner,
    )
    away = rx.el.p(
        "Owners are kept on main. ",
        text_link("Show it there", href=ui_paths.project_event_types(slug_var())),
        class_name="muted away-note",
    )
    return section(
        "Owners",
        rx.cond(state.is_main, rx.fragment(listed, rx.cond(state.may_edit, rx.el.div(add, class_name="aside-form"), "")), away),
    )


def _owner(state: Any, row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.name, rx.el.span(row.email, class_name="cell-sub")),
        rx.cond(state.may_edit, icon_button("x", f"Remove {row.name}", state.remove_owner(row.id)), rx.fragment()),
        class_name="person",
    )
