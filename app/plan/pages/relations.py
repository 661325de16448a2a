"""Relations: which event types refer to which through their fields, as a picture and as a table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import reflex as rx
from sqlmodel import Session

from app import ui_paths
from app.frame import slug_var
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.pages.plan_frame import PlanState, plan_body, plan_frame, plan_link
from app.plan.pages.words import plural
from app.plan.relation_graph import NODE_HEIGHT, NODE_WIDTH, Edge, draw
from app.presentation import Phase
from app.ui import page
from components import Column, Crumb, data_table, empty_state, link_button, page_header, row_link

_LONGEST_NAME = 22


@dataclass(frozen=True)
class GraphNode:
    """An event type in the picture."""

    id: str
    x: int
    y: int
    name: str
    note: str
    color: str
    href: str


@dataclass(frozen=True)
class GraphEdge:
    """A relation in the picture."""

    id: str
    path: str
    label: str
    label_x: int
    label_y: int


@dataclass(frozen=True)
class RelationLine:
    """A relation in the table."""

    id: str
    source: str
    href: str
    kind: str
    target: str
    description: str


@dataclass(frozen=True)
class RelationsView:
    """Both, and the size of the picture."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    lines: list[RelationLine]
    width: int
    height: int


class RelationsState(PlanState):
    """The picture of one branch."""

    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []
    lines: list[RelationLine] = []
    width: int = 0
    height: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(f"relations/{self._slug()}/{self._branch()}"):
            yield
        try:
            branch = await self._enter_plan(ui_paths.project_relations(self._slug()))
            found = await self._read(relations_view, self._slug(), branch)
            self.nodes, self.edges, self.lines = found.nodes, found.edges, found.lines
            self.width, self.height = found.width, found.height
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)


def relations_view(session: Session, actor: Actor, slug: str, branch: str) -> RelationsView:
    """Every relation of the branch, placed. Errors: NotFound."""
    types = {entry.id: entry for entry in plan.list_event_type_details(session, actor, slug, branch=branch)}
    fields = {field.id: field for entry in types.values() for field in entry.field_definitions}
    relations = plan.list_relations(session, actor, slug, branch=branch)
    query = ui_paths.branch_query(branch)

    def end(type_id: str, field_id: str) -> str:
        return f"{types[type_id].display_name if type_id in types else ''}.{fields[field_id].name if field_id in fields else ''}"

    drawing = draw(
        list(types),
        [
            Edge(entry.id, entry.source_event_type_id, entry.target_event_type_id, entry.relation_type.replace("_", " "))
            for entry in relations
        ],
    )
    nodes = []
    for place in drawing.nodes:
        entry = types[place.id]
        name = entry.display_name
        nodes.append(
            GraphNode(
                id=place.id,
                x=place.x,
                y=place.y,
                name=name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…",
                note=plural(len(entry.field_definitions), "field"),
                color=entry.color,
                href=f"{ui_paths.project_event_type(slug, entry.id)}{query}",
            )
        )
    return RelationsView(
        nodes=nodes,
        edges=[GraphEdge(edge.id, edge.path, edge.label, edge.label_x, edge.label_y) for edge in drawing.edges],
        lines=[
            RelationLine(
                id=entry.id,
                source=end(entry.source_event_type_id, entry.source_field_id),
                href=f"{ui_paths.project_event_type(slug, entry.source_event_type_id)}{query}",
                kind=entry.relation_type.replace("_", " "),
                target=end(entry.target_event_type_id, entry.target_field_id),
                description=entry.description,
            )
            for entry in relations
        ],
        width=drawing.width,
        height=drawing.height,
    )


@page(route="/p/[slug]/relations", title="Relations · Plumbline", on_load=RelationsState.load)
def relations_page() -> rx.Component:
    """The page."""
    state: Any = RelationsState
    return plan_frame(
        page_header("Relations", note="Which event types refer to which, through their fields."),
        plan_body(state, _graph_or_nothing(state), on_retry=state.load, what="the relations"),
        active="relations",
        crumbs=[Crumb("Relations")],
    )


def _graph_or_nothing(state: Any) -> rx.Component:
    return rx.fragment(rx.cond(state.lines.length() > 0, _graph(state), rx.fragment()), _table(state))


def _graph(state: Any) -> rx.Component:
    arrow = rx.el.svg.marker(
        rx.el.svg.path(d="M0 0 L8 4 L0 8 z", class_name="graph-arrow"),
        id="relation-arrow",
        view_box="0 0 8 8",
        ref_x="8",
        ref_y="4",
        marker_width="7",
        marker_height="7",
        orient="auto-start-reverse",
    )
    return rx.el.div(
        rx.el.svg(
            rx.el.svg.defs(arrow),
            rx.foreach(state.edges, _edge),
            rx.foreach(state.nodes, _node),
            width=state.width,
            height=state.height,
            view_box=f"0 0 {state.width} {state.height}",
            role="group",
            aria_label="Event types joined by their relations; the table below says the same in words",
        ),
        class_name="graph",
        tab_index=0,
        role="region",
        aria_label="Graph of relations",
    )


def _edge(edge: Any) -> rx.Component:
    return rx.el.svg.g(
        rx.el.svg.path(d=edge.path, class_name="graph-edge", marker_end="url(#relation-arrow)"),
        rx.el.svg.text(edge.label, x=edge.label_x, y=edge.label_y, text_anchor="middle", class_name="graph-label"),
        aria_hidden="true",
    )


def _node(node: Any) -> rx.Component:
    shape = {"x": node.x, "y": node.y, "height": NODE_HEIGHT}
    return rx.el.svg.a(
        rx.el.svg.g(
            rx.el.svg.rect(**shape, width=NODE_WIDTH, rx=6, class_name="graph-node"),
            rx.el.svg.rect(**shape, width=4, fill=node.color),
            rx.el.svg.text(node.name, x=node.x + 14, y=node.y + 19, class_name="graph-name"),
            rx.el.svg.text(node.note, x=node.x + 14, y=node.y + 34, class_name="graph-note"),
        ),
        href=node.href,
        aria_label=node.name,
    )


def _table(state: Any) -> rx.Component:
    types = plan_link(ui_paths.project_event_types(slug_var()))
    nothing = empty_state(
        "No relations yet",
        "A relation says which field of an event type points at a field of another. Add one on the page of an event type.",
        link_button("Event types", href=types, kind="primary"),
    )
    columns = [
        Column("Field", lambda row: row_link(row.source, href=row.href)),
        Column("Relation", lambda row: row.kind, secondary=True),
        Column("Points at", lambda row: rx.el.code(row.target)),
        Column("Description", lambda row: row.description, secondary=True),
    ]
    return data_table(columns, state.lines, caption="Relations between event types", empty=nothing)
