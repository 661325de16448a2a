from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from app.detection.contracts import Direction
from app.detection.why.contracts import (
    Cause,
    ChartMark,
    FieldDrift,
    Findings,
    LogBurst,
    NewRelease,
    PlanChange,
    PlannedWindow,
    SourceState,
    Subject,
    ValueMove,
)
from app.detection.why.ranking import NOTHING_FITS, rank
from app.detection.why.timing import closeness
from app.metrics.contracts import ScopeType, SeriesKey

AT = datetime(2026, 3, 9, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = SeriesKey("scan", ScopeType.EVENT, "event")


def subject(actual: float = 200, expected: float = 1_000, last_hours: int = 0) -> Subject:
    direction = Direction.SPIKE if actual >= expected else Direction.DROP
    return Subject(KEY, direction, AT, AT + last_hours * HOUR, HOUR, actual, expected)


def moves(column: str, **values: tuple[float, float]) -> tuple[ValueMove, ...]:
    return tuple(ValueMove(column, value, actual, expected) for value, (actual, expected) in values.items())


EVEN = moves("country", DE=(80, 400), FR=(60, 300), IT=(60, 300))
ONE_VALUE = moves("country", DE=(2, 400), FR=(300, 300), IT=(290, 300))


def test_the_value_that_carries_the_drop_is_named_with_its_numbers():
    [found] = rank(subject(600), Findings(values=ONE_VALUE)).explanations
    assert (found.cause, found.title) == (Cause.BREAKDOWN, "country = DE")
    assert found.figures["share_of_change"] == pytest.approx(0.975, abs=0.001)
    assert found.figures["usual_share"] == pytest.approx(0.4)
    assert found.sentence == "country = DE carries 98% of the drop, usually it has 40% of the count: 2 instead of 400."


def test_a_change_that_all_values_share_names_none():
    found = rank(subject(), Findings(values=EVEN))
    assert found.is_unknown and found.reason == f"{NOTHING_FITS}."


def test_a_value_that_is_nearly_everything_explains_nothing():
    assert rank(subject(), Findings(values=moves("plan", free=(180, 950), paid=(20, 50)))).is_unknown


def test_a_few_rows_by_chance_are_no_explanation():
    assert rank(subject(6, 12), Findings(values=moves("country", DE=(1, 4), FR=(3, 4), IT=(2, 4)))).is_unknown


def test_a_value_that_moved_the_other_way_is_not_named():
    values = moves("country", DE=(100, 800), FR=(100, 200))
    assert {one.title for one in rank(subject(200), Findings(values=values)).explanations} <= {"country = DE"}


def test_what_was_planned_comes_before_a_coincidence():
    planned = PlannedWindow("p", "Migration", "", AT - HOUR, AT + 3 * HOUR, is_of_scope=False)
    mark = ChartMark("m", "Deploy", AT - HOUR, is_of_scope=True)
    found = rank(subject(600), Findings(values=ONE_VALUE, planned=(planned,), marks=(mark,))).explanations
    assert [one.cause for one in found] == [Cause.PLANNED_EVENT, Cause.BREAKDOWN, Cause.ANNOTATION]
    assert all(first.strength >= second.strength for first, second in pairwise(found))


def test_a_planned_event_that_ended_before_is_none():
    planned = PlannedWindow("p", "Migration", "", AT - 5 * HOUR, AT, is_of_scope=True)
    assert rank(subject(), Findings(planned=(planned,))).is_unknown


def test_a_release_is_stronger_the_more_of_the_change_it_carries():
    carrying = NewRelease("2.0", AT - HOUR, 0.8, observed=20, expected=800)
    harmless = NewRelease("2.1", AT - HOUR, 0.1, observed=100, expected=100)
    found = rank(subject(), Findings(releases=(harmless, carrying))).explanations
    assert [one.title for one in found] == ["Release 2.0"]
    assert found[0].figures["share_of_change"] == pytest.approx(0.975)


def test_a_merge_counts_only_when_it_changes_the_series():
    touching = PlanChange("b", "rename checkout", AT - HOUR, True, 3, ("the event checkout",))
    elsewhere = PlanChange("c", "new icons", AT - HOUR, True, 9)
    found = rank(subject(), Findings(plan_changes=(elsewhere, touching))).explanations
    assert [one.ref for one in found] == ["b"]
    assert "changes the event checkout" in found[0].sentence


def test_rows_that_stopped_matching_make_a_merge_likelier():
    change = PlanChange("b", "rename", AT - HOUR, True, 1, ("the event checkout",))
    source = SourceState(matched_share=0.4, usual_matched_share=1.0)
    found = rank(subject(), Findings(plan_changes=(change,), source=source)).explanations
    assert [one.cause for one in found] == [Cause.PLAN_CHANGE, Cause.SCHEMA_DRIFT]


def test_a_silent_source_is_told_from_one_silent_event():
    everything = SourceState(other_series=5, other_fallen=5, total_actual=10, total_expected=9_000)
    alone = SourceState(other_series=5, other_fallen=0, total_actual=8_200, total_expected=9_000)
    assert rank(subject(0), Findings(source=everything)).explanations[0].cause is Cause.SOURCE
    assert rank(subject(0), Findings(source=alone)).is_unknown


def test_a_spike_after_buckets_nobody_collected_is_late_data():
    [found] = rank(subject(3_000), Findings(source=SourceState(missing_buckets=2))).explanations
    assert (found.cause, found.title) == (Cause.SOURCE, "Late or missing data")


def test_error_lines_count_when_they_are_many_more_than_usual():
    assert rank(subject(), Findings(logs=(LogBurst("payments", 400, 12.0),))).explanations[0].cause is Cause.LOG_ERRORS
    assert rank(subject(), Findings(logs=(LogBurst("payments", 30, 25.0),))).is_unknown
    assert rank(subject(), Findings(logs=(LogBurst("payments", 6, 0.0),))).is_unknown


def test_a_drift_is_near_when_the_scan_after_the_bucket_found_it():
    def drift(moment: datetime, kind: str = "missing_field") -> FieldDrift:
        return FieldDrift("d", "Shop", "amount", kind, moment)

    assert rank(subject(), Findings(drifts=(drift(AT + 2 * HOUR),))).explanations[0].title == "Shop.amount"
    assert rank(subject(), Findings(drifts=(drift(AT - 10 * HOUR),))).is_unknown
    assert rank(subject(), Findings(drifts=(drift(AT + 12 * HOUR),))).is_unknown


def test_nearness_falls_to_a_half_at_the_lead_and_ends_there():
    one = subject()
    assert closeness(one, AT + timedelta(minutes=59)) == closeness(one, AT - HOUR) == 1.0
    assert closeness(one, AT - 6 * HOUR) == pytest.approx(0.5)
    assert closeness(one, AT - 7 * HOUR) == closeness(one, AT + HOUR) == 0.0


def test_unknown_says_what_could_not_be_looked_at():
    found = rank(subject(), Findings(not_seen=("Log lines cannot be read at the moment",)))
    assert found.reason == f"{NOTHING_FITS}. Log lines cannot be read at the moment."
