"""The form of a threat model and the model it stands for."""

from __future__ import annotations

import pytest

from app.kernel.errors import InvalidInput
from app.security.pages.threat_model_form import EMPTY_FORM, conditions_text, draft_of, form_of
from app.security.service.threat_models import ModelDraft, StepDraft

BIG = {"field": "metadata.rows", "operator": "gte", "value": "100"}
KNOWN = {"field": "actor_id", "operator": "exists"}
BOTH = {"logical_operator": "OR", "conditions": [BIG, KNOWN]}
NESTED = {"conditions": [BIG, {"conditions": [KNOWN]}]}


@pytest.mark.parametrize("conditions", [{}, BIG, KNOWN, BOTH, NESTED])
def test_model_survives_its_form(conditions):
    draft = ModelDraft(
        name="Exports",
        description="Ask first",
        step=StepDraft("data.*", 60, conditions),
        threshold=3,
        followed_by=StepDraft("auth.logout", 5, conditions),
        group_by="ip",
        severity="high",
        is_enabled=False,
    )
    assert draft_of(*form_of(draft)) == draft


def test_rows_that_are_not_filled_are_left_out_while_typing_and_refused_when_saving():
    form = {**EMPTY_FORM, "name": "x"}
    rows = [{"field": "", "operator": "equals", "value": ""}, {**BIG}, {"field": "a", "operator": "equals", "value": ""}]
    assert draft_of(form, rows, [], is_lenient=True).step.conditions == BIG
    with pytest.raises(InvalidInput, match="names a field and a value"):
        draft_of(form, rows, [])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"threshold": "many"}, "threshold"),
        ({"window": ""}, "window_minutes"),
        ({"raw": "{"}, "conditions"),
        ({"raw": "[]"}, "conditions"),
        ({"has_next": "yes", "next_window": "x"}, "followed_by.window_minutes"),
    ],
)
def test_what_is_no_number_or_no_object_is_told_at_its_field(changed, field):
    with pytest.raises(InvalidInput) as refusal:
        draft_of({**EMPTY_FORM, **changed}, [], [])
    assert refusal.value.field == field


def test_conditions_are_told_in_words():
    assert conditions_text({}) == ""
    assert conditions_text(BOTH) == "metadata.rows is at least 100 or actor_id is present"
    assert conditions_text(NESTED) == "nested conditions"
