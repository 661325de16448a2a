"""Requests of projects with a policy that compiled code reads come to what the rules make of every event on its own."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.ingest import compiled_rows, rules
from app.ingest.columns import encode_columns
from app.ingest.compiled_rows import CompiledReader
from app.ingest.decode import decode_batch
from app.ingest.labels import Treatment
from app.ingest.payloads import native_block
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Reception, TimeWindow, clean_batch
from app.ingest.validation import Mode, Override, Policy, compile_checks
from app.plan.contracts import FieldRules
from tests.unit.ingest.doors import doors, exchange, request
from tests.unit.ingest.harness import World, event, read_native, until

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
WINDOW = TimeWindow.of(max_age_days=7300, max_future_hours=24)
NAMES = frozenset({("web", "click"), ("web", "web"), ("shop", "buy")})
SECRET = "nobody may see this"
FIELD_NAMES = [
    "a", "aa", "plan", "price", "code", "é", "x.y", "event.plan", "user_id", "user_agent", "duration", "status", "environment",
    "ip_address", "ip", "distinct_id",
]  # fmt: skip
FIELDS = {
    "web": [
        FieldRules("plan", "enum", is_required=True, enum_options=("free", "pro", "prö", 'a"b')),
        FieldRules("price", "number", is_required=False, minimum=0, maximum=100),
        FieldRules("code", "string", is_required=False, regex="^[A-Z]{3}$"),
        FieldRules("link", "url", is_required=False),
        FieldRules("is_new", "boolean", is_required=False),
        FieldRules("cart", "json", is_required=False),
        FieldRules("email", "string", is_required=False, sensitivity="pii"),
        FieldRules("$ip", "string", is_required=False, sensitivity="pii"),
        FieldRules("session_id", "string", is_required=False, sensitivity="pii"),
    ]
}
GOOD = {
    "id": "i",
    "service": "web",
    "operation": "click",
    "user_id": "u1",
    "user_agent": "agent",
    "custom_attributes": {"plan": "pro", "price": 5.5, "code": "ABC", "link": "http://x", "is_new": False, "cart": None},
}


@pytest.fixture(scope="module")
def reader():
    def fail(message):
        raise AssertionError(message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_rows.log, "error", fail)
        yield CompiledReader(50, 100_000)


def reception(policy, fields=FIELDS, names=NAMES):
    return Reception("t", "p", ProjectPlan(names, compile_checks(fields, policy, b"secret"), ""), WINDOW, NOW)


def rows_of(payload, count):
    """The rows without the ids that were made up."""
    return [{**row, "id": row["id"] if len(row["id"]) < 30 else ""} for row in read_native(native_block([payload], count))]


def judged_singly(body, given):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rules, "clean_usual", lambda *_: None)
        return clean_batch(decode_batch(body, 50), given)


def agrees(reader, body, given):
    """Whether the reader takes the body; what it takes has to be good and the same rows."""
    found = reader.read([body], given) if reader.reads(body) else None
    if found is None:
        return False
    cleaned, counts = found
    expected = judged_singly(body, given)
    assert (expected.faults, expected.blocked, expected.quarantine) == ([], 0, b"")
    assert counts == [expected.count]
    assert rows_of(cleaned.encoded, cleaned.count) == rows_of(encode_columns([expected]), expected.count)
    assert dict(cleaned.flagged) == dict(expected.flagged)
    assert (cleaned.plan_revision, cleaned.has_own_ids) == (expected.plan_revision, expected.has_own_ids)
    return True


def body_of(*events):
    return json.dumps(list(events)).encode()


def changed(members=None, **attributes):
    return {**GOOD, **(members or {}), "custom_attributes": {**GOOD["custom_attributes"], **attributes}}


JUDGING = [
    Policy(Mode.FLAG),
    Policy(Mode.BLOCK),
    Policy(Mode.FLAG, refuses_unplanned=True, refuses_unknown_properties=True),
    Policy(Mode.BLOCK, refuses_unknown_properties=True, sensitivity={"pii": Treatment.DROP}),
]


@pytest.mark.parametrize("policy", [*JUDGING, Policy(sensitivity={"pii": Treatment.MASK})])
def test_good_events_are_read_by_compiled_code(reader, policy):
    assert agrees(
        reader, body_of(GOOD, changed(price=0), changed(price=100, code=None), changed({"user_agent": ""})), reception(policy)
    )


@pytest.mark.parametrize("policy", JUDGING)
@pytest.mark.parametrize(
    "attributes",
    [
        {"plan": None}, {"plan": "pr"}, {"plan": "prox"}, {"plan": 1}, {"price": -0.5}, {"price": 100.5}, {"price": "5"},
        {"price": True}, {"code": "ABCD"}, {"code": 7}, {"link": "http:/x"}, {"link": ""}, {"is_new": "true"}, {"is_new": 0},
        {"cart": "x"}, {"cart": 1},
    ],
)  # fmt: skip
def test_one_that_breaks_the_plan_is_left_to_the_rules_and_others_beside_it_are_read(reader, policy, attributes):
    bad = body_of(GOOD, changed(**attributes))
    good = body_of(GOOD, GOOD)
    given = reception(policy)

    assert not agrees(reader, bad, given)
    found = reader.read([good, bad, good, b"[]"], given)

    assert found is not None
    assert found[1] == [2, 0, 2, 0]
    assert rows_of(found[0].encoded, 4) == rows_of(encode_columns([judged_singly(good, given)]), 2) * 2


@pytest.mark.parametrize("treatment", [Treatment.MASK, Treatment.HMAC, Treatment.DROP])
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "event",
    [
        changed(email=SECRET),
        changed(**{"event.email": SECRET}),
        changed({"ip_address": SECRET}),
        changed(**{"$session_id": SECRET}),
        {"service": "new", "ip_address": SECRET},
        {"service": "shop", "custom_attributes": {"email": SECRET}},
        {"service": "new", "custom_attributes": {"event.email": SECRET}},
    ],
)
def test_no_labelled_value_is_written_by_compiled_code(reader, mode, treatment, event):
    given = reception(Policy(mode, sensitivity={"pii": treatment}))

    found = reader.read([body_of(event), body_of(GOOD)], given)

    assert found is not None
    assert found[1] == [0, 1]
    assert SECRET.encode() not in found[0].encoded
    assert SECRET.encode() not in (judged := judged_singly(body_of(event), given)).quarantine
    assert not judged.count or SECRET.encode() not in encode_columns([judged])


VALUES = (
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.integers(-2, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "ab", "b", "http://x", "://", "AB", "é", "x" * 130]) | st.lists(st.none(), max_size=1)
    | st.dictionaries(st.sampled_from(FIELD_NAMES), st.just("a"), max_size=1)
)  # fmt: skip
PLANS = st.dictionaries(
    st.sampled_from(["web", "shop"]),
    st.lists(
        st.builds(
            FieldRules,
            name=st.sampled_from(FIELD_NAMES),
            field_type=st.sampled_from(["string", "number", "boolean", "json", "enum", "url", "date"]),
            is_required=st.booleans(),
            enum_options=st.sampled_from([(), ("a",), ("b", "a", "ab", "é")]),
            regex=st.sampled_from([None, None, "a", "^a", "^$", "(", "(?i)^A*B?$"]),
            minimum=st.none() | st.sampled_from([0, -1.5, 2]),
            maximum=st.none() | st.sampled_from([1, 2.5]),
            sensitivity=st.sampled_from(["none", "none", "none", "pii"]),
        ),
        max_size=5,
        unique_by=lambda rule: rule.name,
    ),
)
POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    refuses_unplanned=st.booleans(),
    refuses_unknown_properties=st.booleans(),
    overrides=st.lists(
        st.builds(Override, st.sampled_from(Mode), source=st.sampled_from(["*", "web"]), environment=st.sampled_from(["*", "a"])),
        max_size=2,
    ).map(tuple),
    sensitivity=st.sampled_from([{}, {"pii": Treatment.MASK}, {"pii": Treatment.HMAC}, {"pii": Treatment.DROP}]),
)
TEXTS = st.none() | st.sampled_from(["", "a", "ab", "http://x"])
EVENTS = st.fixed_dictionaries(
    {"service": st.sampled_from(["web", "web", "shop", "new"])},
    optional={
        "id": st.sampled_from(["", "i1", "i2"]), "operation": st.sampled_from(["click", "buy", "other"]), "user_id": TEXTS,
        "user_agent": TEXTS, "status": TEXTS, "environment": TEXTS, "ip_address": TEXTS,
        "duration": st.none() | st.sampled_from([0, 1, 2.25, 3]),
        "custom_attributes": st.dictionaries(st.sampled_from(FIELD_NAMES), VALUES, max_size=5),
    },
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=3), PLANS, POLICIES, st.sampled_from([NAMES, NAMES, None]))
@example([GOOD], FIELDS, Policy(Mode.BLOCK), NAMES)
def test_whatever_is_read_under_a_policy_is_what_the_rules_make_of_it(reader, events, fields, policy, names):
    given = reception(policy, fields, names)
    agrees(reader, body_of(*events), given)


class Watched(CompiledReader):
    """Says how many bodies it has read."""

    read_bodies = 0

    def read(self, bodies, reception):
        found = super().read(bodies, reception)
        self.read_bodies += sum(count > 0 for count in found[1]) if found is not None else 0
        return found


@pytest.mark.parametrize("mode", Mode)
def test_answers_rows_and_quarantine_are_the_same_with_and_without_compiled_code(tmp_path, mode):
    policy = Policy(mode, refuses_unknown_properties=True, sensitivity={"pii": Treatment.MASK})
    checks = compile_checks({"web": FIELDS["web"]}, policy, b"secret")
    bodies = [
        [event(id=f"{number}-{place}", service="web", custom_attributes={"plan": "pro", "code": "ABC"}) for place in range(3)]
        for number in range(6)
    ]
    bodies[1][1]["custom_attributes"] = {"code": "abc", "plan": "free"}
    bodies[3][0]["custom_attributes"] = {"plan": "pro", "email": SECRET}
    bodies[4][2]["custom_attributes"] = {"plan": "pro", "odd": 1, "email": SECRET}

    def outcome(folder, reader):
        async def scenario():
            world = World()
            world.checks = checks
            async with doors(folder, world, reader) as (port, _, _):
                await exchange(port, request([event(id="first", custom_attributes={"plan": "pro"})]))
                answers = [(await exchange(port, request(body)))[0][2] for body in bodies]
                expected = 19 - sum(found["failed"] for found in answers)
                await until(lambda: len(world.store.events) == expected)
                await until(lambda: len(world.store.quarantine) == 19 - expected)
            unlike = ("received_at", "time")
            return answers, *(
                sorted(json.dumps({key: value for key, value in row.items() if key not in unlike}, sort_keys=True) for row in rows)
                for rows in (world.store.events, world.store.quarantine)
            )

        folder.mkdir()
        return asyncio.run(scenario())

    reader = Watched(10_000, 1 << 20)
    compiled, by_rules = outcome(tmp_path / "compiled", reader), outcome(tmp_path / "by rules", None)

    assert reader.read_bodies >= 3
    assert compiled == by_rules
    assert SECRET not in str(compiled)
    assert sum(found["failed"] for found in compiled[0]) == (2 if mode is Mode.BLOCK else 0)
