"""A client of the log API in front of the real event store, with a pipeline of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.identity.contracts import IngestKind, IngestScope
from app.ingest.validation import ProjectChecks
from app.kernel.crypto import sha256_hex
from app.kernel.database import session_scope
from app.logs import api
from app.logs.access import SecondRate
from models.identity import IngestKey
from tests.factories import make_project, make_tenant
from tests.unit.ingest.harness import World, serving


@dataclass
class LogClient:
    """Sends requests with the token of one project."""

    http: httpx.AsyncClient
    token: str

    async def call(self, method: str, path: str, **details: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **details.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **details)

    async def append(self, name: str, *rows: object, **details: Any) -> httpx.Response:
        body = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
        return await self.call("POST", f"/v0/events?name={name}&wait=true", content=body, **details)

    async def pipe(self, name: str, **parameters: object) -> dict[str, Any]:
        answer = await self.call("GET", f"/v0/pipes/{name}.json", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sql(self, question: str) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/v0/sql", params={"q": f"{question} FORMAT JSON"})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def line(seconds_ago: float = 60, **details: object) -> dict[str, object]:
    """A log line that fits."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        "timestamp": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "server_id": "s1",
        "service": "auth",
        "severity": "ERROR",
        "message": "it broke",
        "error_code": "E1",
        "resource_id": "r1",
        "metadata": "{}",
        **details,
    }


@pytest.fixture
def log_project(engine) -> str:
    """A project in a tenant of its own."""
    with session_scope() as session:
        return make_project(session, tenant_id=make_tenant(session).id).id


@pytest.fixture
def log_token(engine) -> Callable[..., str]:
    """Makes keys."""
    from models.projects import Project

    def make(project_id: str, scope: IngestScope = IngestScope.ADMIN, kind: IngestKind = IngestKind.LOGS) -> str:
        token = f"token-{project_id}-{scope}-{kind}"
        with session_scope() as session:
            project = session.get(Project, project_id)
            assert project is not None
            session.add(
                IngestKey(
                    tenant_id=project.tenant_id, project_id=project_id, kind=kind, scope=scope, name="key",
                    key_prefix=token[:8], token_hash=sha256_hex(token),
                )
            )  # fmt: skip
        return token

    return make


@pytest.fixture
def logs(tmp_path, event_store, http_application, log_project, log_token, monkeypatch):
    """`async with logs() as client:` serves the API to a client of the project; a scope or a project may be named."""
    monkeypatch.setattr(api, "_rate", SecondRate())

    @asynccontextmanager
    async def serve(
        scope: IngestScope = IngestScope.ADMIN, project_id: str = log_project, checks: ProjectChecks | None = None
    ) -> AsyncIterator[LogClient]:
        async with serving(tmp_path, World(store=event_store, checks=checks)):
            transport = httpx.ASGITransport(app=http_application, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                yield LogClient(http, log_token(project_id, scope))

    return serve
