"""A label reaches a value by the name a client gives it and by the member that it becomes, whichever dialect it came through."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.ingest.dialects.names import OTLP, POSTHOG, SEGMENT
from app.ingest.dialects.otlp import telemetry_of
from app.ingest.dialects.posthog import decode_posthog
from app.ingest.dialects.segment import decode_segment
from app.ingest.labels import Treatment
from app.ingest.validation import Mode, Policy, compile_checks
from app.plan.contracts import FieldRules
from tests.unit.ingest.harness import World, serving, until

NOW = str(time.time_ns())
SECRET = "s3cr3t-v4lu3"
TREATED = [(Treatment.MASK, Mode.FLAG), (Treatment.HMAC, Mode.BLOCK), (Treatment.DROP, Mode.FLAG), (Treatment.DROP, Mode.BLOCK)]


def attributes(values: dict[str, Any]) -> list[dict]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def segment(kind: str = "track", **call: Any) -> tuple[str, dict]:
    return "/v1/batch", {"batch": [{"type": kind, "event": "Bought", **call}]}


def posthog(**entry: Any) -> tuple[str, dict]:
    return "/batch", {"api_key": "good", "batch": [{"event": "Bought", "distinct_id": "d", **entry}]}


def span(resource: dict | None = None, **values: Any) -> tuple[str, dict]:
    own = {"name": "GET /", "traceId": "a1", "spanId": "b2", "startTimeUnixNano": NOW, "attributes": attributes(values)}
    return "/v1/traces", {"resourceSpans": [{"resource": _resource(resource), "scopeSpans": [{"spans": [own]}]}]}


def log(resource: dict | None = None, record: dict | None = None, **values: Any) -> tuple[str, dict]:
    own = {"timeUnixNano": NOW, "attributes": attributes(values), **(record or {})}
    return "/v1/logs", {"resourceLogs": [{"resource": _resource(resource), "scopeLogs": [{"logRecords": [own]}]}]}


def _resource(values: dict | None) -> dict:
    return {"attributes": attributes({"service.name": "shop", **(values or {})})}


def own(**members: Any) -> tuple[str, list]:
    return "/v1/events", [{"service": "shop", "operation": "paid", **members}]


SENT = [
    ("userId", segment(userId=SECRET)),
    ("anonymousId", segment(anonymousId=SECRET)),
    ("context.ip", segment(context={"ip": SECRET})),
    ("ip", segment(context={"ip": SECRET})),
    ("context.userAgent", segment(context={"userAgent": SECRET})),
    ("userAgent", segment(context={"userAgent": SECRET})),
    ("context.sessionId", segment(context={"sessionId": SECRET})),
    ("sessionId", segment(context={"sessionId": SECRET})),
    ("context.traits.email", segment(context={"traits": {"email": SECRET}})),
    ("traits.email", segment("identify", traits={"email": SECRET})),
    ("properties.email", segment(properties={"email": SECRET})),
    ("distinct_id", posthog(distinct_id=SECRET)),
    ("distinct_id", posthog(distinct_id="", properties={"distinct_id": SECRET})),
    ("properties.distinct_id", posthog(distinct_id=SECRET)),
    ("$ip", posthog(properties={"$ip": SECRET})),
    ("$session_id", posthog(properties={"$session_id": SECRET})),
    ("$raw_user_agent", posthog(properties={"$raw_user_agent": SECRET})),
    ("properties.$ip", posthog(properties={"$ip": SECRET})),
    ("$set.email", posthog(**{"$set": {"email": SECRET}})),
    *((name, span(**{name: SECRET})) for name in ("user.id", "enduser.id", "session.id")),
    *((name, span(**{name: SECRET})) for name in ("client.address", "http.client_ip")),
    *((name, span(**{name: SECRET})) for name in ("user_agent.original", "http.user_agent")),
    *((name, span({name: SECRET})) for name in ("deployment.environment.name", "deployment.environment")),
    *((name, log(**{name: SECRET})) for name in ("user.id", "enduser.id", "session.id", "client.address")),
    *((name, log(record={"severityText": SECRET})) for name in ("severityText", "severity_text")),
    ("user_id", own(user_id=SECRET)),
    ("card.number", own(custom_attributes={"card": {"number": SECRET}})),
]  # fmt: skip
"""A label on this name, and a request whose one secret is the value of that name."""

SENT_AS_MEMBERS = [
    ("user_id", segment(userId=SECRET, anonymousId=SECRET)),
    ("user_id", segment(anonymousId=SECRET)),
    ("ip_address", segment(context={"ip": SECRET})),
    ("user_agent", segment(context={"userAgent": SECRET})),
    ("user_id", posthog(distinct_id=SECRET, properties={"distinct_id": SECRET})),
    ("ip_address", posthog(properties={"$ip": SECRET})),
    ("session_id", posthog(properties={"$session_id": SECRET})),
    ("user_agent", posthog(properties={"$raw_user_agent": SECRET})),
    ("user_id", span(**{"user.id": SECRET, "enduser.id": SECRET})),
    ("ip_address", span(**{"client.address": SECRET, "http.client_ip": SECRET})),
    ("environment", span({"deployment.environment.name": SECRET, "deployment.environment": SECRET})),
    ("user_id", log(**{"user.id": SECRET, "enduser.id": SECRET})),
    ("session_id", log(**{"session.id": SECRET})),
    ("ip_address", log(**{"client.address": SECRET})),
    ("environment", log({"deployment.environment.name": SECRET})),
    ("severity", log(record={"severityText": SECRET})),
]
"""A label on the member, and a request in which every secret is a value that becomes the member, or one like it."""


def kept(tmp_path, label: str, sent: tuple[str, Any], treatment: Treatment, mode: Mode) -> str:
    """What all tables hold after the request, of a project whose plan labels a property of the event's type."""
    path, body = sent
    source = {"/v1/batch": lambda: body["batch"][0]["type"], "/batch": lambda: "posthog"}.get(path, lambda: "shop")()
    fields = {source: [FieldRules(label, "string", False, sensitivity="pii")]}
    policy = Policy(mode, refuses_unplanned=True, sensitivity={"pii": treatment})
    world = World(names=frozenset(), checks=compile_checks(fields, policy, b"key"))

    async def scenario():
        async with serving(tmp_path, world) as client:
            await client.post(body, path=path)
            await until(lambda: world.store.events or world.store.quarantine)

    asyncio.run(scenario())
    return repr(world.store.rows)


