"""The compiled reader finds what the rules find, or nothing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.ingest import compiled_rows
from app.ingest.columns import encode_columns
from app.ingest.compiled_rows import CompiledReader
from app.ingest.decode import decode_batch
from app.ingest.payloads import native_block
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Reception, TimeWindow, clean_batch
from app.kernel.errors import AppError
from app.kernel.ids import is_uuid
from tests.unit.ingest.harness import read_native

NOW = datetime(2026, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
MOST = 50
PLAN = ProjectPlan(frozenset({("web", "click"), ("web", "web"), ("api", "call")}), None, "main+1")
WINDOW = TimeWindow.of(max_age_days=7300, max_future_hours=24)
USUAL = {
    "id": "an id",
    "timestamp": "2026-05-06T07:08:09.123Z",
    "service": "web",
    "operation": "click",
    "duration": 12.5,
    "status": "success",
    "user_id": "u_1",
    "session_id": "s",
    "ip_address": "203.0.113.1",
    "user_agent": "Agent/1.0 (x)",
    "environment": "production",
    "severity": "info",
    "custom_attributes": {"b": 1, "a": "text", "c": True, "z": None, "d": -1.25, "user": ""},
}


@pytest.fixture(scope="module")
def reader():
    """A reader that may not look where it must not, though nothing would be lost by it."""

    def fail(message):
        raise AssertionError(message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_rows.log, "error", fail)
        yield CompiledReader(MOST, 100_000)


def reception(plan=PLAN):
    return Reception("tenant", "project", plan, WINDOW, NOW)


def agrees(reader, body, plan=PLAN):
    """Whether the reader took the body; what it found is what the rules find."""
    if not reader.reads(body) or (taken := reader.read([body], reception(plan))) is None:
        return False
    found, counts = taken
    assert counts == [found.count]
    expected = clean_batch(decode_batch(body, MOST), reception(plan))
    assert expected.faults == []
    assert expected.count == found.count
    assert dict(expected.flagged) == dict(found.flagged)
    assert expected.has_own_ids == found.has_own_ids
    if expected.has_own_ids and all(one == other for one, other in zip(expected.ids, found.ids, strict=True)):
        assert encode_columns([expected]) == found.encoded
    else:  # ids that were made for the events differ from one time to the next
        ours, theirs = rows_of(found.encoded, found.count), rows_of(encode_columns([expected]), found.count)
        for one, other in zip(ours, theirs, strict=True):
            assert one["id"] == other["id"] or (is_uuid(one["id"]) and is_uuid(other["id"]))
        assert [{**row, "id": ""} for row in ours] == [{**row, "id": ""} for row in theirs]
    assert [row["id"] for row in rows_of(found.encoded, found.count)] == list(found.ids)
    return True


def rows_of(payload, count):
    return read_native(native_block([payload], count))


def body_of(*events, **options):
    return json.dumps({"events": list(events)}, **options).encode()


def changed(**members):
    return {key: value for key, value in {**USUAL, **members}.items() if value != ...}


@pytest.mark.parametrize(
    "body",
    [
        body_of(USUAL),
        body_of(USUAL, separators=(",", ":")),
        body_of(USUAL, indent=3),
        json.dumps([USUAL] * 3).encode(),
        b" \r\n\t" + json.dumps([USUAL]).encode() + b"\n ",
        body_of({"service": "web"}, {"service": "api", "operation": "call"}, USUAL),
        body_of(changed(operation="")),
        body_of(changed(operation=None, duration=None, status=None, user_agent=None, custom_attributes=None, timestamp=None)),
        body_of(changed(user_agent="")),
        body_of(changed(user_agent="x" * 4096, user_id="u" * 500, id="i" * 128)),
        body_of(changed(id=None, event_id="e", idempotency_key="k"), changed(id="", event_id=None, idempotency_key="k")),
        body_of(changed(id=...), USUAL, changed(id=..., event_id="")),
        body_of(changed(id=...), changed(id=...)),
        body_of(changed(service="new"), USUAL, changed(service="new")),
        body_of(*[changed(operation=f"kind {number}") for number in range(MOST)]),
        body_of(changed(timestamp="2026-05-06T07:08:09Z"), changed(timestamp="2024-02-29T23:59:59.999999+00:00")),
        body_of(changed(timestamp="2026-05-06T07:08:09+00:00"), changed(timestamp=None)),
        body_of(changed(custom_attributes={})),
        body_of(changed(custom_attributes={}, user_agent=...)),
        body_of(changed(custom_attributes={"user_agen": 1, "user_agent_": 2, "user_agens": 3, "user_ageo": 4, "v": 5, "": 6})),
        body_of(changed(custom_attributes={f"key{number}": number for number in range(64)})),
        body_of(*[changed(duration=value) for value in (0, 0.0, 7, 1e3, 0.1, 123456.789, 99999999999999.5)]),
    ],
)
def test_what_is_usual_is_read(reader, body):
    assert agrees(reader, body)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "123456789012345",
        "0.5",
        "-0.5",
        "1.0",
        "0.0",
        "-0.0",
        "0.0001",
        "12345678901.2345",
        "true",
        "false",
        "null",
        '""',
    ],
)
def test_values_that_are_written_as_they_stand_there(reader, text):
    assert agrees(reader, b'[{"service":"web","custom_attributes":{"x":%b}}]' % text.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"{}",
        b'{"events":[]}',
        b'{"service":"web"}',
        b'[{"service":"web"},]',
        b'[{"service":"web"}',
        b'[{"service":"web"}]]',
        b'[{"service":"web",}]',
        b'[{"service" "web"}]',
        b'[{"service":"web"}{"service":"web"}]',
        b'{"events":[{"service":"web"}],"more":1}',
        b'{"more":1,"events":[{"service":"web"}]}',
        b'{"events":[{"service":"web"}]',
        b'[{"service":"web\x01"}]',
        b'[{"service":"web"}]\0',
        b'[{"service":"web","service":"api"}]',
        b'[{"service":"web","new":1}]',
        b'[{"service":"web","user_id":7}]',
        b'[{"service":"web","timestamp":1767323045}]',
        b'[{"service":"web","duration":-1}]',
        b'[{"service":"web","duration":"1"}]',
        b'[{"service":"web","custom_attributes":{"a":1,"a":2}}]',
        b'[{"service":"web","custom_attributes":{"a":{}}}]',
        b'[{"service":"web","custom_attributes":{"a":[]}}]',
        b'[{"service":"web","custom_attributes":[]}]',
        b'[{"service":"web","custom_attributes":{"a":tru}}]',
        '[{"service":"wéb"}]'.encode(),
        b'[{"service":"w\\u0065b"}]',
        body_of(changed(service="")),
        body_of(changed(service="  ")),
        body_of(changed(service=None)),
        body_of(changed(service=...)),
        body_of(changed(service="s" * 256)),
        body_of(changed(id="i" * 129)),
        body_of(changed(custom_attributes={"user_agent": "another"})),
        body_of(changed(custom_attributes={f"key{number}": number for number in range(65)})),
        body_of(*[USUAL] * (MOST + 1)),
        *[body_of(changed(timestamp=stamp)) for stamp in (
            "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+01:00", "2026-01-01",
            "1969-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2026-01-01T00:00:00.0Z", "2026-01-01T00:00:00.12aZ", "", "Z" * 20,
            "2026-01-01T00:00:00-00:00", "20260101T000000Z", "2026-01-01 00:00:00Z",
        )],
        *[b'[{"service":"web","custom_attributes":{"x":%b}}]' % text for text in (
            b"-0", b"01", b"1.", b".5", b"-", b"+1", b"1e3", b"1.50", b"1.00", b"0.00001", b"1234567890123456",
            b"0.1234567890123456", b"1E3", b"1.5e3", b"NaN", b"Infinity", b"1x",
        )],
        *[b'[{"service":"web","duration":%b}]' % text for text in (b"01", b"1.", b"1e3", b"1234567890123456")],
    ],
)  # fmt: skip
def test_everything_else_is_left_to_the_rules(reader, body):
    assert not agrees(reader, body)


def test_while_nobody_knows_the_plan_every_event_is_flagged(reader):
    assert agrees(reader, body_of(USUAL, USUAL), ProjectPlan(None))


plain_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=40)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), plain_texts)
attributes = st.dictionaries(st.one_of(plain_texts, st.sampled_from(["user_agent", "user_agents", "user"])), values, max_size=8)
stamps = st.one_of(
    st.datetimes(datetime(2006, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    st.datetimes(datetime(2006, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.isoformat() + "+00:00"),
    st.sampled_from(["", "2026-05-06", "2026-05-06T07:08:09.5Z"]),
)
texts = st.one_of(st.none(), plain_texts, plain_texts, plain_texts, st.integers(0, 9))
events = st.fixed_dictionaries(
    {"service": st.sampled_from(["web", "api", "new", " "])},
    optional={
        "timestamp": stamps, "operation": st.one_of(st.none(), st.sampled_from(["click", "call", ""]), plain_texts),
        "duration": st.one_of(st.none(), st.floats(0, 1e9), st.integers(0, 10**16)), "status": texts, "user_id": texts,
        "session_id": texts, "ip_address": plain_texts, "user_agent": plain_texts, "environment": plain_texts, "severity": texts,
        "custom_attributes": st.one_of(st.none(), attributes), "id": plain_texts, "event_id": plain_texts,
        "idempotency_key": plain_texts,
    },
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.lists(events, min_size=1, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_whatever_it_takes_it_reads_as_the_rules_do(reader, batch, indent, is_bare):
    agrees(reader, json.dumps(batch if is_bare else {"events": batch}, indent=indent).encode())


BROKEN = [
    b"[]",
    b'[{"service":"web"}',
    body_of(changed(operation="seen only here"), changed(custom_attributes=[])),
    body_of(USUAL, changed(id=..., service="nobody", timestamp="never")),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(BROKEN), st.lists(events, min_size=1, max_size=4)), min_size=1, max_size=8))
@example([*BROKEN, [USUAL], *BROKEN, [changed(operation="seen only here"), USUAL], [changed(service="nobody")]])
def test_bodies_that_are_read_together_are_read_as_each_alone(reader, batches):
    bodies = [batch if isinstance(batch, bytes) else json.dumps({"events": batch}).encode() for batch in batches]
    bodies = [body for body in bodies if reader.reads(body)]
    alone = [reader.read([body], reception()) for body in bodies]
    together = reader.read(bodies, reception())
    if not any(alone):
        assert together is None
        return
    found, counts = together
    assert counts == [one[0].count if one else 0 for one in alone]
    expected = [row for one in alone if one for row in rows_of(one[0].encoded, one[0].count)]
    rows = rows_of(found.encoded, found.count)
    assert [row["id"] for row in rows] == list(found.ids)
    assert all(row["id"] == other["id"] or is_uuid(row["id"]) for row, other in zip(rows, expected, strict=True))
    assert [{**row, "id": ""} for row in rows] == [{**row, "id": ""} for row in expected]
    flagged = sum((Counter(one[0].flagged) for one in alone if one), Counter())
    assert Counter(found.flagged) == flagged


@settings(max_examples=400, deadline=None)
@given(st.data())
@example(None)
def test_no_bytes_whatever_lead_it_astray(reader, data):
    """Usual bodies with a few bytes changed, taken out or put in."""
    body = bytearray(body_of(USUAL, changed(id="another", custom_attributes={"k": 0.25})))
    for _ in range(data.draw(st.integers(1, 4)) if data is not None else 0):
        if not body:
            break
        place = data.draw(st.integers(0, len(body) - 1))
        byte = data.draw(st.one_of(st.sampled_from(list(b'{}[]",:\\ 0123456789.-eEntf\x00\x1f\x7f\x80')), st.integers(0, 255)))
        match data.draw(st.sampled_from(["change", "take", "put", "cut"])):
            case "change":
                body[place] = byte
            case "take":
                del body[place]
            case "put":
                body.insert(place, byte)
            case "cut":
                del body[place + 1 :]
    try:
        agrees(reader, bytes(body))
    except AppError as refusal:
        raise AssertionError(f"the reader took what the rules refuse: {bytes(body)!r}") from refusal
