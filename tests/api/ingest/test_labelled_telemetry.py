"""Labelled values of telemetry stay out of every column, and ids of foreign clients stay apart however long they are."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from app.ingest.labels import Treatment
from app.ingest.validation import Policy, compile_checks
from app.plan.contracts import FieldRules
from tests.unit.ingest.harness import World, serving, until

NOW = str(time.time_ns())
ANA, BOB = "ana@example.org", "bob@example.org"
LONG = "m" * 200


def attribute(key: str, value: str) -> dict:
    return {"key": key, "value": {"stringValue": value}}


def log_records(*records: dict) -> dict:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": NOW, **record} for record in records]}]}]}


@pytest.mark.parametrize("label", ["user.id", "user_id"])
@pytest.mark.parametrize("treatment", [Treatment.MASK, Treatment.HMAC, Treatment.DROP])
def test_labelled_values_of_log_records_reach_no_column(tmp_path, label, treatment):
    fields = [FieldRules(name, "string", False, sensitivity="pii") for name in ("email", label)]
    world = World(checks=compile_checks({"shop": fields}, Policy(sensitivity={"pii": treatment}), b"key"))
    sent = log_records(
        {"body": {"kvlistValue": {"values": [attribute("email", ANA), attribute("order", "5")]}}},
        {"body": {"stringValue": f' {{"email": "{BOB}"}}'}},
        {"body": {"stringValue": f'[{{"email": "{BOB}"}}]'}},
        {"body": {"stringValue": "hello"}, "attributes": [attribute("user.id", ANA)]},
    )

    async def scenario():
        async with serving(tmp_path, world) as client:
            assert (await client.post(sent, path="/v1/logs")).status == 200
            await until(lambda: len(world.store.events) == 4)

    asyncio.run(scenario())
    stored = repr(world.store.events)
    assert ANA not in stored and BOB not in stored
    assert "order" in stored and "hello" in stored


@pytest.mark.parametrize("name", ["user.id", "enduser.id"])
def test_a_label_on_the_member_holds_for_the_column_of_a_log_record(tmp_path, name):
    fields = [FieldRules("user_id", "string", False, sensitivity="pii")]
    world = World(checks=compile_checks({"shop": fields}, Policy(sensitivity={"pii": Treatment.MASK}), b"key"))

    async def scenario():
        async with serving(tmp_path, world) as client:
            await client.post(log_records({"attributes": [attribute(name, ANA)]}), path="/v1/logs")
            await until(lambda: len(world.store.events) == 1)

    asyncio.run(scenario())
    assert world.store.events[0]["actor_id"] == "[masked]"
    assert ANA not in repr(world.store.events)


def test_labelled_values_of_refused_telemetry_reach_no_quarantine(tmp_path):
    fields = [FieldRules(name, "string", False, sensitivity="pii") for name in ("user_id", "email", "body")]
    world = World(checks=compile_checks({"shop": fields}, Policy(sensitivity={"pii": Treatment.MASK}), b"key"))
    old = {"timeUnixNano": "1", "attributes": [attribute("user.id", ANA)]}
    logs = log_records({**old, "body": {"stringValue": f'["{BOB}"]'}}, {**old, "body": {"stringValue": BOB}})
    point = {"asInt": "many", "attributes": [attribute("email", ANA), attribute("enduser.id", BOB), attribute("order", "5")]}
    points = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "n", "gauge": {"dataPoints": [point]}}]}]}]}

    async def scenario():
        async with serving(tmp_path, world) as client:
            await client.post(logs, path="/v1/logs")
            await client.post(points, path="/v1/metrics")
            await until(lambda: len(world.store.quarantine) == 3)

    asyncio.run(scenario())
    stored = repr(world.store.rows)
    assert ANA not in stored and BOB not in stored
    assert '"order":"5"' in stored


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/batch", {"batch": [{"type": "track", "event": "e", "userId": "u", "messageId": f"{LONG}{n}"} for n in "ab"]}),
        ("/batch", {"api_key": "good", "batch": [{"event": "e", "distinct_id": "d", "uuid": f"{LONG}{n}"} for n in "ab"]}),
        (
            "/v1/traces",
            {
                "resourceSpans": [
                    {
                        "scopeSpans": [
                            {"spans": [{"name": "s", "traceId": LONG, "spanId": n, "startTimeUnixNano": NOW} for n in "ab"]}
                        ]
                    }
                ]
            },
        ),
    ],
)
def test_events_with_long_ids_that_differ_at_the_end_are_both_stored(tmp_path, path, body):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            for _ in range(2):  # a repetition is recognised all the same
                assert (await client.post(json.dumps(body).encode(), path=path)).status == 200
            await until(lambda: len(world.store.events) >= 2)
        assert len(world.store.events) == 2

    asyncio.run(scenario())