@pytest.mark.parametrize(("treatment", "mode"), TREATED)
@pytest.mark.parametrize(("label", "sent"), SENT)
def test_a_label_on_a_client_s_name_reaches_whatever_the_value_becomes(tmp_path, label, sent, treatment, mode):
    assert SECRET not in kept(tmp_path, label, sent, treatment, mode)


@pytest.mark.parametrize(("treatment", "mode"), TREATED)
@pytest.mark.parametrize(("label", "sent"), SENT_AS_MEMBERS)
def test_a_label_on_a_member_reaches_the_value_whichever_dialect_it_came_through(tmp_path, label, sent, treatment, mode):
    assert SECRET not in kept(tmp_path, label, sent, treatment, mode)


def test_a_label_leaves_other_names_alone(tmp_path):
    sent = segment(userId=SECRET, anonymousId="a1", context={"ip": "192.0.2.1", "locale": "de"}, properties={"sum": 5})
    stored = kept(tmp_path, "userId", sent, Treatment.MASK, Mode.FLAG)
    assert all(text in stored for text in ("a1", "192.0.2.1", '"locale":"de"', '"sum":5'))


COMMON = {"service", "operation", "timestamp", "duration", "id", "custom_attributes"}
"""What no label can reach: an event is found by it, or it is computed."""


def test_the_documentation_of_labels_tells_every_name():
    told = (Path(__file__).parents[3] / "docs/sensitive-values.md").read_text()
    pairs = [(ours, theirs[0]) for names in (SEGMENT, POSTHOG, OTLP) for ours, theirs in names.items()]
    assert [pair for pair in pairs if not all(f"`{name}`" in told for name in pair)] == []


def test_every_member_that_a_dialect_fills_is_declared_with_the_names_it_is_filled_from():
    filled = segment(userId="u", anonymousId="a", context={"ip": "i", "userAgent": "ua", "sessionId": "s"}, messageId="m")
    (event,) = decode_segment("/v1/batch", json.dumps(filled[1]).encode()).events
    assert event.keys() - COMMON == SEGMENT.keys()

    filled = posthog(uuid="1", properties={"$ip": "i", "$session_id": "s", "$raw_user_agent": "ua"})
    (event,) = decode_posthog(json.dumps(filled[1]).encode(), b"", 10_000).events
    assert event.keys() - COMMON == POSTHOG.keys()

    filled = span({"deployment.environment": "e"}, **{names[0]: "v" for names in OTLP.values()})
    (event,) = telemetry_of("traces", filled[1], datetime.now(UTC)).events
    assert event.keys() - COMMON == OTLP.keys() - {"severity", "status_message"}
