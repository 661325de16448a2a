"""Batches that keep to the plan take a short road; what becomes of every event is the same as on the long one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingest import rules
from app.ingest.columns import encode_columns
from app.ingest.decode import decode_batch
from app.ingest.labels import Treatment
from app.ingest.payloads import json_lines
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Reception, TimeWindow, clean_batch
from app.ingest.validation import Mode, Override, Policy, compile_checks
from app.plan.contracts import FieldRules

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
WINDOW = TimeWindow.of(max_age_days=7300, max_future_hours=24)
NAMES = frozenset({("web", "click"), ("web", "web"), ("shop", "buy")})
FIELDS = {
    "web": [
        FieldRules("plan", "enum", is_required=True, enum_options=("free", "pro")),
        FieldRules("price", "number", is_required=False, minimum=0, maximum=100),
        FieldRules("code", "string", is_required=False, regex="^[A-Z]{3}$"),
        FieldRules("link", "url", is_required=False),
        FieldRules("is_new", "boolean", is_required=False),
        FieldRules("cart", "json", is_required=False),
        FieldRules("email", "string", is_required=False, sensitivity="pii"),
    ],
    "shop": [
        FieldRules("user_id", "string", is_required=True, regex="^u"),
        FieldRules("duration", "number", is_required=False, maximum=50),
        FieldRules("colour", "enum", is_required=False, regex="^[a-z]+$"),
        FieldRules("email", "string", is_required=False, sensitivity="pii"),
    ],
}
POLICIES = [
    Policy(Mode.FLAG),
    Policy(Mode.BLOCK),
    Policy(Mode.FLAG, refuses_unplanned=True, refuses_unknown_properties=True),
    Policy(Mode.BLOCK, refuses_unplanned=True),
    Policy(Mode.ALLOW, overrides=(Override(Mode.BLOCK, source="web"), Override(Mode.FLAG, environment="test"))),
    Policy(Mode.ALLOW, sensitivity={"pii": Treatment.MASK}),
    Policy(Mode.FLAG, sensitivity={"pii": Treatment.DROP}),
]
GOOD = {
    "plan": st.sampled_from(["free", "pro"]),
    "price": st.integers(0, 100) | st.floats(0, 100),
    "code": st.sampled_from(["ABC", "XYZ"]),
    "link": st.just("https://example.com"),
    "is_new": st.booleans(),
}
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SOME = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "pro", "ABC", "u1", "a b"])
NAMED = st.sampled_from(["plan", "price", "code", "link", "is_new", "cart", "email", "user_id", "duration", "colour", "other"])
EVENTS = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "service": st.sampled_from(["web", "shop", "elsewhere"]),
        "custom_attributes": st.fixed_dictionaries({}, optional=GOOD)
        | st.dictionaries(NAMED, SOME | st.lists(SOME, max_size=1) | st.dictionaries(NAMED, SOME, max_size=1), max_size=4),
    },
    optional={
        "operation": st.sampled_from(["click", "buy", "unknown"]),
        "user_id": st.sampled_from(["u1", "x"]) | st.integers(0, 3),
        "duration": st.integers(0, 60),
        "environment": st.sampled_from(["test", "live"]),
        "user_agent": st.just("agent"),
    },
)


def outcome(events: list[dict], policy: Policy, names: frozenset | None):
    plan = ProjectPlan(names, compile_checks(FIELDS, policy, b"secret"))
    cleaned = clean_batch(decode_batch(json.dumps(events).encode(), 10_000), Reception("t", "p", plan, WINDOW, NOW))
    rows = [json.loads(line) for line in json_lines(encode_columns([cleaned]))] if cleaned.count else []
    by_id = sorted(rows, key=lambda row: row["id"])
    return by_id, cleaned.faults, dict(cleaned.flagged), cleaned.blocked, cleaned.quarantine, cleaned.has_own_ids


@settings(max_examples=400)
@given(st.lists(EVENTS, min_size=1, max_size=8), st.sampled_from(POLICIES), st.sampled_from([NAMES, None]))
def test_both_roads_come_to_the_same(events, policy, names):
    short = outcome(events, policy, names)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rules, "clean_usual", lambda *_: None)
        long = outcome(events, policy, names)

    assert short == long


@pytest.mark.parametrize("policy", POLICIES)
def test_good_events_take_the_short_road(policy, monkeypatch):
    monkeypatch.setattr(rules.EventRules, "rows_of", None)
    click = {"service": "web", "operation": "click", "custom_attributes": {"plan": "pro", "price": 5, "code": "ABC"}}

    rows, faults, flagged, *_ = outcome([click, {**click, "user_agent": "agent"}], policy, NAMES)

    assert [row["verdict"] for row in rows] == ["accepted", "accepted"]
    assert (faults, flagged) == ([], {})


def test_one_that_breaks_the_plan_sends_no_other_on_the_long_road(monkeypatch):
    looked_at = []
    rows_of = rules.EventRules.rows_of

    def counting(self, events):
        events = list(events)
        looked_at.append(len(events))
        return rows_of(self, events)

    monkeypatch.setattr(rules.EventRules, "rows_of", counting)
    clicks = [{"service": "web", "operation": "click", "custom_attributes": {"plan": "pro", "price": price}} for price in range(99)]
    bad = {"service": "web", "operation": "click", "custom_attributes": {"plan": "none"}}

    rows, faults, *_ = outcome([*clicks[:40], bad, *clicks[40:]], Policy(Mode.BLOCK), NAMES)

    assert looked_at == [1]
    assert (len(rows), faults) == (99, [(40, "breaks the plan: plan is none of its options")])
