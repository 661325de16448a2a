"""The composition root: pages, HTTP API, ingest, jobs and their lifespans become one application.

`reflex run` loads `app` from here; production starts from `app.asgi`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import reflex as rx
from starlette.types import ASGIApp

from app import operations
from app.edge import Edge
from app.http import area_app
from app.ingest import asgi as ingest
from app.kernel.settings import get_settings
from app.ui import PAGES, LoginGuard, on_backend_error, on_frontend_error, open_handlers
from components.shell import head
from jobs import scheduler


def _optional(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(("app", "jobs", "components")):
            raise
        print("absent:", name, error)
        return None


AREAS = [module for area in ("identity", "projects", "plan", "scans", "metrics", "detection") if (module := _optional(f"app.{area}.api"))]
for _area in os.environ.get("PL_ONLY", "identity,projects,plan,scans,metrics,detection,ingest").split(","):
    _optional(f"app.{_area}.pages")
_optional("app.not_found")


def edge(pages: ASGIApp) -> Edge:
    """Everything on one port, with Reflex as the last choice."""
    routers = [module.router for module in AREAS]
    return Edge(
        ingest=ingest.handle,
        areas=[(area_app(router_title(router), router), [router]) for router in routers],
        operations=operations.operations_app(lambda: routers),
        pages=pages,
    )


def router_title(router) -> str:
    return "x"


@asynccontextmanager
async def background_work() -> AsyncIterator[None]:
    """Ingest accepts before the first request and is the last to stop; jobs run in between, where this process may run them."""
    await ingest.start()
    try:
        await asyncio.to_thread(scheduler.start, get_settings())
        yield
    finally:
        await asyncio.to_thread(scheduler.stop)
        await ingest.stop()


app = rx.App(
    api_transformer=[edge],
    backend_exception_handler=on_backend_error,
    frontend_exception_handler=on_frontend_error,
    head_components=head(),
    stylesheets=["/plumbline.css", "/accounts.css"],
    html_lang="en",
)
app.add_middleware(LoginGuard(open_handlers()))
app.register_lifespan_task(background_work)
for _entry in PAGES.pages:
    app.add_page(_entry.component, route=_entry.route, title=_entry.title, on_load=_entry.on_load)
