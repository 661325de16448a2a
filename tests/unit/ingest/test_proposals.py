"""What would heal a violation."""

from __future__ import annotations

import pytest

from app.ingest.proposals import Remedy, remedy_of, type_of
from app.kernel.errors import BadRequest
from app.plan.vocabulary import FieldType


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("not in plan", (Remedy.PLAN_EVENT, "")),
        ("breaks the plan: not in plan", (Remedy.PLAN_EVENT, "")),
        ("breaks the plan: total is missing", (Remedy.MAKE_OPTIONAL, "total")),
        ("total is not a number", (Remedy.CHANGE_TYPE, "total")),
        ("a b is not in the plan", (Remedy.ADD_FIELD, "a b")),
        ("tier is none of its options", (Remedy.ADD_OPTIONS, "tier")),
        ("sku does not match its pattern", (Remedy.DROP_PATTERN, "sku")),
        ("total is below 5", (Remedy.WIDEN_RANGE, "total")),
        ("timestamp is out of range", None),
        ("service is empty", None),
    ],
)
def test_each_fault_has_its_remedy(reason, remedy):
    assert remedy_of(reason) == remedy


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5], FieldType.NUMBER),
        ([True], FieldType.BOOLEAN),
        ([{"a": 1}, [1]], FieldType.JSON),
        (["https://a.example"], FieldType.URL),
        (["https://a.example", "plain"], FieldType.STRING),
    ],
)
def test_a_type_takes_every_value_of_the_examples(values, kind):
    assert type_of(values) is kind


@pytest.mark.parametrize("values", [[], [1, "x"], [True, 1]])
def test_examples_of_several_kinds_prove_nothing(values):
    with pytest.raises(BadRequest):
        type_of(values)
