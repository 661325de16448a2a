"""What nobody should send, on every dialect: a clear refusal in the dialect's own words, sound records kept, books that balance."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from datetime import UTC, datetime

import pytest

from app.ingest.outcomes import BOOKS
from app.ingest.process import expire_keys
from tests.unit.ingest.harness import Answer, Client, World, principal, serving, until

NOW = datetime.now(UTC)
NANOSECONDS = str(int(NOW.timestamp() * 1e9))
PROTOBUF = "application/x-protobuf"
LIMIT = 2_000_000
REFUSED = {
    "empty": 400, "white space": 400, "cut off": 400, "cut off gzip": 400, "no gzip": 400, "deflate cut off": 400, "a bomb": 413,
    "too large": 413, "unknown encoding": 415, "not UTF-8": 400, "NUL": 400, "a text": 400, "a number": 400, "null": 400,
    "nested arrays": 400,
}  # fmt: skip
LONGEST_SECONDS = 10.0
DEEP = "[" * 10_000 + "]" * 10_000
MANY_KEYS = json.dumps({f"k{number}": number for number in range(100_000)})


# How one record is written in each dialect that speaks JSON: OWN stands for its properties and WHEN for its time.
_ATTRIBUTES = '"attributes":[{"key":"a","value":{"stringValue":OWN}}]'
WRITTEN = {
    "/v1/events": '{"service":"web","operation":"click","timestamp":WHEN,"custom_attributes":OWN}',
    "/v1/track": '{"event":"click","userId":"u","timestamp":WHEN,"properties":OWN}',
    "/v1/identify": '{"userId":"u","timestamp":WHEN,"traits":OWN}',
    "/v1/page": '{"name":"p","userId":"u","timestamp":WHEN,"properties":OWN}',
    "/v1/group": '{"groupId":"g","userId":"u","timestamp":WHEN,"traits":OWN}',
    "/v1/alias": '{"previousId":"o","userId":"u","timestamp":WHEN,"context":OWN}',
    "/v1/batch": '{"batch":[{"type":"track","event":"click","userId":"u","timestamp":WHEN,"properties":OWN}]}',
    "/capture": '{"api_key":"good","event":"e","distinct_id":"d","timestamp":WHEN,"properties":OWN}',
    "/batch": '{"api_key":"good","batch":[{"event":"e","distinct_id":"d","timestamp":WHEN,"properties":OWN}]}',
    "/v1/traces": ('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"s","startTimeUnixNano":WHEN,' + _ATTRIBUTES + "}]}]}]}"),
    "/v1/logs": '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":WHEN,' + _ATTRIBUTES + "}]}]}]}",
    "/v1/metrics": (
        '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1","timeUnixNano":WHEN,'
        + _ATTRIBUTES
        + "}]}}]}]}]}"
    ),
}
TELEMETRY = ("/v1/traces", "/v1/logs", "/v1/metrics")
SOUND_TIME = f'"{NOW.isoformat()}"'
TIMES = [
    "0", "-1", "1e400", "-1e400", "1e308", "NaN", "true", "null", '""', '" "', "{}", "[]", '"yesterday"', '"2026-02-30T00:00:00Z"',
    '"0000-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', '"10000-01-01T00:00:00Z"', '"2026-W48-4"', '"2026-11-26T23:59:60Z"',
    '"Thu, 26 Nov 2026 10:00:00 GMT"', "1790000000", "1790000000000", "1790000000000000", "1790000000000000000", "9" * 20,
    '"2026-11-26"', '"2026-11-26T10:00:00"', '"2026-11-26T10:00:00+25:00"', '"20261126T100000Z"',
    '"2026-11-26T10:00:00.123456789Z"', '"\\u0000"', '"\\ud800"',
]  # fmt: skip


def filled(template: str, own: str, when: str) -> str:
    return template.replace("WHEN", when).replace("OWN", own)


def own_of(path: str) -> str:
    return '"x"' if path in TELEMETRY else '{"a":1}'


def when_of(path: str) -> str:
    return f'"{NANOSECONDS}"' if path in TELEMETRY else SOUND_TIME


def sound(path: str) -> bytes:
    return filled(WRITTEN[path], own_of(path), when_of(path)).encode()


def hostile_bodies(path: str) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Name, body and headers."""

    def own(text: str) -> bytes:
        return filled(WRITTEN[path], text, when_of(path)).encode()

    good = sound(path)
    packed = gzip.compress(good)
    deflated = {"content-encoding": "deflate"}
    zipped = {"content-encoding": "gzip"}
    bodies: dict[str, tuple[bytes, dict[str, str]]] = {
        "empty": (b"", {}),
        "white space": (b" \n\t ", {}),
        "cut off": (good[:-3], {}),
        "cut off gzip": (packed[:-9], zipped),
        "no gzip": (good, zipped),
        "a bomb": (gzip.compress(b" " * (LIMIT * 8)), zipped),
        "a bomb in a bomb": (gzip.compress(gzip.compress(b" " * (LIMIT * 8))), zipped),
        "deflate cut off": (zlib.compress(good)[:-6], deflated),
        "unknown encoding": (good, {"content-encoding": "br"}),
        "not UTF-8": (good.replace(b'"x"' if path in TELEMETRY else b'"a"', b'"\xff\xfe"'), {}),
        "byte order mark": (b"\xef\xbb\xbf" + good, {}),
        "NUL": (good + b"\0", {}),
        "a text": (b'"text"', {}),
        "a number": (b"1", {}),
        "null": (b"null", {}),
        "nested arrays": (DEEP.encode(), {}),
        "deep property": (own(DEEP), {}),
        "deep object": (own('{"a":' * 10_000 + "1" + "}" * 10_000), {}),
        "many keys": (own(MANY_KEYS), {}),
        "too large": (own(json.dumps({"a": "x" * (LIMIT + 1)})), {}),
        "large field": (own(json.dumps({"a": "x" * (LIMIT // 2)})), {}),
        "duplicate keys": (own('{"a":1,"a":2}'), {}),
        "a lone surrogate": (own('{"a":"\\ud800"}'), {}),
        "a surrogate as key": (own('{"\\udfff":1}'), {}),
        "control characters": (own('{"a":"\\u0000\\u001b[2J"}'), {}),
        "numbers without end": (own('{"a":' + "9" * 5_000 + ',"b":1e99999}'), {}),
        "properties are a list": (own("[1,2]"), {}),
        "properties are a text": (own('"text"'), {}),
        "wrong content type": (good, {"content-type": "text/html"}),
    }
    for number, time_ in enumerate(TIMES):
        bodies[f"time {number} {time_}"] = (filled(WRITTEN[path], own_of(path), time_).encode(), {})
    return bodies


def refused_as_the_dialect_does(path: str, answer: Answer, kind: str) -> bool:
    """Whether a refusal is in the words that clients of the surface parse."""
    if kind == PROTOBUF:
        return answer.headers["content-type"] == PROTOBUF
    if path in TELEMETRY:
        return (
            isinstance(answer.body, dict)
            and isinstance(answer.body.get("message"), str)
            and isinstance(answer.body.get("code"), int)
        )
    return isinstance(answer.body, dict) and {"code", "message"} <= set(answer.body["error"])


async def is_well(client: Client, path: str, name: str, body: bytes, headers: dict[str, str]) -> str:
    """What is wrong with the answer; empty when nothing is."""
    begun = time.process_time()
    answer = await client.post(body, path=path, headers=headers)
    seconds = time.process_time() - begun
    if answer.status not in ((REFUSED[name],) if name in REFUSED else (200, 400, 413, 415)):
        return f"{path} {name}: {answer.status} {answer.body!r:.200}"
    if answer.status != 200 and not refused_as_the_dialect_does(path, answer, headers.get("content-type", "")):
        return f"{path} {name}: refused as {answer.body!r:.200}"
    if seconds > LONGEST_SECONDS:
        return f"{path} {name}: {seconds:.1f} s"
    return ""


# Dialects that answer for each record of a batch, and how they hold several.
BATCHES = {
    "/v1/events": lambda records: f'{{"events":[{",".join(records)}]}}',
    "/v1/batch": lambda records: f'{{"batch":[{",".join(records)}]}}',
    "/batch": lambda records: f'{{"api_key":"good","batch":[{",".join(records)}]}}',
}
ONE_OF = {
    "/v1/events": WRITTEN["/v1/events"],
    "/v1/batch": '{"type":"track",' + WRITTEN["/v1/track"][1:],
    "/batch": WRITTEN["/capture"],
}


def unaccounted() -> int:
    return BOOKS.balance(NOW).unaccounted


@pytest.mark.parametrize("path", sorted(WRITTEN))
def test_nothing_that_is_sent_fails_the_server_or_unbalances_the_books(tmp_path, path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world, max_body_bytes=LIMIT) as client:
            before = unaccounted()
            faults = [await is_well(client, path, name, *hostile) for name, hostile in hostile_bodies(path).items()]
            assert [fault for fault in faults if fault] == []
            assert unaccounted() == before
            assert (await client.post(sound(path), path=path)).status == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("path", sorted(BATCHES))
@pytest.mark.parametrize(
    "bad",
    [('{"a":1}', '"yesterday"'), ('{"a":1}', '"9999-12-31T23:59:59Z"'), ('{"a":"\\u0000"}', SOUND_TIME), (MANY_KEYS, SOUND_TIME)],
    ids=["no time", "out of range", "NUL", "many keys"],
)
def test_what_is_sound_beside_it_is_kept_and_the_faulty_record_waits_in_quarantine(tmp_path, path, bad):
    async def scenario():
        world = World()
        async with serving(tmp_path, world, max_body_bytes=LIMIT) as client:
            records = [filled(ONE_OF[path], *parts) for parts in (('{"a":1}', SOUND_TIME), bad, ('{"a":2}', SOUND_TIME))]
            answer = await client.post(BATCHES[path](records).encode(), path=path)
            assert answer.status == 200
            await until(lambda: len(world.store.events) + len(world.store.quarantine) == 3)
        kept = [json.loads(row["properties"])["a"] for row in world.store.events]
        assert kept[:1] + kept[-1:] == [1, 2]
        assert len(world.store.quarantine) == 3 - len(kept)

    asyncio.run(scenario())


@pytest.mark.parametrize("path", sorted({*WRITTEN} - {"/v1/events"}))
def test_a_tenant_that_is_suspended_between_two_requests_is_refused_in_the_dialects_words(tmp_path, path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post(sound(path), path=path)).status == 200
            world.keys["good"] = principal(tenant_status="suspended")
            expire_keys()
            await asyncio.sleep(0)
            answer = await client.post(sound(path), path=path)
            assert answer.status == 403
            assert refused_as_the_dialect_does(path, answer, "application/json")

    asyncio.run(scenario())
