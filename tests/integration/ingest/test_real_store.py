"""The pipeline in front of the real event store."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from app.ingest.times import milliseconds_of, stored_time
from tests.eventstore_fixtures import event_store, session_event_store, store_process, stored_project  # noqa: F401
from tests.unit.ingest.harness import World, event, principal, serving, until

START = datetime(2026, 1, 2, tzinfo=UTC)


def world_for(store, project) -> World:
    return World(keys={"good": principal(tenant_id=project.tenant_id, project_id=project.project_id)}, store=store)


def test_events_arrive_with_all_their_fields_and_the_refused_ones_in_quarantine(tmp_path, event_store, stored_project):  # noqa: F811
    sent = event(
        id="e1",
        timestamp="2026-01-02T03:04:05.678Z",
        duration=12.5,
        status="ok",
        user_id="u1",
        session_id="s1",
        ip_address="203.0.113.9",
        environment="prod",
        severity="low",
        user_agent='agent "1"',
        custom_attributes={"b": "ü\n\\", "a": [1]},
    )

    async def scenario():
        async with serving(tmp_path, world_for(event_store, stored_project)) as client:
            answer = await client.post([sent, event(id="e2", operation="other"), event(duration=-1)], query="wait=1")
            assert answer.body["processed"] == 2 and answer.body["stored"] is True

    asyncio.run(scenario())
    rows = event_store.recent(stored_project.tenant_id, stored_project.project_id, after=None, limit=10)
    by_id = {row.id: row for row in rows if row.verdict != "quarantined"}
    (refused,) = [row for row in rows if row.verdict == "quarantined"]
    first, second = by_id["e1"], by_id["e2"]
    assert (first.source, first.name, first.value, first.status, first.actor_id) == ("web", "click", 12.5, "ok", "u1")
    assert first.time == datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert json.loads(first.properties) == {"a": [1], "b": "ü\n\\", "user_agent": 'agent "1"'}
    assert (first.verdict, first.verdict_reason) == ("accepted", "")
    assert (second.verdict, second.verdict_reason, second.properties) == ("flagged", "not in plan", "{}")
    assert json.loads(refused.properties)["duration"] == -1 and "duration" in refused.verdict_reason


def test_events_of_twenty_years_fit_into_one_request(tmp_path, event_store, stored_project):  # noqa: F811
    events = [event(id=str(n), timestamp=(START - timedelta(days=29 * n)).isoformat()) for n in range(240)]

    async def scenario():
        async with serving(tmp_path, world_for(event_store, stored_project)) as client:
            assert (await client.post(events, query="wait=1")).body["processed"] == 240

    asyncio.run(scenario())
    groups = event_store.count_groups(
        stored_project.tenant_id, stored_project.project_id, "event", START - timedelta(days=8000), START + timedelta(days=1)
    )
    assert sum(group.count for group in groups) == 240


def test_hostile_values_are_stored_as_what_they_are(tmp_path, event_store, stored_project):  # noqa: F811
    texts = [
        "'; DROP TABLE events; --",
        "\\N",
        "{}",
        "null",
        "\u2028\u2029",
        "😀" * 100,
        '"quoted"',
        "a\\b",
        "%s",
        "\t" and "x",
        "</script>",
    ]
    events = [
        event(id=str(n), operation=text, custom_attributes={text: text, "n": 10**30, "f": 1e-320}) for n, text in enumerate(texts)
    ]

    async def scenario():
        async with serving(tmp_path, world_for(event_store, stored_project)) as client:
            answer = await client.post(events, query="wait=1")
            assert answer.body["processed"] == len(texts), answer.body

    asyncio.run(scenario())
    rows = event_store.recent(stored_project.tenant_id, stored_project.project_id, after=None, limit=50)
    assert {row.id: row.name for row in rows} == {str(n): text for n, text in enumerate(texts)}
    assert {row.id: json.loads(row.properties)[row.name] for row in rows} == {str(n): text for n, text in enumerate(texts)}


def test_a_restart_of_the_store_delays_and_loses_nothing(tmp_path, event_store, store_process, stored_project):  # noqa: F811
    async def scenario():
        world = world_for(event_store, stored_project)
        async with serving(tmp_path, world) as client:
            store_process.kill()
            try:
                assert (await client.post([event(id="a"), event(id="b")])).status == 200
            finally:
                store_process.start()  # from the main thread: the process dies with the thread that started it
            await until(lambda: not list((tmp_path / "wal").rglob("*.wal")), seconds=30)

    asyncio.run(scenario())
    rows = event_store.recent(stored_project.tenant_id, stored_project.project_id, after=None, limit=10)
    assert sorted(row.id for row in rows) == ["a", "b"]


def test_the_ids_of_before_the_start_come_from_a_table_that_was_made_before_refused_ones_had_any(
    tmp_path,
    event_store,  # noqa: F811
    stored_project,  # noqa: F811
):
    command, database = event_store._connected().command, event_store.address.database
    command(f"ALTER TABLE {database}.quarantine DROP COLUMN message_id")
    event_store.ensure_schema(36500)
    refused = {"kind": "event", "received_at": stored_time(milliseconds_of(datetime.now(UTC))), "reason": "r", "raw": "{"}
    rows = [{**refused, **asdict(stored_project), "message_id": one} for one in ("m1", "")]
    event_store.insert_lines("quarantine", b"".join(json.dumps(row).encode() + b"\n" for row in rows), rows=2, token=str(uuid4()))

    async def scenario():
        async with serving(tmp_path, world_for(event_store, stored_project)) as client:
            await client.post([event(id="e1"), event(id="e2")], query="wait=1")

    asyncio.run(scenario())
    after = datetime.now(UTC) - timedelta(minutes=5)
    found = [one for one in event_store.recent_ids(after, 1_000) if one.project_id == stored_project.project_id]
    assert [one.id for one in found[:2]] in (["e1", "e2"], ["e2", "e1"]) and [one.id for one in found[2:]] == ["m1"]
    assert all(one.received_at > milliseconds_of(after) for one in found)
    assert event_store.recent_ids(datetime.now(UTC) + timedelta(hours=1), 1_000) == []
