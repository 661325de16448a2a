"""A project with audit records in the real event store, and the job that seals them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.audit import records
from app.audit.contracts import Bucket
from app.audit.shapes import RecordIn
from app.audit_chain import sealing
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from tests.factories import make_project, make_tenant

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Watched:
    """A project on a tenant of its own."""

    slug: str
    bucket: Bucket


@pytest.fixture
def direct(event_store, monkeypatch) -> Any:
    """Records go straight into the store; the road there has tests of its own."""

    def keep(lines, *, is_waiting=False):
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid4()))

    monkeypatch.setattr(records.ingest, "keep_from_thread", keep)
    return event_store


@pytest.fixture
def watched(engine, direct) -> Watched:
    with session_scope() as session:
        project = make_project(session, tenant_id=make_tenant(session).id)
        return Watched(project.slug, Bucket(project.tenant_id, project.id))


def record(name: str = "login", **more: Any) -> RecordIn:
    values = {
        "category": "security",
        "sourceInformation": {"application": "shop", "environment": "prod"},
        "method": "POST",
        "status": "success",
        "level": "info",
        "event": {"name": name, "type": "auth", "latency": 0.1},
        "actor": {"origin": "10.0.0.1", "detail": {"größe": [1, 2.5, None]}},
        "metadata": [{"isMetric": True, "name": "price", "value": 3.3}],
    }
    return RecordIn.model_validate({**values, **more})


def send(bucket: Bucket, count: int = 1, at: datetime = NOW) -> str:
    """One request with so many records; their id."""
    return records.append(bucket, [record(f"login {number}") for number in range(count)], at)


def note(action: str = "event.update", slug: str | None = None, **payload: Any) -> None:
    """One entry of the own trail."""
    with session_scope() as session:
        identity.record_audit(session, SYSTEM_ACTOR, action, "event", "e1", project_slug=slug, payload=payload)


@contextmanager
def turn():
    with session_scope() as session:
        yield session


def seal(now: datetime = NOW, turn: Callable = turn, budget: float = 60.0) -> int:
    """One pass of the job."""
    return sealing.seal_waiting(turn, lambda: now, budget)
