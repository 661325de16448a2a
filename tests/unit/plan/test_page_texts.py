"""What plan pages say: stretches of a comparison, tokens in values, refused merges, values of forms."""

from __future__ import annotations

import pytest

from app.kernel.errors import Conflict, InvalidInput
from app.plan.pages.branch_view import merge_problems
from app.plan.pages.differences import text_of_value
from app.plan.pages.words import lines_of, share_of, tags_of
from app.plan.tokens import split_tokens
from components.diff_view import compared


def joined(stretches, *, is_changed=None):
    return "".join(part.text for part in stretches if is_changed is None or part.is_changed is is_changed)


@pytest.mark.parametrize(
    ("old", "new"), [("a b c", "a x c"), ("", "new words"), ("gone", ""), ("same", "same"), ("a  b\nc", "a b\nc d")]
)
def test_both_sides_of_a_comparison_are_the_whole_texts(old, new):
    left, right = compared(old, new)
    assert (joined(left), joined(right)) == (old, new)
    assert joined(left, is_changed=False) == joined(right, is_changed=False)


def test_only_the_words_that_changed_are_marked():
    left, right = compared("A page was seen", "A page was seen by somebody")
    assert joined(left, is_changed=True) == ""
    assert joined(right, is_changed=True) == " by somebody"


def test_very_long_texts_are_compared_as_a_whole():
    left, right = compared("a " * 3000, "b " * 3000)
    assert len(left) == len(right) == 1


def test_tokens_are_told_apart_from_the_text_around_them():
    assert split_tokens("/item/${page_id}/x${q}") == [("/item/", False), ("${page_id}", True), ("/x", False), ("${q}", True)]
    assert split_tokens("") == []


def test_a_refused_merge_is_told_in_sentences():
    refusal = Conflict(
        "no",
        detail={
            "conflicts": [{"entity_type": "event", "name": "view.seen"}],
            "unresolved_field_conflicts": [{"entity_type": "event_type", "name": "view", "field": "color"}],
            "missing_owner_approvals": [{"event_type": "view", "owner_user_ids": ["1", "2"]}],
        },
    )
    assert merge_problems(refusal, {"1": "Ann", "2": "Bo"}) == [
        "The event view.seen was changed on main and on the branch.",
        "Choose the colour of view.",
        "view belongs to Ann and Bo; one of them must approve.",
    ]
    assert merge_problems(Conflict("It needs an approval"), {}) == ["It needs an approval"]


@pytest.mark.parametrize(
    ("attribute", "value", "text"),
    [
        ("is_required", True, "yes"),
        ("enum_options", ["a", "b"], "a, b"),
        ("status", "in_review", "In review"),
        ("contract_max_bad_rate", 0.05, "5 %"),
        ("field_values", {"b": "2", "a": "1"}, "a = 1\nb = 2"),
        ("description", None, ""),
    ],
)
def test_values_of_a_difference_are_words(attribute, value, text):
    assert text_of_value(attribute, value) == text


def test_forms_give_up_blanks_and_doubles():
    assert lines_of({"x": " a \n\nb\na"}, "x") == ["a", "b"]
    assert tags_of({"tags": "One, , two "}) == ["One", "two"]
    assert share_of({"x": "5"}, "x") == 0.05
    with pytest.raises(InvalidInput) as refused:
        share_of({"x": "120"}, "x")
    assert refused.value.field == "x"
