"""Which sub-application owns a path, found by the path's segments."""

from __future__ import annotations

from starlette.types import ASGIApp


class RouteTree:
    """Route patterns as a tree; a branch that belongs to one application is cut to a leaf.

    A look-up therefore walks only as deep as routes of several applications share a prefix. A fixed segment wins over a
    parameter, as it does when routes are declared in that order.
    """

    __slots__ = ("_children", "_owner", "_parameter")

    def __init__(self) -> None:
        self._children: dict[str, RouteTree] = {}
        self._parameter: RouteTree | None = None
        self._owner: ASGIApp | None = None

    def add(self, pattern: str, application: ASGIApp) -> None:
        """Give a pattern such as `/api/v1/projects/{slug}` to an application; the first one to ask keeps it."""
        node = self
        for segment in pattern.strip("/").split("/"):
            if segment.startswith("{"):
                node._parameter = node._parameter or RouteTree()
                node = node._parameter
            else:
                node = node._children.setdefault(segment, RouteTree())
        node._owner = node._owner or application

    def prune(self) -> set[ASGIApp]:
        """Cut branches of one owner to leaves; the owners found. Call once, after the last `add`."""
        owners = {self._owner} if self._owner else set()
        for child in (*self._children.values(), *([self._parameter] if self._parameter else [])):
            owners |= child.prune()
        if len(owners) == 1:
            self._children, self._parameter, self._owner = {}, None, next(iter(owners))
        return owners

    def find(self, path: str) -> ASGIApp | None:
        """The owner of the path, or None when no pattern leads there."""
        node = self
        for segment in path.strip("/").split("/"):
            if not node._children and node._parameter is None:
                break
            following = node._children.get(segment) or node._parameter
            if following is None:
                return None
            node = following
        return node._owner
