from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from app.kernel.errors import InvalidInput
from app.plan import rules
from app.plan.value_pattern import LONGEST, ValuePattern


@dataclass
class Definition:
    id: str
    name: str
    is_required: bool = False


@dataclass
class Shape:
    field_type: str = "string"
    enum_options: list[str] | None = None
    contract_regex: str | None = None
    contract_min_value: float | None = None
    contract_max_value: float | None = None


def refusal(function, *arguments, **named) -> tuple[str | None, str]:
    with pytest.raises(InvalidInput) as caught:
        function(*arguments, **named)
    return caught.value.field, caught.value.message


def test_tags_are_trimmed_lower_cased_and_kept_once_in_the_order_given():
    assert rules.checked_tags([" Checkout ", "b", "CHECKOUT", "", "  ", "Ä"]) == ["checkout", "b", "ä"]


def test_a_tag_that_no_column_can_hold_is_refused():
    assert rules.checked_tags(["x" * 100]) == ["x" * 100]
    assert refusal(rules.checked_tags, ["x" * 101])[0] == "tags"


def test_breakdown_columns_are_trimmed_and_kept_once():
    assert rules.checked_breakdown_columns([" a ", "a", "", "B"]) == ["a", "B"]
    field, message = refusal(rules.checked_breakdown_columns, ["a.b"])
    assert field == "metric_breakdown_columns" and "a.b" in message


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([("x", "1")], "Unknown field definition x"),
        ([("a", "1"), ("a", "2"), ("b", "3")], "The field alpha is given twice"),
        ([("a", "1")], "A value is required for the field beta"),
        ([("b", "  ")], "A value is required for the field beta"),
    ],
)
def test_values_that_do_not_fit_name_the_field(values, says):
    definitions = {"a": Definition("a", "alpha"), "b": Definition("b", "beta", is_required=True)}
    assert refusal(rules.checked_values, values, definitions, field="field_values", what="field") == ("field_values", says)
    assert rules.checked_values([("b", "1")], definitions, field="field_values", what="field") == {"b": "1"}


@pytest.mark.parametrize(
    ("shape", "field"),
    [
        (Shape("enum"), "enum_options"),
        (Shape("enum", []), "enum_options"),
        (Shape("enum", [" "]), "enum_options"),
        (Shape(contract_regex="["), "contract_regex"),
        (Shape(contract_regex="(unclosed"), "contract_regex"),
        (Shape(contract_regex=r"(a)\1"), "contract_regex"),
        (Shape(contract_regex="(?=a)"), "contract_regex"),
        (Shape(contract_regex="((a{1000}){1000}){1000}"), "contract_regex"),
        (Shape(contract_regex="a" * (LONGEST + 1)), "contract_regex"),
        (Shape(contract_min_value=2, contract_max_value=1), "contract_min_value"),
    ],
)
def test_a_field_whose_parts_do_not_fit_is_refused(shape, field):
    assert refusal(rules.check_field, shape)[0] == field


@pytest.mark.parametrize(
    "shape",
    [
        Shape(),
        Shape("enum", ["a"]),
        Shape(contract_regex=r"^[A-Z]{3}$"),
        Shape(contract_min_value=1, contract_max_value=1),
        Shape(contract_min_value=1),
    ],
)
def test_a_field_whose_parts_fit_is_taken(shape):
    rules.check_field(shape)


@pytest.mark.parametrize("template", ["x", "https://example.com/", "javascript:alert('${value}')", "data:text/html,${value}"])
def test_a_link_template_that_leads_nowhere_is_refused(template):
    assert refusal(rules.checked_link_template, template)[0] == "link_template"


def test_a_link_template_is_trimmed_and_none_when_blank():
    assert rules.checked_link_template(" https://example.com/${value} ") == "https://example.com/${value}"
    assert rules.checked_link_template("${value}") == "${value}"
    assert rules.checked_link_template("   ") is None
    assert rules.checked_link_template(None) is None


@pytest.mark.parametrize("name", ["", "A", "1a", "a.b", "a-b", "a\n", "é"])
def test_a_variable_name_that_cannot_stand_in_a_token_is_refused(name):
    assert refusal(rules.checked_variable_name, name)[0] == "name"


def test_a_pattern_is_found_anywhere_in_the_value():
    assert ValuePattern("b+").matches("abbc")
    assert not ValuePattern("^b+$").matches("abbc")
    assert ValuePattern(r"^\d{3}$").matches("123")
    assert ValuePattern("(?i)abc").matches("xABCx")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_pattern_that_would_hang_a_backtracking_engine_ends_at_once(pattern):
    compiled = ValuePattern(pattern)
    started = time.process_time()
    compiled.matches("a" * 20_000 + "!")
    assert time.process_time() - started < 2
