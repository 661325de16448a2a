"""What decisions do to a drift, and which field type a column calls for (contract 8.1, 8.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.kernel.errors import InvalidInput
from app.plan.contracts import DriftType
from app.plan.drift_rules import Triage, decided, field_type_for, fitting, fitting_type, type_accepted, visible_since
from app.plan.vocabulary import DriftAction, DriftStatus, FieldType

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=7)


def after(action: DriftAction, **given) -> Triage:
    arguments = {"note": "because", "snoozed_until": LATER, "user_id": "ada", "now": NOW, **given}
    return decided(action, **arguments)


def test_a_verdict_says_who_gave_it_and_when_and_has_no_end():
    assert after(DriftAction.ACCEPT) == Triage(DriftStatus.ACCEPTED, "because", None, NOW, "ada")
    assert after(DriftAction.FALSE_POSITIVE) == Triage(DriftStatus.FALSE_POSITIVE, "because", None, NOW, "ada")


def test_a_snooze_has_an_end_and_is_no_verdict():
    assert after(DriftAction.SNOOZE) == Triage(DriftStatus.SNOOZED, "because", LATER, None, None)
    with pytest.raises(InvalidInput) as refused:
        after(DriftAction.SNOOZE, snoozed_until=None)
    assert refused.value.field == "snoozed_until"


def test_a_reopened_drift_remembers_nothing():
    assert after(DriftAction.REOPEN) == Triage()
    assert Triage().status is DriftStatus.OPEN


@pytest.mark.parametrize(
    "name",
    ["Map(String, String)", "Array(String)", "Tuple(a Int8)", "Nested(a Int8)", "JSON", "Object('json')", "Nullable(JSON)",
     "Array(LowCardinality(Nullable(String)))", "LowCardinality(Nullable(Map(String, String)))", "Nullable(Nullable(json))",
     "jsonb", "text[]", "integer[3]", "ARRAY", "STRUCT<a INT64>", "RECORD", "ARRAY<STRING>", " json "],
)  # fmt: skip
def test_a_column_with_parts_calls_for_json(name):
    assert field_type_for(name) is FieldType.JSON


@pytest.mark.parametrize(
    "name",
    [None, "", "String", "Nullable(String)", "LowCardinality(String)", "Int64", "Float64", "Bool", "UUID", "DateTime64(3)",
     "Enum8('json' = 1)", "FixedString(16)", "character varying", "timestamp with time zone", "objective", "rowid", "Nullable("],
)  # fmt: skip
def test_any_other_column_calls_for_a_string(name):
    assert field_type_for(name) is FieldType.STRING


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("JSON number", "number"), ("JSON boolean", "boolean"), ("JSON string", "string"), ("JSON object", "json"),
     ("JSON array or object", "json"), ("JSON number or string", "string"), ("JSON number or object", "string")],
)  # fmt: skip
def test_a_property_calls_for_the_type_that_takes_all_its_values(name, wanted):
    assert (field_type_for(name), fitting_type(name)) == (wanted, wanted)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("Int64", "number"), ("Nullable(UInt8)", "number"), ("LowCardinality(Nullable(Float64))", "number"), ("int4", "number"),
     ("Decimal(10, 2)", "number"), ("numeric(10,2)", "number"), ("double precision", "number"), ("BIGNUMERIC", "number"),
     ("bigint", "number"), ("Bool", "boolean"), ("boolean", "boolean"), ("interval", "string"), ("String", "string"),
     ("DateTime", "string"), ("jsonb", "json"), ("Array(Int64)", "json"), (None, "string")],
)  # fmt: skip
def test_people_are_offered_what_a_column_holds(name, wanted):
    assert fitting_type(name) == wanted


def test_a_text_column_of_objects_becomes_json_whatever_its_own_type():
    assert type_accepted(DriftType.TYPE_CHANGED, "String", "string") is FieldType.JSON
    assert type_accepted(DriftType.TYPE_CHANGED, "String", "json") is FieldType.STRING
    assert type_accepted(DriftType.TYPE_CHANGED, "JSON number", "json") is FieldType.NUMBER
    assert type_accepted(DriftType.NEW_FIELD, "String", None) is FieldType.STRING


def test_text_from_a_warehouse_is_cut_and_freed_of_what_a_database_cannot_keep():
    assert fitting("a\x00bcd", 3) == "abc"
    assert fitting("x\ud800y", 10) == "x?y"
    assert fitting("é" * 300, 255) == "é" * 255
    assert (fitting("", 5), fitting(None, 5)) == ("", None)


def test_a_drift_is_shown_for_thirty_days():
    assert visible_since(NOW) == datetime(2026, 10, 2, 12, tzinfo=UTC)
