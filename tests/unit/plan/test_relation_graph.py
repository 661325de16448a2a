"""Where the graph of relations puts its nodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.plan.relation_graph import NODE_HEIGHT, NODE_WIDTH, Edge, draw


def edge(source: str, target: str) -> Edge:
    return Edge(f"{source}-{target}", source, target, "belongs to")


def test_a_type_stands_right_of_every_type_that_refers_to_it() -> None:
    drawing = draw(
        ["order", "line", "product", "customer"], [edge("line", "order"), edge("line", "product"), edge("order", "customer")]
    )
    x = {node.id: node.x for node in drawing.nodes}
    assert x["line"] < x["order"] < x["customer"]
    assert x["line"] < x["product"]


def test_types_without_relations_and_relations_to_unknown_types_are_left_out() -> None:
    drawing = draw(["a", "b", "lonely"], [edge("a", "b"), edge("a", "gone")])
    assert {node.id for node in drawing.nodes} == {"a", "b"}
    assert [line.id for line in drawing.edges] == ["a-b"]
    assert draw(["a"], []).nodes == []


def test_circles_and_relations_of_a_type_to_itself_are_drawn() -> None:
    drawing = draw(["a", "b"], [edge("a", "b"), edge("b", "a"), edge("a", "a")])
    assert len(drawing.edges) == 3


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_nodes_never_overlap_and_lie_on_the_canvas(pairs: list[tuple[int, int]]) -> None:
    ids = [str(number) for number in range(13)]
    edges = [Edge(str(number), str(a), str(b), "") for number, (a, b) in enumerate(pairs)]
    drawing = draw(ids, edges)
    assert drawing == draw(ids, edges)
    assert len({(node.x, node.y) for node in drawing.nodes}) == len(drawing.nodes)
    for node in drawing.nodes:
        assert 0 <= node.x <= drawing.width - NODE_WIDTH
        assert 0 <= node.y <= drawing.height - NODE_HEIGHT
    for one in drawing.nodes:
        for other in drawing.nodes:
            if one.id != other.id and one.x == other.x:
                assert abs(one.y - other.y) >= NODE_HEIGHT
