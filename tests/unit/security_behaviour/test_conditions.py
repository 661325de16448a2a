"""Operators, paths and bounds of condition trees, and patterns that must not run for long."""

from __future__ import annotations

import time

import pytest

from app.security.behaviour.conditions import InvalidConditions, check_conditions, matches
from app.security.behaviour.patterns import LONGEST_TEXT, UnsafePattern, compiled, is_found
from tests.unit.security_behaviour.scenes import LONDON, event

EVENT = event(
    "auth.login_failed",
    at=LONDON,
    status=200,
    ratio=0.5,
    reason="Bad Password",
    is_admin=True,
    tags=["Blue", "red"],
    nested={"a": {"b": [{"c": 7}]}},
    **{"dotted.key": "x"},
)


@pytest.mark.parametrize(
    ("field", "operator", "value", "is_met"),
    [
        ("metadata.status", "equals", "200", True),
        ("metadata.status", "eq", 200, True),
        ("metadata.status", "eq", 200.0, True),
        ("metadata.is_admin", "equals", "true", True),
        ("metadata.reason", "equals", "bad password", True),
        ("metadata.status", "not_equals", "200", False),
        ("metadata.status", "neq", "404", True),
        ("metadata.missing", "ne", "x", True),
        ("metadata.reason", "contains", "PASS", True),
        ("metadata.tags", "contains", "BLUE", True),
        ("metadata.tags", "contains", "lue", False),
        ("metadata.reason", "not_contains", "pass", False),
        ("metadata.missing", "not_contains", "pass", True),
        ("metadata.reason", "starts_with", "bad", True),
        ("metadata.reason", "ends_with", "WORD", True),
        ("metadata.status", "gt", 199, True),
        ("metadata.status", "gt", "200", False),
        ("metadata.status", "greater_than", 1, True),
        ("metadata.ratio", "lt", 1, True),
        ("metadata.ratio", "less_than", 0.5, False),
        ("metadata.status", "gte", 200, True),
        ("metadata.status", "lte", "200", True),
        ("metadata.status", "greater_than_or_equal", 201, False),
        ("metadata.status", "less_than_or_equals", 200, True),
        ("metadata.reason", "gt", 1, False),
        ("metadata.is_admin", "gt", 0, False),
        ("metadata.missing", "gt", 0, False),
        ("metadata.status", "in", [404, "200"], True),
        ("metadata.status", "in", "404, 200", True),
        ("metadata.status", "not_in", [404], True),
        ("metadata.status", "not_in", [200], False),
        ("metadata.missing", "in", ["x"], False),
        ("metadata.status", "exists", None, True),
        ("metadata.missing", "exists", None, False),
        ("metadata.missing", "not_exists", None, True),
        ("metadata.reason", "regex", "^bad .*word$", True),
        ("metadata.reason", "regex", r"\d", False),
        ("event", "equals", "auth.login_failed", True),
        ("user_ip", "starts_with", "81.2.", True),
        ("actor.id", "eq", "ANA", True),
        ("actor.email", "not_exists", None, True),
        ("metadata.geolocation.country_code", "equals", "gb", True),
        ("metadata.network_intelligence.is_vpn", "exists", None, False),
        ("metadata.nested.a.b.0.c", "equals", 7, True),
        ("metadata.dotted.key", "equals", "x", True),
        ("metadata.reason.deeper", "exists", None, False),
    ],
)
def test_operator(field, operator, value, is_met):
    tree = {"field": field, "operator": operator, "value": value}
    check_conditions(tree)
    assert matches(tree, EVENT) is is_met


def test_trees_combine_and_the_empty_tree_is_met_by_all():
    yes, no = ({"field": "event", "operator": "eq", "value": name} for name in ("auth.login_failed", "other"))
    assert matches({}, EVENT)
    assert not matches({"logical_operator": "AND", "conditions": [yes, no]}, EVENT)
    assert matches({"logical_operator": "or", "conditions": [no, {"conditions": [yes, {}]}]}, EVENT)


def test_place_that_the_sender_invents_does_not_hide_the_known_one():
    lying = event("auth.login_failed", at=LONDON, geolocation={"country_code": "US"})
    assert matches({"field": "metadata.geolocation.country_code", "operator": "eq", "value": "GB"}, lying)


@pytest.mark.parametrize(
    "tree",
    [
        {"field": "event", "operator": "resembles", "value": 1},
        {"field": "event", "operator": "eq"},
        {"operator": "eq", "value": 1},
        {"conditions": "x"},
        {"logical_operator": "XOR", "conditions": []},
        {"conditions": ["x"]},
        {"field": "event", "operator": "regex", "value": "("},
        {"conditions": [{"field": "event", "operator": "exists"}] * 101},
    ],
)
def test_unusable_tree_is_refused(tree):
    with pytest.raises(InvalidConditions):
        check_conditions(tree)


def test_tree_nested_too_deep_is_refused():
    tree = {"field": "event", "operator": "exists"}
    for _ in range(10):
        tree = {"conditions": [tree]}
    with pytest.raises(InvalidConditions):
        check_conditions(tree)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(a|a)*b",
        "(.*)*x",
        "a*a*a*a*b",
        r"(a)\1",
        "(?=a)b",
        "(?<!a)b",
        "a?" * 30 + "a" * 30,
        "x" * 201,
        "(",
        "[z-a]",
    ],
)
def test_pattern_that_may_explode_or_is_none_is_refused(pattern):
    with pytest.raises(UnsafePattern):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern", [".*foo.*", "^admin@", r"\d{3}-\d{4}", "(curl|wget)/", "(?:ab|cd){2}", "^[a-z]+ [a-z]+ [a-z]+$", ".*a.*b"]
)
def test_ordinary_pattern_is_taken_and_is_quick_on_the_worst_text(pattern):
    started = time.process_time()
    for text in ("a" * 100_000, "a " * 50_000, "ab" * 50_000):
        is_found(pattern, text)
    assert time.process_time() - started < 1
    assert LONGEST_TEXT < 100_000
