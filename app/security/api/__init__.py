"""The routes of the security surface in its dialect, and those of the product itself under `/api/`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http import area_app
from app.security.api import actor_scores, alerts, collect, dialect, events, origins, threat_models, webhooks

__all__ = ["application", "router"]

OWN_PREFIX = "/api/"

router = APIRouter()
for _part in (collect, events, alerts, webhooks, origins, threat_models, actor_scores):
    router.routes.extend(_part.router.routes)  # flat: the edge reads the path of every route


def application(served: APIRouter) -> ASGIApp:
    """Routes under `/api/` answer as the rest of the product does, all others as security clients expect."""
    surface, own = APIRouter(), APIRouter()
    for route in served.routes:
        part = own if getattr(route, "path", "").startswith(OWN_PREFIX) else surface
        part.routes.append(route)
    outer, inner = dialect.application(surface), area_app("Plumbline security", own)

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = inner if scope.get("path", "").startswith(OWN_PREFIX) else outer
        await chosen(scope, receive, send)

    return choose
