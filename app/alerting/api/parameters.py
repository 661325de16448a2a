"""What the routes of alerting share: callers who are refused before the body is looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.alerting import service
from app.http import SESSION_COOKIE, Caller
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope

PROJECT = "/api/v1/projects/{slug}"


def _editor(actor: Caller) -> Actor:
    actor.require_editor()
    return actor


Editor = Annotated[Actor, Depends(_editor)]
"""The resolved caller of a changing route; Forbidden for viewers and read keys, whatever they sent."""


def _early_caller(slug: str, request: Request) -> Actor:
    with session_scope(write=False) as session:
        return identity.resolve_caller(
            session,
            authorization=request.headers.get("authorization"),
            cookie=request.cookies.get(SESSION_COOKIE),
            project_slug=slug,
            now=SYSTEM_CLOCK.now(),
        )


EarlyCaller = Annotated[Actor, Depends(_early_caller)]
"""The resolved caller of a route that opens its own transactions."""


def _early_editor(slug: str, actor: EarlyCaller) -> Actor:
    with session_scope(write=False) as session:
        service.require_editor_of(session, actor, slug)
    return actor


EarlyEditor = Annotated[Actor, Depends(_early_editor)]
"""An editor, checked in a transaction that has ended before a name server is waited for."""
