"""The assistant's words under an alert: asked for by the rule, escaped, kept for later attempts, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import Parcel, Target
from app.alerting.told_by_model import notes_of, with_explanation
from app.alerting.vocabulary import DestinationType
from app.kernel.errors import Unavailable

SNAPSHOT = {
    "rendered_message": "Orders dropped",
    "message_format": "slack_mrkdwn",
    "project": {"name": "Shop", "slug": "shop"},
    "rule": {"id": "r", "name": "Orders"},
    "scan": {"id": "s", "name": "Hourly"},
    "matched_count": 1,
    "items": [{"scope_name": "order paid", "actual_count": 1, "expected_count": 90, "sample_value": "ann@example.com"}],
}
PARCEL = Parcel(
    "d1",
    Target(DestinationType.SLACK, "ops", DestinationFields()),
    dict(SNAPSHOT),
    datetime(2026, 11, 25, tzinfo=UTC),
    wants_explanation=True,
)


def test_the_words_stand_under_the_message_and_stay_for_later_attempts():
    asked: list[object] = []

    told = with_explanation(PARCEL, lambda facts: (asked.append(facts), "Paid orders fell\nto <1> & ${rule_name}.")[1])

    assert told.snapshot["rendered_message"] == (
        "Orders dropped\n\nExplained by the assistant: Paid orders fell to &lt;1&gt; &amp; ${rule_name}."
    )
    assert notes_of(told)["explanation"] == "Paid orders fell to <1> & ${rule_name}."
    assert "ann@example.com" not in str(asked)
    assert "order paid" in str(asked)


@pytest.mark.parametrize("answer", ["", "x" * 500])
def test_what_says_nothing_or_does_not_fit_is_left_out(answer):
    long = replace(PARCEL, snapshot={**SNAPSHOT, "rendered_message": "y" * 38_900})
    assert with_explanation(long, lambda _: answer) is long


def test_a_model_that_fails_changes_nothing():
    def away(_: object) -> str:
        raise Unavailable("The assistant is off, or has no key")

    assert with_explanation(PARCEL, away) is PARCEL
    assert notes_of(PARCEL) == {}


def test_a_rule_that_does_not_ask_is_told_as_ever():
    quiet = replace(PARCEL, wants_explanation=False)
    assert with_explanation(quiet, lambda _: pytest.fail("asked")) is quiet
