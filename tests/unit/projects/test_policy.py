from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.contracts import Direction, Signal, SignalState
from app.kernel.errors import InvalidInput
from app.metrics.contracts import ScopeType
from app.projects import policy


@given(st.from_regex(policy.SLUG_PATTERN, fullmatch=True))
def test_what_the_published_pattern_allows_is_a_slug(text):
    assert policy.is_slug(text) == (len(text) <= 255)


@given(st.text(max_size=20))
def test_nothing_else_is_a_slug(text):
    assert policy.is_slug(text) == bool(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text))


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "a_b", "a b", "a\n", "ä", "a" * 256])
def test_a_bad_slug_is_refused_at_its_field(text):
    with pytest.raises(InvalidInput) as refusal:
        policy.checked_slug(text)
    assert refusal.value.field == "slug"


def test_a_name_loses_its_outer_space_and_must_not_be_blank():
    assert policy.checked_name("  Shop ") == "Shop"
    for blank in ("", "   ", "\x00", "a" * 256):
        with pytest.raises(InvalidInput):
            policy.checked_name(blank)


def test_generated_slugs_have_their_shape():
    assert re.fullmatch(r"demo-[0-9a-f]{6}", policy.random_slug("demo"))


@pytest.mark.parametrize(
    ("actual", "expected", "significant"),
    [(50, 100.0, True), (51, 100.0, False), (150, 100.0, True), (149, 100.0, False), (1, 0.2, True), (0, 0.4, False)],
)
def test_a_signal_counts_from_half_of_what_is_expected(actual, expected, significant):
    signal = Signal(
        "c", "scan", ScopeType.PROJECT_TOTAL, "c", "Total", SignalState.RECENT, datetime(2026, 1, 1, tzinfo=UTC),
        Direction.DROP, actual, expected, 1.0, -5.0, None, None,
    )  # fmt: skip
    assert policy.is_significant(signal) is significant
