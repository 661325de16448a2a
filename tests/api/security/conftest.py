"""A client of the security surface in front of the real event store, with a clock that moves only when told to."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.identity.contracts import IngestKind, IngestScope, TenantPlan
from app.ingest import service as ingest
from app.kernel.crypto import sha256_hex
from app.kernel.database import session_scope
from app.security.api import gate
from models.identity import IngestKey
from tests.factories import make_project, make_tenant


@dataclass
class SecurityClient:
    """Sends requests with the key of one project."""

    http: Any
    token: str
    tenant_id: str
    project_id: str
    key_id: str

    def call(self, method: str, path: str, **details: Any) -> httpx.Response:
        headers = {"X-API-Key": self.token, **details.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **details)

    def collect(self, event: str, **details: Any) -> httpx.Response:
        return self.call("POST", "/collect", json={"event": event, **details})


@pytest.fixture
def security(client, event_store, clock, monkeypatch) -> Callable[..., SecurityClient]:
    """Makes a tenant on the plan with a project and a key: `security(TenantPlan.FREE)`."""

    async def keep(lines, *, is_waiting: bool = False) -> None:
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid.uuid4()))

    monkeypatch.setattr(ingest, "keep", keep)
    monkeypatch.setattr(gate.Watch, "clock", clock)
    monkeypatch.setattr(gate.RATES, "_counts", {})

    def make(plan: TenantPlan = TenantPlan.PRO, scope: IngestScope = IngestScope.APPEND) -> SecurityClient:
        token = f"key-{uuid.uuid4()}"
        with session_scope() as session:
            project = make_project(session, tenant_id=make_tenant(session, plan).id)
            key = IngestKey(
                tenant_id=project.tenant_id, project_id=project.id, kind=IngestKind.SECURITY, scope=scope, name="Agent key",
                key_prefix=token[:8], token_hash=sha256_hex(token),
            )  # fmt: skip
            session.add(key)
            session.flush()
            return SecurityClient(client, token, project.tenant_id, project.id, key.id)

    return make


def book_events(caller: SecurityClient, amount: int, clock) -> None:
    """Use up a part of the caller's month."""
    from app.security.plans import month_start
    from app.security.repository import accounts

    with session_scope() as session:
        accounts.take_quota(session, caller.tenant_id, month_start(clock.now()), amount, None)
