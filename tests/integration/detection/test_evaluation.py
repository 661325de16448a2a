from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from app.detection import service as detection
from app.detection.contracts import EvaluationResult, Outcome
from app.kernel.telemetry import ANOMALIES_DETECTED
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType
from models.plan import Event
from tests.integration.detection.watched_project import HOUR, MONDAY, VIEWER, WatchedProject


@pytest.fixture
def watched(engine: Engine) -> WatchedProject:
    return WatchedProject(engine)


def test_a_drop_in_the_newest_bucket_is_stored_for_each_scope(watched: WatchedProject):
    before = ANOMALIES_DETECTED._value.get()
    now = watched.count(MONDAY, [100] * 100 + [20])
    result = watched.evaluate(now)
    assert [(row.scope_type, row.direction, row.actual_count) for row in watched.anomalies()] == [
        ("event", "drop", 20),
        ("event_type", "drop", 20),
        ("project_total", "drop", 20),
    ]
    total = watched.anomalies()[2]
    assert (total.scope_ref, total.bucket, total.last_bucket) == (watched.scan_id, now - HOUR, now - HOUR)
    assert total.z_score == pytest.approx((20 - total.expected_count) / total.stddev)
    assert result == EvaluationResult(anomaly_count=3, signal_count=3, unknown_count=0)
    assert ANOMALIES_DETECTED._value.get() - before == 3


def test_a_second_evaluation_of_the_same_counts_changes_nothing(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 100 + [20])
    watched.evaluate(now)
    ids = [row.id for row in watched.anomalies()]
    before = ANOMALIES_DETECTED._value.get()
    watched.evaluate(now)
    assert [row.id for row in watched.anomalies()] == ids
    assert ANOMALIES_DETECTED._value.get() == before


def test_an_anomaly_goes_when_its_counts_are_corrected(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 100 + [20])
    watched.evaluate(now)
    watched.count(now - HOUR, [101])
    assert watched.evaluate(now).anomaly_count == 0
    assert watched.anomalies() == []


def test_a_first_evaluation_covers_the_past_and_later_ones_thirty_buckets(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 100 + [20] + [100] * 60)
    watched.evaluate(now)
    assert {row.bucket for row in watched.anomalies()} == {MONDAY + 100 * HOUR}
    watched.count(MONDAY + 100 * HOUR, [100])
    watched.evaluate(now)
    assert len(watched.anomalies()) == 3
    watched.evaluate(now, window=(MONDAY + 100 * HOUR, MONDAY + 101 * HOUR))
    assert watched.anomalies() == []


def test_a_window_finds_what_a_replay_counted(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 200)
    watched.evaluate(now)
    watched.count(MONDAY + 120 * HOUR, [500, 100])
    assert watched.evaluate(now).anomaly_count == 0
    assert watched.evaluate(now, window=(MONDAY + 120 * HOUR, MONDAY + 122 * HOUR)).anomaly_count == 3


def test_an_outage_is_one_row_that_grows(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 100 + [0, 0])
    watched.evaluate(now)
    first = watched.anomalies()
    now = watched.count(now, [0] * 40)
    result = watched.evaluate(now)
    rows = watched.anomalies()
    assert [(row.id, row.bucket) for row in rows] == [(row.id, MONDAY + 100 * HOUR) for row in first]
    assert {row.last_bucket for row in rows} == {now - HOUR}
    assert result.signal_count == 3


def test_short_history_is_stored_as_unknown_with_its_reason(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 4)
    assert watched.evaluate(now).unknown_count == 3
    with watched.transaction(write=False) as session:
        outcomes = detection.list_evaluations(session, VIEWER, "shop")
    assert [(one.scope_type, one.scope_name, one.outcome) for one in outcomes] == [
        (ScopeType.PROJECT_TOTAL, "Shop", Outcome.UNKNOWN),
        (ScopeType.EVENT_TYPE, "Web", Outcome.UNKNOWN),
        (ScopeType.EVENT, "view", Outcome.UNKNOWN),
    ]
    assert {one.reason for one in outcomes} == {"needs 7 buckets of history, has 3"}


