"""POST /v1/events through the ASGI application: contract A.1, A.2, A.7."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.identity.contracts import IngestScope
from app.ingest.process import expire_keys
from app.kernel.telemetry import INGEST_RECORDS
from tests.unit.ingest.harness import TENANT, World, event, principal, serving

NOW = datetime.now(UTC)
DATABASE_DOWN = OperationalError("select", {}, Exception("down"))


def outcome_count(outcome: str, reason: str) -> float:
    return INGEST_RECORDS.labels("events", outcome, reason)._value.get()


def run(scenario):
    asyncio.run(scenario)


def test_events_are_stored_with_their_fields_and_the_counts_answered(tmp_path):
    sent = event(
        id="e1",
        timestamp="2026-01-02T03:04:05.678Z",
        duration=12.5,
        status="success",
        user_id="u1",
        session_id="s1",
        ip_address="203.0.113.9",
        user_agent="agent/1",
        environment="production",
        severity="low",
        custom_attributes={"b": 1, "a": {"d": None, "c": [1, "x"]}},
        region="eu",
    )

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post({"events": [sent]}, headers={"x-tenant-id": TENANT})
            assert (answer.status, answer.body) == (200, {"processed": 1, "failed": 0, "message": "Events processed successfully"})
            assert answer.headers["content-type"] == "application/json"
        (row,) = world.store.events
        received_at = datetime.fromisoformat(row.pop("received_at"))
        assert abs((datetime.now(UTC) - received_at).total_seconds()) < 60
        assert row == {
            "tenant_id": "tenant_1",
            "project_id": "project_1",
            "kind": "event",
            "verdict": "accepted",
            "source": "web",
            "name": "click",
            "time": "2026-01-02T03:04:05.678Z",
            "id": "e1",
            "value": 12.5,
            "actor_id": "u1",
            "session_id": "s1",
            "severity": "low",
            "status": "success",
            "ip": "203.0.113.9",
            "environment": "production",
            "verdict_reason": "",
            "plan_revision": "main+1",
            "properties": '{"a":{"c":[1,"x"],"d":null},"b":1,"region":"eu","user_agent":"agent/1"}',
        }

    run(scenario())


@pytest.mark.parametrize("body", [{"events": [event()]}, [event()], event()], ids=["envelope", "array", "object"])
def test_an_envelope_a_bare_array_and_a_bare_object_are_accepted(tmp_path, body):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post(body)).body["processed"] == 1
        assert len(world.store.events) == 1

    run(scenario())


def test_a_bad_event_is_quarantined_with_its_reason_and_the_others_are_stored(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post({"events": [event(id="a"), event(duration=-1, note="x" * 20_000), 7, event(id="b")]})
        assert answer.status == 200
        assert (answer.body["processed"], answer.body["failed"]) == (2, 2)
        assert [fault["index"] for fault in answer.body["errors"]] == [1, 2]
        assert "duration" in answer.body["errors"][0]["reason"]
        assert [row["id"] for row in world.store.events] == ["a", "b"]
        first, second = world.store.quarantine
        assert first["tenant_id"] == TENANT and "duration" in first["reason"] and len(first["raw"]) == 16_384
        assert second["raw"] == "7"

    run(scenario())


def test_when_every_event_is_bad_all_of_them_count_as_failed_and_are_quarantined(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post({"events": [{"operation": "x"}, {"service": ""}]})
        assert (answer.status, answer.body["processed"], answer.body["failed"]) == (200, 0, 2)
        assert [fault["index"] for fault in answer.body["errors"]] == [0, 1]
        assert world.store.events == [] and len(world.store.quarantine) == 2

    run(scenario())


def test_a_tenant_that_is_suspended_is_refused_from_its_next_request_on(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post([event()])).status == 200
            world.keys["good"] = principal(tenant_status="suspended")
            expire_keys()
            await asyncio.sleep(0)
            assert (await client.post([event()])).status == 403

    run(scenario())


def test_a_lone_object_without_a_service_is_no_event_and_a_faulty_lone_event_has_failed(tmp_path):
    async def scenario():
        async with serving(tmp_path, World()) as client:
            stray = await client.post({"data": []})
            assert (stray.status, stray.body["error"]["code"]) == (400, "invalid_argument")
            faulty = await client.post(event(duration=-1))
            assert (faulty.status, faulty.body["processed"], faulty.body["failed"]) == (200, 0, 1)

    run(scenario())


def test_an_event_beside_the_plan_is_flagged_and_still_stored(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post([event(), event(operation="unheard_of")])).body["failed"] == 0
        assert [row["verdict"] for row in world.store.events] == ["accepted", "flagged"]
        assert world.store.events[1]["verdict_reason"] == "not in plan"

    run(scenario())


def test_without_a_readable_plan_events_are_flagged_as_such(tmp_path):
    async def scenario():
        world = World(plan_error=DATABASE_DOWN)
        async with serving(tmp_path, world) as client:
            assert (await client.post([event()])).status == 200
        assert [row["verdict_reason"] for row in world.store.events] == ["plan unavailable"]

    run(scenario())


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({}, "unknown"),
        ({"authorization": "Basic Z29vZDo="}, None),
        ({"authorization": "Bearer"}, None),
        ({"x-api-key": " "}, None),
    ],
    ids=["missing", "unknown", "other scheme", "empty bearer", "empty key"],
)
def test_missing_and_unknown_keys_are_refused_with_401(tmp_path, headers, key):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post([event()], key=key, headers=headers)
            assert (answer.status, answer.body["error"]["code"]) == (401, "unauthorized")
            assert answer.body["error"]["request_id"] and answer.body["error"]["message"]
        assert world.store.calls == 0

    run(scenario())


@pytest.mark.parametrize(
    ("changes", "headers", "status"),
    [
        ({"expires_at": NOW - timedelta(seconds=1)}, {}, 401),
        ({"tenant_status": "suspended"}, {}, 403),
        ({"tenant_status": "trial"}, {}, 200),
        ({"scope": IngestScope.READ}, {}, 403),
        ({}, {"x-tenant-id": "somebody_else"}, 403),
        ({}, {"x-tenant-id": TENANT}, 200),
    ],
)
def test_the_keys_state_and_the_tenant_header_decide(tmp_path, changes, headers, status):
    async def scenario():
        world = World(keys={"good": principal(**changes)})
        async with serving(tmp_path, world) as client:
            assert (await client.post([event()], headers=headers)).status == status
            if "x-tenant-id" in headers:  # the address may name it instead
                assert (await client.post([event()], query=f"tenant={headers['x-tenant-id']}")).status == status

    run(scenario())


def test_the_api_key_header_works_as_well_and_keys_are_looked_up_once(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answers = await asyncio.gather(*[client.post([event()], key=None, headers={"X-Api-Key": "good"}) for _ in range(20)])
            assert {answer.status for answer in answers} == {200}
        assert world.lookups == 1

    run(scenario())


def test_when_keys_cannot_be_looked_up_the_answer_is_503(tmp_path):
    async def scenario():
        world = World(key_error=DATABASE_DOWN)
        async with serving(tmp_path, world) as client:
            answer = await client.post([event()])
            assert (answer.status, answer.body["error"]["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) == answer.body["error"]["retry_after_seconds"] >= 1

    run(scenario())


BOMB = gzip.compress(b" " * 50_000_000)
BAD_BODIES = {
    "empty": (b"", 400),
    "blank": (b"  \n", 400),
    "malformed": (b'{"events": [', 400),
    "trailing": (b"[] x", 400),
    "not json": (b"hello", 400),
    "number": (b"17", 400),
    "string": (b'"x"', 400),
    "null": (b"null", 400),
    "no events": (b'{"events": []}', 400),
    "empty array": (b"[]", 400),
    "empty object": (b"{}", 400),
    "events null": (b'{"events": null}', 400),
    "events object": (b'{"events": {"service": "a"}}', 400),
    "nul": (b'[{"service": "a\0b"}]', 400),
    "not utf-8": (b'[{"service": "a\xff"}]', 400),
    "not utf-8 in raw": (b'[{"service": "a", "x": ["\xc3"]}, 5]', 400),
    "deep": (b"[" * 100_000, 400),
    "deep closed": (b'[{"service":"a","x":' + b"[" * 90_000 + b"]" * 90_000 + b"}]", 400),
    "nan": (b'[{"service": "a", "duration": NaN}]', 400),
    "too large": (b'[{"service": "' + b"a" * 1_100_000 + b'"}]', 413),
    "too many": (json.dumps([{"service": "a"}] * 10_001).encode(), 413),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_holds_no_readable_events_is_refused_and_nothing_is_stored(tmp_path, name):
    body, status = BAD_BODIES[name]

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post(body)
            assert answer.status == status, answer.body
            assert answer.body["error"]["code"] == {400: "invalid_argument", 413: "payload_too_large"}[status]
            assert (await client.post([event()])).status == 200
        assert len(world.store.events) == 1

    run(scenario())


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(json.dumps([event()]).encode()), 200),
        ("gzip", gzip.compress(b'[{"service"') + gzip.compress(b':"a"}]'), 200),
        ("deflate", zlib.compress(json.dumps([event()]).encode()), 200),
        ("deflate", zlib.compress(json.dumps([event()]).encode())[2:-4], 200),
        ("identity", json.dumps([event()]).encode(), 200),
        ("gzip", BOMB, 413),
        ("gzip", gzip.compress(b"[]")[:-9], 400),
        ("gzip", b"not gzip", 400),
        ("deflate", b"not deflate", 400),
        ("br", b"x", 415),
    ],
    ids=["gzip", "members", "zlib", "raw deflate", "identity", "bomb", "cut", "not gzip", "not deflate", "unknown"],
)
def test_compressed_bodies_are_read_within_the_same_bound(tmp_path, encoding, body, status):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post(body, headers={"content-encoding": encoding})
            assert answer.status == status, answer.body

    run(scenario())


def test_a_body_without_a_length_is_cut_off_at_the_bound(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post(b" " * 3_000_000, chunks=30)).status == 413
            assert (await client.post([event(), event()], chunks=7)).body["processed"] == 2

    run(scenario())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused_with_405(tmp_path, method):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post(b"", method=method)
            assert (answer.status, answer.headers["allow"]) == (405, "POST")

    run(scenario())


def test_before_the_start_and_after_the_stop_the_answer_is_503(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post([event()])).status == 200
        answer = await client.post([event()])
        assert answer.status == 503 and answer.headers["retry-after"]

    run(scenario())


def test_waiting_answers_after_the_event_store_has_the_rows(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post([event()], query="wait=1")
            assert answer.body["stored"] is True
            assert len(world.store.events) == 1

    run(scenario())


def test_every_record_ends_in_a_counter(tmp_path):
    names = [("accepted", ""), ("flagged", "not in plan"), ("quarantined", "breaks a rule"), ("dropped", "bad_request")]
    before = [outcome_count(*name) for name in names]

    async def scenario():
        async with serving(tmp_path, World()) as client:
            await client.post([event(), event(operation="unheard_of"), event(duration="x")])
            await client.post(b"nonsense")

    run(scenario())
    assert [outcome_count(*name) - start for name, start in zip(names, before, strict=True)] == [1, 1, 1, 1]


def test_nothing_of_a_request_reaches_the_log_when_handling_fails(tmp_path, caplog):
    async def scenario():
        world = World(key_error=RuntimeError("boom with token good"))
        async with serving(tmp_path, world) as client:
            answer = await client.post([event(user_id="private person")])
            assert (answer.status, answer.body["error"]["code"]) == (500, "internal")

    run(scenario())
    assert "private person" not in caplog.text and "token good" not in caplog.text
