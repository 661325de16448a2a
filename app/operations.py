"""Routes for operators and for tools: health, readiness, metrics, the merged API description and its page."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from app.api_description import complete
from app.eventstore.service import get_event_store
from app.ingest.asgi import ingest_health, kafka_state
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.kernel.telemetry import render
from app.security.api.health import answer_preflight, keyed_health

_STARTED = time.monotonic()
_HEALTHY = "healthy"


def product_version() -> str:
    """The installed version."""
    return package_version("plumbline")


def _database_state() -> str:
    try:
        with session_scope(write=False) as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return "unhealthy"
    return _HEALTHY


def _event_store_state() -> str:
    return _HEALTHY if get_event_store().ping() else "unhealthy"


def operations_app(routers: Callable[[], list[APIRouter]]) -> FastAPI:
    """The sub-application; `routers` lists every area's routes for the merged description, built on first use."""
    app = FastAPI(title="Plumbline operations", openapi_url=None, docs_url=None, redoc_url=None)
    described: dict[str, Any] = {}

    @app.get("/healthz", include_in_schema=False)
    @app.get("/v1/healthz", include_in_schema=False)
    def healthz() -> dict[str, object]:
        checks = {
            "database": _database_state(),
            "clickhouse": _event_store_state(),
            "kafka": kafka_state(),
            "redis": _redis_state(),
        }
        is_healthy = all(state in (_HEALTHY, "disabled") for state in checks.values())
        return {
            "status": _HEALTHY if is_healthy else "degraded",
            "success": is_healthy,
            "timestamp": SYSTEM_CLOCK.now().isoformat(),
            "version": product_version(),
            "uptime": round(time.monotonic() - _STARTED, 1),
            "checks": checks,
            "ingest": ingest_health(),
        }

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> JSONResponse:
        states = {"database": _database_state(), "eventstore": _event_store_state()}
        is_ready = all(state == _HEALTHY for state in states.values())
        return JSONResponse(
            {"status": "ready" if is_ready else "not ready", "checks": states}, status_code=200 if is_ready else 503
        )

    @app.get("/health", include_in_schema=False)
    def health(request: Request) -> JSONResponse:
        if _database_state() != _HEALTHY:
            return JSONResponse({"status": "error", "component": "database"}, status_code=503)
        environment = get_settings().runtime.environment.value
        content: dict[str, object] = {
            "status": "ok",
            "service": "plumbline",
            "version": product_version(),
            "timestamp": SYSTEM_CLOCK.now().isoformat(),
            "appName": "Plumbline",
            "mode": environment,
            "debug": environment == "development",
        }
        return keyed_health(request, content) if "x-api-key" in request.headers else JSONResponse(content)

    @app.options("/health", include_in_schema=False)
    def health_preflight(request: Request) -> Response:
        return answer_preflight(request.headers.get("origin"))

    @app.get("/metrics", include_in_schema=False)
    @app.get("/v1/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json", include_in_schema=False)
    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi() -> dict[str, Any]:
        if not described:
            merged = FastAPI()
            for router in routers():
                merged.include_router(router)
            found = get_openapi(title="Plumbline", version=product_version(), routes=merged.routes)
            complete(found)
            described.update(found)
        return described

    @app.get("/docs", include_in_schema=False)
    @app.get("/api/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/api/openapi.json",
            title="Plumbline API",
            swagger_js_url="/api/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/api/docs/static/swagger-ui.css",
            swagger_favicon_url="/favicon.ico",
        )

    app.mount("/api/docs/static", StaticFiles(directory=_swagger_folder()), name="swagger")
    return app


def _redis_state() -> str:
    return "enabled" if get_settings().storage.redis_url.get_secret_value() else "disabled"


def _swagger_folder() -> Path:
    """Swagger's own files, shipped inside a package so that the page needs no other host."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package fastapi-offline is not installed")
    return Path(spec.origin).parent / "static"