def test_a_rare_event_is_unknown_and_never_flagged(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 101, [1, 0, 2] * 33 + [0, 4])
    watched.evaluate(now)
    assert watched.anomalies() == []
    (rare,) = [row for row in watched.evaluations() if row.scope_ref == watched.pay]
    assert (rare.outcome, rare.reason) == ("unknown", "too few events to judge: expected counts stay below 10")


def test_hours_that_nobody_collected_are_no_drop(watched: WatchedProject):
    stop = watched.count(MONDAY, [100] * 100)
    now = watched.count(stop + 5 * HOUR, [100])
    assert watched.evaluate(now).anomaly_count == 0
    assert watched.anomalies() == []


def test_archived_events_are_not_evaluated(watched: WatchedProject):
    with watched.transaction() as session:
        session.get_one(Event, watched.view).status = "archived"
    watched.evaluate(watched.count(MONDAY, [100] * 100 + [20]))
    assert {row.scope_type for row in watched.anomalies()} == {"event_type", "project_total"}


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ("detect_project_total", {"event", "event_type"}),
        ("detect_event_types", {"event", "project_total"}),
        ("detect_events", {"event_type", "project_total"}),
    ],
)
def test_a_kind_of_scope_can_be_left_out(watched: WatchedProject, setting: str, left: set[str]):
    watched.change_settings(**{setting: False})
    watched.evaluate(watched.count(MONDAY, [100] * 100 + [20]))
    assert {row.scope_type for row in watched.anomalies()} == left


def test_nothing_is_judged_while_detection_is_off(watched: WatchedProject):
    watched.change_settings(anomaly_detection_enabled=False)
    assert watched.evaluate(watched.count(MONDAY, [100] * 100 + [20])) == EvaluationResult()
    assert watched.anomalies() == [] and watched.evaluations() == []


def test_switching_off_deletes_what_was_found(watched: WatchedProject):
    watched.evaluate(watched.count(MONDAY, [100] * 100 + [20]))
    watched.change_settings(anomaly_detection_enabled=False)
    assert watched.anomalies() == [] and watched.evaluations() == []


def test_an_unknown_scan_and_one_without_counts_give_nothing(watched: WatchedProject):
    with watched.transaction() as session:
        assert detection.evaluate_config(session, "gone", MONDAY) == EvaluationResult()
    assert watched.evaluate(MONDAY) == EvaluationResult()


def test_a_chart_gets_the_judgement_that_the_stored_anomaly_has(watched: WatchedProject):
    now = watched.count(MONDAY, [100] * 100 + [20])
    watched.evaluate(now)
    with watched.transaction(write=False) as session:
        series = metrics.series_for(session, VIEWER, "shop", ScopeType.EVENT, watched.view, start=now - 5 * HOUR)
        band = detection.band(session, VIEWER, "shop", series)
    assert [judgement.bucket for judgement in band] == series.buckets
    assert [judgement.outcome for judgement in band] == [Outcome.OK] * 4 + [Outcome.ANOMALY]
    stored = watched.anomalies()[0]
    assert (band[-1].expected, band[-1].score) == pytest.approx((stored.expected_count, stored.z_score))


def test_a_chart_is_unknown_while_detection_is_off(watched: WatchedProject):
    watched.count(MONDAY, [100] * 3)
    watched.change_settings(anomaly_detection_enabled=False)
    with watched.transaction(write=False) as session:
        series = metrics.series_for(session, VIEWER, "shop", ScopeType.PROJECT_TOTAL)
        band = detection.band(session, VIEWER, "shop", series)
    assert [(judgement.outcome, judgement.actual, judgement.reason) for judgement in band] == [
        (Outcome.UNKNOWN, 100, detection.SWITCHED_OFF)
    ] * 3


def test_a_replay_of_an_old_year_is_judged_alone_and_leaves_the_present_to_the_next_run(watched: WatchedProject):
    old = MONDAY - 365 * 24 * HOUR
    stop = watched.count(old, [100] * 100 + [20])
    now = watched.count(MONDAY, [100] * 100 + [20])
    assert watched.evaluate(now, window=(old, stop)).anomaly_count == 3
    assert watched.evaluations() == []
    watched.evaluate(now)
    assert {row.bucket for row in watched.anomalies()} == {stop - HOUR, now - HOUR}
