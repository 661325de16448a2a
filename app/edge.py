"""The outermost application: picks by path who answers, and adds what every answer carries.

Order: ingest (raw ASGI, nothing in its way), the areas' HTTP APIs, operator routes, Reflex. Choosing costs a few dictionary
look-ups however many routes there are, because only the one chosen sub-application walks its own short route table.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge_headers import Headers, content_security_policy, is_foreign_origin
from app.ingest.dialects import routes as dialects
from app.kernel.telemetry import HTTP_DURATION, HTTP_REQUESTS
from app.route_tree import RouteTree
from app.ui_paths import HOME

INGEST_PATHS = frozenset({"/v1/events"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPERATIONS_PATHS = frozenset(
    {
        "/healthz",
        "/readyz",
        "/health",
        "/metrics",
        "/v1/healthz",
        "/v1/metrics",
        "/openapi.json",
        "/api/openapi.json",
        "/docs",
        "/api/docs",
    }
)
DOCS_FILES = "/api/docs/static/"
COOKIE_SEGMENTS = frozenset({"api", "session"})
SURFACE_SEGMENTS = frozenset({"v1", "v0", "collect", "events", "alerts", "webhooks", "agent", "auth", "users", "audit"})
API_SEGMENTS = COOKIE_SEGMENTS | SURFACE_SEGMENTS
# Each surface also answers below a prefix of its own, so that a client gets a base address that is only its.
DIALECT_PATHS = frozenset(dialects.PATHS)
SURFACE_PREFIXES = frozenset({"driftlock", "tinybird", "litesoc", "spectratrace"})
# Who tells a client of a surface, in the surface's own words, that a path is unknown: the owner of one of its paths.
_SPOKESMEN = {
    "v1": "/v1/anomalies",
    "driftlock": "/v1/anomalies",
    "tinybird": "/v0/pipes",
    "litesoc": "/alerts",
    "spectratrace": "/audit/log",
}
# Reflex's own routes that no page of ours uses; an upload would be open to anyone.
CLOSED_SEGMENTS = frozenset({"_upload", "_all_routes", "auth-codespace"})
REFLEX_SEGMENTS = frozenset({"_event", "_health", "ping"})
CLIENT_GONE = 499
MAX_REQUEST_ID = 128

log = logging.getLogger("plumbline.edge")


@dataclass(frozen=True, slots=True)
class _Choice:
    """Who answers, with which scope, and which headers the answer gains. `logs_faults` when they log their own failures."""

    application: ASGIApp
    scope: Scope
    headers: Headers
    logs_faults: bool = False


class Edge:
    """One ASGI application from ingest, areas, operator routes and Reflex."""

    def __init__(
        self, *, ingest: ASGIApp, areas: Iterable[tuple[ASGIApp, list[APIRouter]]], operations: ASGIApp, pages: ASGIApp
    ) -> None:
        self._ingest = ingest
        self._operations = operations
        self._pages = pages
        self._tree = RouteTree()
        for application, routers in areas:
            for router in routers:
                for route in router.routes:
                    self._tree.add(route.path, application)  # type: ignore[attr-defined]
        self._tree.prune()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif scope["path"] in INGEST_PATHS:
            await _answer(_Choice(self._ingest, scope, _NO_HEADERS, logs_faults=True), receive, send)
        else:
            scope = _without_surface_prefix(scope)
            await _answer(self._choose(scope, scope["path"]), receive, send)

    def _choose(self, scope: Scope, path: str) -> _Choice:
        if path.rstrip("/") in INGEST_PATHS:
            return _Choice(self._ingest, scope, _NO_HEADERS, logs_faults=True)
        if path.rstrip("/") in DIALECT_PATHS and (scope["method"] in ("POST", "OPTIONS") or path not in OPERATIONS_PATHS):
            return _Choice(dialects.handle, scope, _NO_HEADERS, logs_faults=True)
        if path in OPERATIONS_PATHS or path.startswith(DOCS_FILES):
            return _Choice(_answering_head(self._operations, scope), scope, [*SECURITY_HEADERS, *content_security_policy(path)])
        first = path[1:].partition("/")[0]
        if first in API_SEGMENTS or first in SURFACE_PREFIXES:
            return self._choose_area(scope, path, first)
        if first in CLOSED_SEGMENTS:
            return _Choice(_refusal(404, "Not Found"), scope, SECURITY_HEADERS)
        return self._choose_page(scope, path, first)

    def _choose_area(self, scope: Scope, path: str, first: str) -> _Choice:
        headers = [*SECURITY_HEADERS, (b"cache-control", b"no-store")]
        # The other surfaces know no cookie: a key is sent on purpose, and their clients may be pages of other sites.
        if first in COOKIE_SEGMENTS and scope["method"] not in SAFE_METHODS and is_foreign_origin(scope):
            return _Choice(_refusal(403, "This request comes from another site"), scope, headers)
        if path.endswith("/"):
            path = path.rstrip("/")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        application = self._tree.find(path) or self._tree.find(_SPOKESMEN.get(first, path))
        if application is None:
            return _Choice(_refusal(404, "Not Found"), scope, headers)
        return _Choice(_answering_head(application, scope), scope, headers, logs_faults=True)

    def _choose_page(self, scope: Scope, path: str, first: str) -> _Choice:
        if path == "/":
            return _Choice(_redirect(HOME), scope, SECURITY_HEADERS)
        if first == "assets":  # named by content, so that a name never gets other content
            return _Choice(self._pages, scope, [*SECURITY_HEADERS, (b"cache-control", b"public, max-age=31536000, immutable")])
        if first in REFLEX_SEGMENTS:
            return _Choice(self._pages, scope, SECURITY_HEADERS)
        if "." not in path.rpartition("/")[2] and not path.endswith("/"):
            # The file server would otherwise redirect to an absolute address built from what it believes is our host.
            scope = {**scope, "path": path + "/", "raw_path": path.encode() + b"/"}
        return _Choice(self._pages, scope, [*SECURITY_HEADERS, *content_security_policy(path), (b"cache-control", b"no-cache")])


def _without_surface_prefix(scope: Scope) -> Scope:
    prefix, _, rest = scope["path"][1:].partition("/")
    path = f"/{rest}"
    if prefix in SURFACE_PREFIXES and (rest.partition("/")[0] in SURFACE_SEGMENTS or path in OPERATIONS_PATHS):
        return {**scope, "path": path, "raw_path": path.encode()}
    return scope


async def _answer(choice: _Choice, receive: Receive, send: Send) -> None:
    started = time.perf_counter()
    request_id = _request_id(choice.scope)
    scope = {**choice.scope, "state": {**choice.scope.get("state", {}), "request_id": request_id.decode("ascii")}}
    extra = [(b"x-request-id", request_id), *choice.headers]
    status = 0

    async def send_with_headers(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            message = {**message, "headers": _merged(message.get("headers", ()), extra, status)}
        await send(message)

    try:
        await choice.application(scope, receive, send_with_headers)
    except Exception:
        if not (status and choice.logs_faults):
            log.exception("request failed", extra={"request_id": request_id.decode("ascii"), "path": scope["path"]})
        if not status:
            await _refusal(500, "Internal server error", request_id.decode("ascii"))(scope, receive, send_with_headers)
    finally:
        _count(scope["method"], status or CLIENT_GONE, time.perf_counter() - started)


SECURITY_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-xss-protection", b"0"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_NO_HEADERS: Headers = []


def _merged(present: Iterable[tuple[bytes, bytes]], extra: Headers, status: int) -> Headers:
    """The answer's headers with ours added; what the application set itself stays, and errors are never cached."""
    headers = list(present)
    names = {name.lower() for name, _ in headers}
    for name, value in extra:
        if name not in names:
            headers.append((name, b"no-store" if name == b"cache-control" and status >= 400 else value))
    return headers


