from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.columns import encode_columns
from app.ingest.decode import decode_batch
from app.ingest.payloads import json_lines, native_block
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Reception, TimeWindow, clean_batch
from app.kernel.ids import is_uuid
from tests.unit.ingest.harness import read_native

NOW = datetime(2026, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)


def clean(*events, planned=frozenset({("web", "click")}), checks=None):
    body = json.dumps(list(events)).encode()
    return clean_batch(
        decode_batch(body, 10_000),
        Reception("t", "p", ProjectPlan(planned, checks), TimeWindow.of(max_age_days=7300, max_future_hours=24), NOW),
    )


def rows_of(cleaned):
    return read_native(native_block([encode_columns([cleaned])], cleaned.count)) if cleaned.count else []


def only_row(**event):
    cleaned = clean({"service": "web", **event})
    assert cleaned.faults == [], cleaned.faults
    (row,) = rows_of(cleaned)
    assert [row] == [json.loads(line) for line in json_lines(encode_columns([cleaned]))]
    return row


def fault(**event) -> str:
    cleaned = clean({"service": "web", **event})
    assert cleaned.count == 0
    ((_, reason),) = cleaned.faults
    return reason


@pytest.mark.parametrize(
    ("timestamp", "stored"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("2026-01-02T03:04:05.5-0530", "2026-01-02T08:34:05.500Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02 03:04:05.678", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("20260102T030405Z", "2026-01-02T03:04:05.000Z"),
        (1_767_323_045, "2026-01-02T03:04:05.000Z"),
        (1_767_323_045.678, "2026-01-02T03:04:05.678Z"),
        (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
        (1_767_323_045_678.9, "2026-01-02T03:04:05.678Z"),
        (None, "2026-05-06T07:08:09.123Z"),
    ],
)
def test_times_in_every_documented_form_are_stored_as_utc_milliseconds(timestamp, stored):
    assert only_row(timestamp=timestamp)["time"] == stored


def test_a_missing_time_is_the_time_of_reception():
    assert only_row()["time"] == only_row()["received_at"] == "2026-05-06T07:08:09.123Z"


@pytest.mark.parametrize(
    "timestamp",
    [
        "soon", "", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00.000Z", "1926-01-01T00:00:00Z", "2126-05-06T07:08:09.123Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-05-07T07:08:10.000Z", 0, -1, 10**15, 1e300, 10**30,
        True, [], {}, "2026-01-02T03:04:05.678X", "2026-01-02T03:04:60.000Z", "2026-01-02T25:04:05.678Z",
    ],
)  # fmt: skip
def test_times_that_are_none_or_lie_outside_the_window_are_refused(timestamp):
    assert "timestamp" in fault(timestamp=timestamp)


@pytest.mark.parametrize("shift", [timedelta(days=-36_500), timedelta(days=36_500)])
def test_a_clock_a_hundred_years_off_is_refused(shift):
    assert "timestamp" in fault(timestamp=(NOW + shift).isoformat())


@given(st.datetimes(datetime(2010, 1, 1), datetime(2026, 5, 6)), st.timezones())
def test_any_zone_is_converted_to_the_same_instant(moment, zone):
    moment = moment.replace(tzinfo=zone)
    if moment.utcoffset().total_seconds() % 60:
        return
    stored = datetime.fromisoformat(only_row(timestamp=moment.isoformat())["time"])
    assert timedelta(0) <= moment - stored < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "event",
    [
        {"service": None}, {"service": 5}, {"service": ""}, {"service": "  "}, {"service": "x" * 501}, {"service": "x" * 10_000},
        {"service": "a\u0000b"}, {"service": "a\nb"}, {"service": "a\u0085b"}, {"service": "a\x7fb"},
        {"operation": "x" * 501}, {"operation": "a\u0000"}, {"operation": 5}, {"operation": ["x"]},
        {"duration": -0.1}, {"duration": True}, {"duration": "5"}, {"duration": 10**400},
        {"status": {}}, {"status": "x" * 501}, {"user_id": "u\u0000"}, {"user_id": []}, {"session_id": "x" * 501},
        {"ip_address": "1" * 65}, {"ip_address": 5}, {"user_agent": "x" * 4097}, {"environment": 7},
        {"custom_attributes": []}, {"custom_attributes": "x"}, {"custom_attributes": {"a": "\u0000"}},
        {"custom_attributes": {"\u0000": 1}}, {"other": "\u0000"}, {"id": "x" * 129}, {"id": 5}, {"id": "a\tb"},
    ],
)  # fmt: skip
def test_fields_of_the_wrong_type_or_beyond_their_bounds_are_refused(event):
    assert fault(**event)


def test_a_text_that_only_spells_an_escape_is_kept():
    row = only_row(custom_attributes={"a": "\\u0000", "b": "\\\\u0000"})
    assert json.loads(row["properties"]) == {"a": "\\u0000", "b": "\\\\u0000"}


def test_nesting_is_bounded():
    nested: object = 1
    for _ in range(30):
        nested = [nested]
    assert only_row(custom_attributes={"a": nested})
    for _ in range(10):
        nested = {"x": nested}
    assert "nested" in fault(custom_attributes={"a": nested})
    wide = {str(number): [{}, []] for number in range(100)}
    assert only_row(custom_attributes=wide)


def test_an_event_over_a_mebibyte_is_refused_alone():
    body = json.dumps([{"service": "web"}, {"service": "web", "x": "y" * 1_100_000}]).encode()
    batch = decode_batch(body, 10)
    first, second = batch.singly()
    assert not isinstance(first, str) and isinstance(second, str)


def test_the_name_is_the_operation_or_else_the_service():
    assert only_row(operation="click")["name"] == "click"
    assert only_row()["name"] == only_row(operation="")["name"] == only_row(operation=None)["name"] == "web"


def test_long_service_names_are_found_in_the_plan_under_their_shortened_form():
    service = "s" * 300
    planned = frozenset({("s" * 252 + "...", "click")})
    cleaned = clean({"service": service, "operation": "click"}, planned=planned)
    assert not cleaned.flagged and rows_of(cleaned)[0]["source"] == service


def test_numbers_are_taken_for_ids_and_status():
    row = only_row(user_id=17, session_id=5, status=200, severity=3, duration=5)
    assert (row["actor_id"], row["session_id"], row["status"], row["severity"], row["value"]) == ("17", "5", "200", "3", 5.0)


@pytest.mark.parametrize("key", ["id", "event_id", "idempotency_key"])
def test_the_producers_id_is_kept(key):
    assert only_row(**{key: "own-1"})["id"] == "own-1"


def test_events_without_an_id_get_distinct_uuids_of_version_seven():
    ids = {row["id"] for row in rows_of(clean(*[{"service": "web"}] * 300))}
    assert len(ids) == 300
    assert all(is_uuid(text) and text[14] == "7" and text[19] in "89ab" for text in ids)


def test_unknown_keys_are_kept_and_nothing_is_overwritten():
    row = only_row(region="eu", tier=1, user_agent="ua", custom_attributes={"region": "us", "user_agent": "own"})
    assert json.loads(row["properties"]) == {
        "region": "us", "event.region": "eu", "tier": 1, "user_agent": "own", "event.user_agent": "ua",
    }  # fmt: skip


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def has_nul(value) -> bool:
    if isinstance(value, dict):
        return any(has_nul(key) or has_nul(inner) for key, inner in value.items())
    return any(map(has_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


SOME_KEYS = st.sampled_from(["service", "operation", "timestamp", "duration", "id", "custom_attributes", "x"])


@given(st.lists(st.dictionaries(SOME_KEYS, JSON_VALUES), min_size=1, max_size=5))
def test_every_event_ends_as_exactly_one_row_or_one_quarantined_record(events):
    cleaned = clean(*events)
    lines = rows_of(cleaned)
    assert lines == [json.loads(line) for line in (json_lines(encode_columns([cleaned])) if cleaned.count else [])]
    refused = [json.loads(line) for line in cleaned.quarantine.splitlines()]
    assert len(lines) == cleaned.count and len(refused) == len(cleaned.faults)
    assert cleaned.count + len(refused) == len(events)
    assert sorted(cleaned.faults) == cleaned.faults


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5))
def test_properties_are_canonical_and_lose_nothing(attributes):
    if has_nul(attributes):
        return
    text = only_row(custom_attributes=attributes)["properties"]
    assert msgspec.json.decode(text) == msgspec.json.decode(json.dumps(attributes))
    assert only_row(custom_attributes=dict(reversed(attributes.items())))["properties"] == text


def test_quarantine_keeps_the_event_as_it_was_sent():
    cleaned = clean({"service": "web"}, {"service": "web", "timestamp": "soon", "note": "ü" * 10})
    (row,) = [json.loads(line) for line in cleaned.quarantine.splitlines()]
    assert json.loads(row["raw"]) == {"service": "web", "timestamp": "soon", "note": "ü" * 10}
    assert (row["tenant_id"], row["project_id"], row["kind"]) == ("t", "p", "event")


USUAL_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), min_size=1, max_size=8)
SOME_VALUES = st.integers() | USUAL_TEXTS | st.just([[]])
SOME_TIMES = [
    "2026-01-02T03:04:05.678Z",
    "2026-01-02T03:04:05+02:00",
    "2026-01-02",
    1_767_323_045,
    "1900-01-01T00:00:00Z",
]
USUAL_EVENTS = st.fixed_dictionaries(
    {"service": st.sampled_from(["web", "shop", " ", "s" * 300]), "id": USUAL_TEXTS},
    optional={
        "timestamp": st.sampled_from(SOME_TIMES),
        "operation": st.sampled_from(["click", "", "other"]),
        "duration": st.floats(0, 1e6),
        "status": USUAL_TEXTS | st.integers(0, 600),
        "user_id": USUAL_TEXTS,
        "user_agent": USUAL_TEXTS,
        "severity": USUAL_TEXTS | st.none(),
        "environment": USUAL_TEXTS,
        "custom_attributes": st.dictionaries(USUAL_TEXTS | st.just("user_agent"), SOME_VALUES, max_size=3),
    },
)  # fmt: skip


@given(st.lists(USUAL_EVENTS, min_size=1, max_size=4))
def test_looking_at_columns_gives_the_same_rows_as_looking_at_single_events(events):
    whole = clean(*events)
    single = [clean(event) for event in events]
    assert rows_of(whole) == [row for cleaned in single for row in rows_of(cleaned)]
    assert [index for index, _ in whole.faults] == [index for index, cleaned in enumerate(single) if cleaned.faults]
    # An unknown key sends the whole batch down the other road.
    other = [{**event, "unknown": 1} for event in events]
    expected = [{**row, "properties": {**json.loads(row["properties"]), "unknown": 1}} for row in rows_of(whole)]
    assert [{**row, "properties": json.loads(row["properties"])} for row in rows_of(clean(*other))] == expected


@pytest.mark.parametrize("key", ["user_id", "session_id", "severity", "status"])
def test_a_zero_is_a_value_and_not_nothing(key):
    (row,) = rows_of(clean({"service": "web", key: 0}))
    assert row[{"user_id": "actor_id"}.get(key, key)] == "0"
