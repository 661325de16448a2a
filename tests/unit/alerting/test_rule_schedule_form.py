"""The schedule of a rule between its form and a sentence."""

from __future__ import annotations

from datetime import time

import pytest

from app.alerting.pages.rule_schedule import said, schedule_of_form
from app.alerting.schedules import Digest, QuietHours, Rhythm, Schedule
from app.kernel.errors import InvalidInput

EMPTY = {"rhythm": "", "at": "09:00", "quiet_start": "", "quiet_end": "", "quiet_days": "0123456", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("form", "schedule", "words"),
    [
        ({}, Schedule("Europe/Berlin"), "Messages leave at once."),
        (
            {"quiet_start": "22:00", "quiet_end": "07:00"},
            Schedule("Europe/Berlin", QuietHours(time(22), time(7))),
            "Messages leave at once, but never between 22:00 and 07:00: what fires then waits, as one "
            "message, for the end (Europe/Berlin).",
        ),
        (
            {"rhythm": "week2", "at": "08:15", "quiet_start": "12:00", "quiet_end": "13:00", "quiet_days": "56"},
            Schedule(
                "Europe/Berlin",
                QuietHours(time(12), time(13), frozenset({5, 6})),
                Digest(Rhythm.WEEK, time(8, 15), 2),
            ),
            "What fires leaves as one message every Wednesday at 08:15, but never between 12:00 and 13:00 (Saturday and Sunday): "
            "what fires then waits, as one message, for the end (Europe/Berlin).",
        ),
        (
            {"rhythm": "hour"},
            Schedule("Europe/Berlin", digest=Digest(Rhythm.HOUR)),
            "What fires within an hour leaves as one message",
        ),
    ],
)
def test_a_form_is_a_schedule_and_a_sentence(form, schedule, words):
    found = schedule_of_form(EMPTY | form)

    assert found == schedule and said(found).startswith(words)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({"quiet_start": "22:00"}, "quiet_end"),
        ({"quiet_start": "late", "quiet_end": "07:00"}, "quiet_start"),
        ({"rhythm": "week9"}, "rhythm"),
        ({"rhythm": "fortnight"}, "rhythm"),
        ({"rhythm": "day", "at": "noon"}, "at"),
    ],
)
def test_what_means_nothing_is_refused_at_its_field(form, name):
    with pytest.raises(InvalidInput) as refusal:
        schedule_of_form(EMPTY | form)
    assert refusal.value.field == name
