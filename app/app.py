"""The composition root: pages, HTTP API, ingest, jobs and their lifespans become one application.

`reflex run` loads `app` from here; production starts from `app.asgi`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import reflex as rx
from fastapi import APIRouter
from starlette.types import ASGIApp

from app import (
    not_found,  # noqa: F401 - registers its page
    operations,
)
from app.alerting import service as alerting
from app.areas import AREAS
from app.edge import Edge
from app.http import area_app
from app.ingest import asgi as ingest
from app.kernel.settings import get_settings
from app.preferences.following import follow_settings, take_up_settings
from app.ui import PAGES, LoginGuard, on_backend_error, on_frontend_error, open_handlers
from components.shell import head
from jobs import channels, scheduler


def _modules_named(name: str) -> list[ModuleType]:
    """`app.<area>.<name>` of every area that has one; importing a pages module registers its pages."""
    return [import_module(f"app.{area}.{name}") for area in AREAS if find_spec(f"app.{area}.{name}") is not None]


_modules_named("pages")
alerting.set_sender(channels.send)  # an area knows no job, so it is told what sends


def _area(router: APIRouter) -> ASGIApp:
    return area_app("Plumbline", router)


def edge(pages: ASGIApp) -> Edge:
    """Everything on one port, with Reflex as the last choice."""
    modules = _modules_named("api")
    routers = [module.router for module in modules]
    return Edge(
        ingest=ingest.handle,
        # A surface with an error dialect of its own builds its application itself.
        areas=[(getattr(module, "application", _area)(module.router), [module.router]) for module in modules],
        operations=operations.operations_app(lambda: routers),
        pages=pages,
    )


@asynccontextmanager
async def background_work() -> AsyncIterator[None]:
    """Ingest accepts before the first request is answered and stops last; jobs run in between."""
    await take_up_settings()
    await ingest.start()
    following = asyncio.create_task(follow_settings())
    try:
        await asyncio.to_thread(scheduler.start, get_settings())
        yield
    finally:
        following.cancel()
        await asyncio.to_thread(scheduler.stop)
        await ingest.stop()


app = rx.App(
    api_transformer=[edge],
    backend_exception_handler=on_backend_error,
    frontend_exception_handler=on_frontend_error,
    head_components=head(),
    stylesheets=[
        "/plumbline.css",
        "/accounts.css",
        "/plan.css",
        "/scans.css",
        "/detection.css",
        "/rules.css",
        "/logs.css",
        "/settings.css",
        "/security.css",
    ],
    html_lang="en",
)
app.add_middleware(LoginGuard(open_handlers()))
app.register_lifespan_task(background_work)
for _page in PAGES.pages:
    app.add_page(_page.component, route=_page.route, title=_page.title, on_load=_page.on_load)
