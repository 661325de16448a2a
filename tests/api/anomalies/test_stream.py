"""Anomalies as server-sent events: nothing is lost between two connections, nothing is told to whom it does not belong."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from app.anomalies import api, service
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from models.anomalies import StreamAnomaly
from models.identity import Tenant
from tests.api.anomalies.test_anomalies import Shop, shop  # noqa: F401
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(api, "LOOK_SECONDS", 0.05)


def note(shop, ago: timedelta = timedelta()) -> str:  # noqa: F811
    moment = SYSTEM_CLOCK.now() - ago
    row = StreamAnomaly(
        id=f"anomaly_{new_id()}", tenant_id=shop.stream.tenant_id, project_id=shop.stream.project_id, service="api",
        window_end_id=new_id(), timestamp=moment, severity="high", confidence=0.9, type="behavioral", description="d",
        indicators=[], evidence={}, timeline=[], details={}, created_at=moment, updated_at=moment,
    )  # fmt: skip
    with session_scope(shop.engine) as session:
        session.add(row)
        return row.id


class Reader:
    """A connection to the stream, without a server in between."""

    def __init__(self, shop, last: str = "") -> None:  # noqa: F811
        async def is_disconnected() -> bool:
            return False

        headers = {"authorization": shop.headers["Authorization"], **({"last-event-id": last} if last else {})}
        request = SimpleNamespace(headers=headers, query_params={}, method="GET", is_disconnected=is_disconnected)
        self._events = api._follow(request, api._principal(request))

    async def next(self) -> tuple[str, str, dict]:
        """Id, name and data of the next event; the name is empty at the end."""
        try:
            text = await asyncio.wait_for(anext(self._events), 60)
        except StopAsyncIteration:
            return "", "", {}
        lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
        return lines.get("id", ""), lines["event"], json.loads(lines["data"])


def test_what_was_found_between_two_connections_comes_first_after_the_second(shop):  # noqa: F811
    async def scenario():
        first = Reader(shop)
        assert (await first.next())[1] == "connected"
        seen = note(shop, timedelta(minutes=1))
        assert (await first.next())[:2] == (seen, "anomaly")
        missed = [note(shop, timedelta(seconds=30 - number)) for number in range(3)]

        second = Reader(shop, last=seen)
        assert (await second.next())[1] == "connected"
        assert [(await second.next())[0] for _ in missed] == missed
        later = note(shop)
        assert (await second.next())[0] == later, "and each of them once"

    asyncio.run(scenario())


def test_an_anomaly_of_somebody_else_is_no_place_to_go_on_from(shop, engine, event_store):  # noqa: F811
    neighbour = Shop(engine, event_store)

    async def scenario():
        theirs = note(neighbour, timedelta(minutes=1))
        note(neighbour)
        note(shop)
        reader = Reader(shop, last=theirs)
        assert (await reader.next())[1] == "connected"
        fresh = note(shop)
        note(neighbour)
        assert (await reader.next())[0] == fresh

    asyncio.run(scenario())


def test_the_stream_of_a_tenant_ends_when_it_is_suspended(shop):  # noqa: F811
    async def scenario():
        reader = Reader(shop)
        assert (await reader.next())[1] == "connected"
        with session_scope(shop.engine) as session:
            session.get_one(Tenant, shop.stream.tenant_id).status = "suspended"
        note(shop)
        assert (await reader.next())[1] == ""

    asyncio.run(scenario())


def test_a_connection_ends_after_its_time(shop, monkeypatch):  # noqa: F811
    monkeypatch.setattr(api, "STREAM_SECONDS", 0.1)

    async def scenario():
        reader = Reader(shop)
        assert [(await reader.next())[1] for _ in range(2)] == ["connected", ""]

    asyncio.run(scenario())


def test_unknown_ids_begin_with_what_comes_next(shop):  # noqa: F811
    with session_scope(shop.engine, write=False) as session:
        caller = SimpleNamespace(tenant_id=shop.stream.tenant_id, project_id=shop.stream.project_id)
        assert service.found_after(session, caller, "anomaly_none") == []
