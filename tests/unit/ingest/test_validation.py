"""Events against compiled plan checks: every rule, every mode, and labelled values that must not get through."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.columns import encode_columns
from app.ingest.decode import decode_batch
from app.ingest.labels import Treatment
from app.ingest.payloads import json_lines
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import BREAKS_PLAN, UNREADABLE, Reception, TimeWindow, clean_batch
from app.ingest.validation import Mode, Override, Policy, compile_checks
from app.plan.contracts import FieldRules

WINDOW = TimeWindow.of(max_age_days=7300, max_future_hours=24)
NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
FIELDS = {
    "web": [
        FieldRules("plan", "enum", is_required=True, enum_options=("free", "pro")),
        FieldRules("price", "number", is_required=False, minimum=0, maximum=100),
        FieldRules("code", "string", is_required=False, regex="[A-Z]{3}"),
        FieldRules("link", "url", is_required=False),
        FieldRules("is_new", "boolean", is_required=False),
        FieldRules("cart", "json", is_required=False),
        FieldRules("email", "string", is_required=False, sensitivity="pii"),
        FieldRules("user_id", "string", is_required=False, sensitivity="internal"),
        FieldRules("$ip", "string", is_required=False, sensitivity="pii"),
        FieldRules("card.number", "string", is_required=False, sensitivity="pii"),
    ]
}


def clean(*events, policy, names=frozenset({("web", "click")})):
    return clean_batch(
        decode_batch(json.dumps(list(events)).encode(), 10_000),
        Reception(
            "t",
            "p",
            ProjectPlan(names, compile_checks(FIELDS, policy, b"secret")),
            TimeWindow.of(max_age_days=7300, max_future_hours=24),
            NOW,
        ),
    )


def rows_of(cleaned):
    return [json.loads(line) for line in json_lines(encode_columns([cleaned]))] if cleaned.count else []


def click(**attributes):
    return {"service": "web", "operation": "click", "custom_attributes": {"plan": "pro", **attributes}}


FLAGGING = Policy(mode=Mode.FLAG)
BLOCKING = Policy(mode=Mode.BLOCK)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, ""),
        ({"plan": None}, "plan is missing"),
        ({"plan": "gold"}, "plan is none of its options"),
        ({"plan": 3}, "plan is none of its options"),
        ({"price": 12.5}, ""),
        ({"price": "12"}, "price is not a number"),
        ({"price": True}, "price is not a number"),
        ({"price": -1}, "price is below 0"),
        ({"price": 101}, "price is above 100"),
        ({"price": None}, ""),
        ({"code": "ABC"}, ""),
        ({"code": "abc"}, "code does not match its pattern"),
        ({"link": "https://example.org"}, ""),
        ({"link": "example"}, "link is not an address"),
        ({"link": 5}, "link is not text"),
        ({"is_new": "yes"}, "is_new is neither true nor false"),
        ({"cart": [1]}, ""),
        ({"cart": "x"}, "cart is neither an object nor an array"),
        ({"unheard": 1}, ""),
    ],
)
def test_each_rule_flags_with_a_reason_that_does_not_quote_the_value(attributes, reason):
    (row,) = rows_of(clean(click(**attributes), policy=FLAGGING))

    assert (row["verdict"], row["verdict_reason"]) == ("flagged" if reason else "accepted", reason)


def test_blocked_events_are_quarantined_one_by_one_with_their_reason():
    cleaned = clean(click(), click(price="x"), click(price=5), policy=BLOCKING)

    assert cleaned.faults == [(1, "breaks the plan: price is not a number")]
    assert (cleaned.count, cleaned.blocked) == (2, 1)
    assert json.loads(cleaned.quarantine)["reason"] == "breaks the plan: price is not a number"


def test_flagged_events_are_counted_by_kind():
    cleaned = clean(click(price="x"), {"service": "other"}, click(), policy=FLAGGING)

    assert cleaned.flagged == {BREAKS_PLAN: 1, "not in plan": 1}


def test_unplanned_events_and_unknown_properties_are_blocked_only_when_asked():
    strict = Policy(mode=Mode.BLOCK, refuses_unplanned=True, refuses_unknown_properties=True)

    assert not clean({"service": "other"}, click(more=1), policy=BLOCKING).faults
    assert clean({"service": "other"}, click(more=1), policy=strict).faults == [
        (0, "breaks the plan: not in plan"),
        (1, "breaks the plan: more is not in the plan"),
    ]


def test_nothing_is_held_against_an_event_while_the_plan_cannot_be_read():
    strict = Policy(mode=Mode.BLOCK, refuses_unplanned=True)

    (row,) = rows_of(clean(click(price="x"), policy=strict, names=None))

    assert (row["verdict"], row["verdict_reason"]) == ("flagged", "plan unavailable")


def test_the_first_override_that_fits_decides():
    policy = Policy(
        mode=Mode.BLOCK,
        overrides=(Override(Mode.ALLOW, environment="staging"), Override(Mode.FLAG, source="web", event="click")),
    )

    staging, other = rows_of(clean({**click(price="x"), "environment": "staging"}, click(price="x"), policy=policy))

    assert (staging["verdict"], other["verdict"]) == ("accepted", "flagged")


def test_a_required_field_may_come_as_the_event_s_own_member():
    fields = {"web": [FieldRules("user_id", "string", is_required=True)]}
    batch = decode_batch(b'[{"service":"web","user_id":"u"},{"service":"web"}]', 10)
    cleaned = clean_batch(
        batch,
        Reception(
            "t",
            "p",
            ProjectPlan(frozenset({("web", "web")}), compile_checks(fields, BLOCKING, b"s")),
            TimeWindow.of(max_age_days=7300, max_future_hours=24),
            NOW,
        ),
    )

    assert cleaned.faults == [(1, "breaks the plan: user_id is missing")]


def test_treatments_mask_pseudonymise_and_drop():
    def only(treatment):
        policy = Policy(sensitivity={"pii": treatment, "internal": Treatment.HMAC})
        (row,) = rows_of(clean({**click(email="ana@example.org"), "user_id": "u1"}, policy=policy))
        return row, json.loads(row["properties"])

    masked, properties = only(Treatment.MASK)
    assert properties["email"] == "[masked]"
    assert len(masked["actor_id"]) == 32 and masked["actor_id"] == only(Treatment.DROP)[0]["actor_id"]
    assert "email" not in only(Treatment.DROP)[1]
    assert len(only(Treatment.HMAC)[1]["email"]) == 32


def test_a_refused_event_that_cannot_be_read_is_not_kept_as_text():
    policy = Policy(sensitivity={"pii": Treatment.MASK})
    body = b'[{"service":"web","timestamp":"soon","email":"ana@example.org"}]'
    cleaned = clean_batch(
        decode_batch(body, 10),
        Reception(
            "t",
            "p",
            ProjectPlan(frozenset(), compile_checks(FIELDS, policy, b"secret")),
            TimeWindow.of(max_age_days=7300, max_future_hours=24),
            NOW,
        ),
    )
    raw = json.loads(cleaned.quarantine)["raw"]

    assert "ana@" not in raw and "[masked]" in raw
    assert UNREADABLE.startswith("[left out")


SECRET = "s3cr3t-v4lu3"
nested = st.recursive(
    st.just(SECRET) | st.integers(0, 9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["email", "a", "user_id", "userId", "$ip", "card", "number"]), inner, max_size=3)
        | st.tuples(inner)  # stands for a text that is JSON itself
    ),
    max_leaves=8,
)


def _is_labelled(path):
    names = ("email", "user_id", "userId", "distinct_id", "$ip", "ip_address")
    return path.rpartition(".")[2] in names or path.endswith(".card.number")


def _hides(value, path="", is_labelled=False):
    """The same value with the secret only below labelled names."""
    if isinstance(value, dict):
        return {key: _hides(inner, f"{path}.{key}", is_labelled or _is_labelled(f"{path}.{key}")) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hides(inner, path, is_labelled) for inner in value]
    if isinstance(value, tuple):
        return " " + json.dumps(_hides(value[0], path, is_labelled))
    return value if is_labelled or value != SECRET else "plain"


@given(
    attributes=st.dictionaries(st.sampled_from(["email", "cart", "price", "a", "card", "distinct_id"]), nested, max_size=4),
    service=st.sampled_from(["web", "unheard", 7]),
    stamp=st.sampled_from([None, "soon"]),
    treatment=st.sampled_from([Treatment.MASK, Treatment.HMAC, Treatment.DROP]),
    mode=st.sampled_from(list(Mode)),
)
def test_no_labelled_value_reaches_a_row_a_reason_or_the_quarantine(attributes, service, stamp, treatment, mode):
    policy = Policy(mode=mode, refuses_unplanned=True, sensitivity={"pii": treatment, "internal": treatment})
    event = {"service": service, "operation": "click", "custom_attributes": _hides(attributes), "user_id": SECRET, "email": SECRET}
    event["ip_address"] = SECRET
    cleaned = clean({**event, "timestamp": stamp} if stamp else event, policy=policy)

    kept = msgspec.json.encode(rows_of(cleaned)) + cleaned.quarantine + repr(cleaned.faults).encode()
    assert SECRET.encode() not in kept


@pytest.mark.parametrize("place", [lambda text: text, lambda text: [text], lambda text: {"a": [[text]]}])
def test_a_text_of_json_is_looked_into_and_changed_only_where_something_is_labelled(place):
    policy = Policy(mode=Mode.BLOCK, sensitivity={"pii": Treatment.MASK})
    secret = json.dumps({"cart": [{"email": "ana@example.org", "inner": json.dumps({"email": "bo@example.org"})}]})
    texts = ['{"total": 1.50, "of": "[2]"}', "{no json", '{"email": 1', '["a"]', "[" * 5000 + '"']
    events = [click(a=place(text)) for text in [secret, *texts]]
    kept = [json.loads(row["properties"])["a"] for row in rows_of(clean(*events, policy=policy))]

    assert "example.org" not in repr(kept) and repr(kept[0]).count("[masked]") == 2
    assert kept[1:5] == [place(text) for text in texts[:4]]
    assert kept[5] == place("[masked]"), "too deep to be looked into"
