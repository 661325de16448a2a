"""What the plan's routes share: the branch, and an editor who is refused before the body is looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.http import Caller
from app.identity.contracts import Actor

PLAN = "/api/v1/projects/{slug}"


def _branch(request: Request) -> str | None:
    """The query parameter `branch`, which the published description leaves out (contract 11.1)."""
    return request.query_params.get("branch") or None


Branch = Annotated[str | None, Depends(_branch)]
"""The branch a route works on; None for main."""


def _editor(actor: Caller) -> Actor:
    actor.require_editor()
    return actor


Editor = Annotated[Actor, Depends(_editor)]
"""The resolved caller of a changing route; Forbidden for viewers and read keys, whatever they sent."""
