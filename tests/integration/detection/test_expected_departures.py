from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from app.alerting.service import candidates
from app.detection import feedback, planned
from app.detection.contracts import Direction
from app.detection.feedback import VerdictKind
from app.kernel.errors import InvalidInput, NotFound
from app.metrics.contracts import ScopeType, SeriesKey
from tests.integration.detection.watched_project import EDITOR, HOUR, MONDAY, WatchedProject

NEWEST = MONDAY + 100 * HOUR


@pytest.fixture
def dropped(engine: Engine) -> WatchedProject:
    """A drop of the total, the event type and the event `view` in the newest bucket."""
    project = WatchedProject(engine)
    project.evaluate(project.count(MONDAY, [100] * 100 + [20]))
    return project


def marked(project: WatchedProject) -> dict[ScopeType, str]:
    return {one.scope_type: one.expected_because for one in project.signals(NEWEST + HOUR, expanded=True)}


def plan(project: WatchedProject, start, stop, **scope: object) -> str:
    with project.transaction() as session:
        return planned.plan_window(session, EDITOR, "shop", "Migration", start, stop, **scope).id


def call_expected(project: WatchedProject, scope: ScopeType = ScopeType.EVENT, ref: str | None = None) -> str:
    with project.transaction() as session:
        key = SeriesKey(project.scan_id, scope, ref or project.view)
        return feedback.record_verdict(
            session, EDITOR, "shop", key, Direction.DROP, NEWEST, NEWEST, VerdictKind.EXPECTED, "holiday"
        ).id


def test_a_planned_event_marks_every_series_in_its_window_and_removing_it_unmarks_them(dropped: WatchedProject):
    window_id = plan(dropped, NEWEST - HOUR, NEWEST + 2 * HOUR)
    assert set(marked(dropped).values()) == {"Planned: Migration"}
    assert {one.expected_because for one in dropped.incidents().items} == {"Planned: Migration"}
    with dropped.transaction() as session:
        planned.drop_window(session, EDITOR, "shop", window_id)
    assert set(marked(dropped).values()) == {""}


def test_a_planned_event_of_one_scope_marks_that_scope_alone(dropped: WatchedProject):
    plan(dropped, NEWEST, NEWEST + HOUR, scope_type=ScopeType.EVENT, scope_ref=dropped.view)
    assert {scope for scope, reason in marked(dropped).items() if reason} == {ScopeType.EVENT}


@pytest.mark.parametrize(("first", "last"), [(-5, 0), (1, 3)])
def test_a_window_beside_the_departure_marks_nothing(dropped: WatchedProject, first: int, last: int):
    plan(dropped, NEWEST + first * HOUR, NEWEST + last * HOUR)
    assert set(marked(dropped).values()) == {""}


def test_an_outage_that_outlasts_the_window_is_no_longer_expected(dropped: WatchedProject):
    stop = dropped.count(NEWEST, [0] * 5)
    dropped.evaluate(stop)
    plan(dropped, NEWEST - HOUR, NEWEST + 3 * HOUR)
    assert set(marked(dropped).values()) == {""}


def test_a_planned_drop_is_counted_and_told_by_nobody(dropped: WatchedProject):
    now = NEWEST + HOUR
    collected = candidates.Collected(
        scan_config_id=dropped.scan_id, project_id=dropped.project_id, project_slug="shop", project_name="Shop",
        scan_name="Received events", job_id="", completed_at=now,
    )  # fmt: skip
    with dropped.transaction() as session:
        assert len(candidates.current(session, collected, now)) == 3
    assert dropped.evaluate(now).signal_count == 3
    plan(dropped, NEWEST, NEWEST + HOUR, scope_type=ScopeType.EVENT, scope_ref=dropped.view)
    with dropped.transaction() as session:
        told = candidates.current(session, collected, now)
    assert {one.scope_type.value for one in told} == {"event_type", "project_total"}
    result = dropped.evaluate(now)
    assert (result.anomaly_count, result.signal_count) == (3, 2)


def test_an_expected_verdict_holds_for_its_series_and_can_be_undone(dropped: WatchedProject):
    verdict_id = call_expected(dropped)
    assert marked(dropped) == {ScopeType.EVENT: "Expected, says E: holiday", ScopeType.EVENT_TYPE: "", ScopeType.PROJECT_TOTAL: ""}
    with dropped.transaction() as session:
        feedback.undo_verdict(session, EDITOR, "shop", verdict_id)
    assert set(marked(dropped).values()) == {""}


def test_an_expected_verdict_does_not_reach_the_next_incident(dropped: WatchedProject):
    call_expected(dropped)
    stop = dropped.count(NEWEST + HOUR, [100] * 8 + [20])
    dropped.evaluate(stop)
    assert [one.expected_because for one in dropped.signals(stop, event_ids=[dropped.view]) if one.scope_type == "event"] == [""]


def test_an_incident_called_expected_stays_so_while_it_grows(dropped: WatchedProject):
    stop = dropped.count(NEWEST, [0] * 2)
    dropped.evaluate(stop)
    call_expected(dropped)
    dropped.evaluate(dropped.count(stop, [0] * 3))
    assert marked(dropped)[ScopeType.EVENT] == "Expected, says E: holiday"


def test_a_window_of_an_unknown_scope_and_an_endless_note_are_refused(dropped: WatchedProject):
    with pytest.raises(NotFound):
        plan(dropped, NEWEST, NEWEST + HOUR, scope_type=ScopeType.EVENT, scope_ref=dropped.scan_id)
    with pytest.raises(InvalidInput):
        plan(dropped, NEWEST, NEWEST + HOUR, note="x" * 1_001)
