"""The composition root: pages, HTTP API, ingest, jobs and their lifespans become one application.

`reflex run` loads `app` from here; production starts from `app.asgi`.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import reflex as rx

from app.edge import ASGIApp, Edge
from app.ui import PAGES, LoginGuard, on_backend_error, on_frontend_error, open_handlers

from components.shell import head


def _optional(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(("app", "jobs", "components")):
            raise
        print("absent:", name, error)
        return None


AREAS = [module for area in ("identity", "projects", "plan", "scans", "metrics", "detection") if (module := _optional(f"app.{area}.api"))]
import os
for _area in os.environ.get("PL_ONLY", "identity,projects,plan,scans,metrics,detection,ingest").split(","):
    _optional(f"app.{_area}.pages")


def edge(pages: ASGIApp) -> Edge:
    """Everything on one port, with Reflex as the last choice."""
    from app.http import area_app

    areas = [(area_app(module.__name__, module.router), [module.router]) for module in AREAS]
    ingest = _optional("app.ingest.asgi")
    operations = _optional("app.operations")

    async def absent(scope, receive, send):
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return Edge(
        ingest=ingest.handle if ingest else absent,
        areas=areas,
        operations=operations.operations_app(lambda: [module.router for module in AREAS]) if operations else absent,
        pages=pages,
    )


@asynccontextmanager
async def _ingest() -> AsyncIterator[None]:
    yield


app = rx.App(
    api_transformer=[edge],
    backend_exception_handler=on_backend_error,
    frontend_exception_handler=on_frontend_error,
    head_components=head(),
    stylesheets=["/plumbline.css"],
    html_lang="en",
)
app.add_middleware(LoginGuard(open_handlers()))
app.register_lifespan_task(_ingest)
for _entry in PAGES.pages:
    app.add_page(_entry.component, route=_entry.route, title=_entry.title, on_load=_entry.on_load)
