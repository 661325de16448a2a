"""What people judged, set against what a rule would have told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.alerting.contracts import Candidate
from app.alerting.scoring import Judged, Score, score
from app.alerting.vocabulary import AlertDirection, AlertScope

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(hour: int, ref: str = "paid", direction: AlertDirection = AlertDirection.DROP, scan: str = "scan"):
    return scan, Candidate(AlertScope.EVENT, ref, ref, START + hour * HOUR, direction, 1.0, 10.0)


def judged(first: int, last: int, *, is_real: bool, ref: str = "paid") -> Judged:
    moments = (START + first * HOUR, START + last * HOUR)
    return Judged("scan", (AlertScope.EVENT, ref), AlertDirection.DROP, *moments, is_real)


def test_each_judged_incident_counts_once_however_often_it_was_told():
    incidents = [judged(0, 3, is_real=True), judged(10, 10, is_real=False), judged(20, 21, is_real=True)]

    assert score([told(0), told(2), told(10)], incidents) == Score(true_alarms=1, false_alarms=1, missed=1, unjudged=0)


def test_a_message_about_another_direction_scan_scope_or_time_is_unjudged_and_reaches_nothing():
    others = [told(0, direction=AlertDirection.SPIKE), told(0, scan="other"), told(0, ref="seen"), told(4)]

    assert score(others, [judged(0, 3, is_real=True)]) == Score(missed=1, unjudged=4)


def test_silence_about_a_false_incident_is_not_held_against_the_rule():
    assert score([], [judged(0, 3, is_real=False)]) == Score()