def _request_id(scope: Scope) -> bytes:
    """The client's own id when it is short and printable, else a random one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if 0 < len(value) <= MAX_REQUEST_ID and all(33 <= byte <= 126 for byte in value):
                return bytes(value)
            break
    return os.urandom(12).hex().encode()


_COUNTERS: dict[tuple[str, int], Any] = {}
_TIMERS: dict[str, Any] = {}
_COUNTED_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _count(method: str, status: int, seconds: float) -> None:
    if method not in _COUNTED_METHODS:
        method = "OTHER"  # a client must not be able to make a time series per invented method
    counter = _COUNTERS.get((method, status))
    if counter is None:
        counter = _COUNTERS[method, status] = HTTP_REQUESTS.labels(method, str(status))
    counter.inc()
    timer = _TIMERS.get(method)
    if timer is None:
        timer = _TIMERS[method] = HTTP_DURATION.labels(method)
    timer.observe(seconds)


def _refusal(status: int, detail: str, request_id: str | None = None) -> ASGIApp:
    content = {"detail": detail} if request_id is None else {"detail": detail, "request_id": request_id}
    return _fixed(status, json.dumps(content).encode(), [(b"content-type", b"application/json")])


def _redirect(location: str) -> ASGIApp:
    return _fixed(307, b"", [(b"location", location.encode())])


def _fixed(status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return application


def _answering_head(application: ASGIApp, scope: Scope) -> ASGIApp:
    """The application; for HEAD one that answers like GET without the body, because FastAPI itself would refuse it."""
    if scope["method"] != "HEAD":
        return application

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await application({**scope, "method": "GET"}, receive, send_without_body)

    return answer
