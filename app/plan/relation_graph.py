"""Where event types and their relations stand when they are drawn: columns by dependency, rows so that lines cross little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NODE_WIDTH: Final = 176
NODE_HEIGHT: Final = 44
COLUMN_GAP: Final = 132
ROW_GAP: Final = 28
MARGIN: Final = 12
_SWEEPS: Final = 4


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation from one event type to another; `label` says through which fields."""

    id: str
    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """The upper left corner of a node, in pixels."""

    id: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """An SVG path from the source's edge to the target's, and where its label stands."""

    id: str
    path: str
    label: str
    label_x: int
    label_y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything placed, and the size of the canvas. Empty without relations."""

    nodes: list[PlacedNode]
    edges: list[PlacedEdge]
    width: int
    height: int


def draw(node_ids: Sequence[str], edges: Sequence[Edge]) -> Drawing:
    """Place the nodes that take part in a relation, in a fixed way for the same input. Edges to unknown nodes are left out."""
    known = set(node_ids)
    edges = [edge for edge in edges if edge.source in known and edge.target in known]
    joined = {end for edge in edges for end in (edge.source, edge.target)}
    ids = [node for node in dict.fromkeys(node_ids) if node in joined]
    if not ids:
        return Drawing([], [], 0, 0)
    columns = _ordered(_columns(ids, edges), edges)
    tallest = max(map(len, columns))
    step = NODE_HEIGHT + ROW_GAP
    places: dict[str, tuple[int, int]] = {}
    for number, column in enumerate(columns):
        top = MARGIN + (tallest - len(column)) * step // 2
        for row, node in enumerate(column):
            places[node] = (MARGIN + number * (NODE_WIDTH + COLUMN_GAP), top + row * step)
    return Drawing(
        nodes=[PlacedNode(node, *places[node]) for node in ids],
        edges=[_line(edge, places) for edge in edges],
        width=2 * MARGIN + len(columns) * NODE_WIDTH + (len(columns) - 1) * COLUMN_GAP,
        height=2 * MARGIN + tallest * step - ROW_GAP,
    )


def _columns(ids: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Every node one column right of the furthest node that refers to it; an edge that closes a circle does not count."""
    following: dict[str, list[str]] = {node: [] for node in ids}
    for edge in edges:
        if edge.source != edge.target:
            following[edge.source].append(edge.target)
    depth = dict.fromkeys(ids, 0)
    finished: list[str] = []
    state: dict[str, int] = {}
    forward: dict[str, list[str]] = {node: [] for node in ids}
    for start in ids:
        stack = [(start, iter(following[start]))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            node, rest = stack[-1]
            after = next(rest, None)
            if after is None:
                state[node] = 2
                finished.append(node)
                stack.pop()
            elif state.get(after) != 1:  # an edge back into the open path would close a circle
                forward[node].append(after)
                if after not in state:
                    state[after] = 1
                    stack.append((after, iter(following[after])))
    for node in reversed(finished):
        for after in forward[node]:
            depth[after] = max(depth[after], depth[node] + 1)
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in ids:
        columns[depth[node]].append(node)
    return columns


def _ordered(columns: list[list[str]], edges: Sequence[Edge]) -> list[list[str]]:
    """Rows by the mean row of the neighbours, swept to and fro (barycentre heuristic of layered drawing)."""
    neighbours: dict[str, list[str]] = {}
    for edge in edges:
        neighbours.setdefault(edge.source, []).append(edge.target)
        neighbours.setdefault(edge.target, []).append(edge.source)
    rows: dict[str, float] = {node: row for column in columns for row, node in enumerate(column)}
    for sweep in range(_SWEEPS):
        order = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for number in order:
            columns[number] = sorted(columns[number], key=lambda node: (_mean_row(node, neighbours, rows), rows[node]))
            for row, node in enumerate(columns[number]):
                rows[node] = row
    return columns


def _mean_row(node: str, neighbours: Mapping[str, list[str]], rows: Mapping[str, float]) -> float:
    near = [rows[other] for other in neighbours.get(node, ()) if other != node]
    return sum(near) / len(near) if near else rows[node]


def _line(edge: Edge, places: Mapping[str, tuple[int, int]]) -> PlacedEdge:
    (from_x, from_y), (to_x, to_y) = places[edge.source], places[edge.target]
    middle = NODE_HEIGHT // 2
    if to_x > from_x:
        start, end = (from_x + NODE_WIDTH, from_y + middle), (to_x, to_y + middle)
        bend = (end[0] - start[0]) // 2
        path = f"M{start[0]} {start[1]} C{start[0] + bend} {start[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}"
        # Beside the source: further on a long line may pass behind other nodes.
        share = COLUMN_GAP / 2 / (end[0] - start[0])
        rise = round((end[1] - start[1]) * share * share * (3 - 2 * share))
        return PlacedEdge(edge.id, path, edge.label, start[0] + COLUMN_GAP // 2, start[1] + rise - 6)
    start, end = (from_x + NODE_WIDTH // 2, from_y), (to_x + NODE_WIDTH // 2, to_y + NODE_HEIGHT)
    lift = min(start[1], end[1]) - ROW_GAP
    path = f"M{start[0]} {start[1]} C{start[0]} {lift} {end[0]} {end[1] + ROW_GAP} {end[0]} {end[1]}"
    return PlacedEdge(edge.id, path, edge.label, (start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
