from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from app.detection.contracts import Direction, SignalState
from app.kernel.errors import NotFound
from app.metrics.contracts import ScopeType
from models.plan import Event
from tests.integration.detection.watched_project import HOUR, MONDAY, WatchedProject


@pytest.fixture
def watched(engine: Engine) -> WatchedProject:
    project = WatchedProject(engine)
    project.count(MONDAY, [100] * 100)
    return project


NEWEST = MONDAY + 99 * HOUR
NOW = MONDAY + 100 * HOUR + timedelta(minutes=10)


def test_a_total_absorbs_the_event_and_the_type_of_the_same_bucket_and_direction(watched: WatchedProject):
    watched.add_anomaly(NEWEST)
    watched.add_anomaly(NEWEST, scope="event_type", ref=watched.type_id)
    watched.add_anomaly(NEWEST, scope="event", ref=watched.view)
    (signal,) = watched.signals(NOW)
    assert (signal.scope_type, signal.state, signal.scope_name) == (ScopeType.PROJECT_TOTAL, SignalState.LATEST_SCAN, "Shop")
    assert {one.scope_type for one in watched.signals(NOW, expanded=True)} == set(ScopeType)


@pytest.mark.parametrize(("bucket", "actual"), [(NEWEST - HOUR, 10), (NEWEST, 500)])
def test_a_type_of_another_bucket_or_direction_stands_beside_the_total(watched: WatchedProject, bucket, actual: int):
    watched.add_anomaly(NEWEST)
    watched.add_anomaly(bucket, scope="event_type", ref=watched.type_id, actual=actual)
    assert {one.scope_type for one in watched.signals(NOW)} == {ScopeType.PROJECT_TOTAL, ScopeType.EVENT_TYPE}


def test_event_signals_are_listed_for_the_events_asked_for(watched: WatchedProject):
    watched.add_anomaly(NEWEST, scope="event", ref=watched.view)
    watched.add_anomaly(NEWEST, scope="event", ref=watched.pay)
    assert watched.signals(NOW) == []
    (signal,) = watched.signals(NOW, event_ids=[watched.view])
    assert (signal.event_id, signal.event_type_id, signal.scope_name) == (watched.view, watched.type_id, "view")


def test_an_older_anomaly_is_recent_for_a_day_and_then_gone(watched: WatchedProject):
    watched.add_anomaly(NEWEST - 22 * HOUR)
    assert [one.state for one in watched.signals(NOW)] == [SignalState.RECENT]
    assert watched.signals(NOW + 2 * HOUR) == []


def test_the_newest_anomaly_of_a_scope_is_its_signal(watched: WatchedProject):
    watched.add_anomaly(NEWEST - 2 * HOUR)
    watched.add_anomaly(NEWEST, actual=700)
    assert [(one.bucket, one.direction) for one in watched.signals(NOW)] == [(NEWEST, Direction.SPIKE)]


def test_archived_events_have_no_signals_and_no_incidents(watched: WatchedProject):
    watched.add_anomaly(NEWEST, scope="event", ref=watched.view)
    with watched.transaction() as session:
        session.get_one(Event, watched.view).status = "archived"
    assert watched.signals(NOW, expanded=True) == []
    assert watched.incidents().total == 0


def test_buckets_with_gaps_of_two_merge_and_longer_gaps_part(watched: WatchedProject):
    for hour, actual in ((10, 40), (11, 5), (14, 30), (18, 20)):
        watched.add_anomaly(MONDAY + hour * HOUR, actual=actual)
    later, earlier = watched.incidents().items
    assert (earlier.started_at, earlier.ended_at, earlier.bucket_count) == (MONDAY + 10 * HOUR, MONDAY + 14 * HOUR, 3)
    assert (earlier.peak_at, earlier.peak_actual, earlier.peak_z_score) == (MONDAY + 11 * HOUR, 5, -9.5)
    assert (later.started_at, later.bucket_count) == (MONDAY + 18 * HOUR, 1)


def test_directions_and_scopes_do_not_merge(watched: WatchedProject):
    watched.add_anomaly(NEWEST - HOUR, actual=10)
    watched.add_anomaly(NEWEST, actual=900)
    watched.add_anomaly(NEWEST, scope="event", ref=watched.view, actual=900)
    found = watched.incidents()
    assert found.total == 3
    assert [(one.scope_type, one.direction) for one in found.items] == [
        (ScopeType.PROJECT_TOTAL, Direction.SPIKE),
        (ScopeType.EVENT, Direction.SPIKE),
        (ScopeType.PROJECT_TOTAL, Direction.DROP),
    ]


def test_a_total_says_how_many_event_incidents_it_covers(watched: WatchedProject):
    for hour in (50, 51, 52):
        watched.add_anomaly(MONDAY + hour * HOUR)
    watched.add_anomaly(MONDAY + 51 * HOUR, scope="event", ref=watched.view)
    watched.add_anomaly(MONDAY + 52 * HOUR, scope="event", ref=watched.pay)
    watched.add_anomaly(MONDAY + 60 * HOUR, scope="event", ref=watched.pay)
    watched.add_anomaly(MONDAY + 51 * HOUR, scope="event_type", ref=watched.type_id)
    related = {(one.scope_type, one.started_at): one.related_count for one in watched.incidents().items}
    assert related[(ScopeType.PROJECT_TOTAL, MONDAY + 50 * HOUR)] == 2
    assert sum(related.values()) == 2


def test_an_incident_is_active_while_it_reaches_the_newest_bucket(watched: WatchedProject):
    watched.add_anomaly(NEWEST - 10 * HOUR)
    watched.add_anomaly(NEWEST)
    assert [one.is_active for one in watched.incidents().items] == [True, False]


def test_an_outage_counts_all_its_buckets(watched: WatchedProject):
    now = watched.count(MONDAY + 100 * HOUR, [0] * 6)
    watched.evaluate(now)
    outage = next(one for one in watched.incidents().items if one.scope_type is ScopeType.PROJECT_TOTAL)
    assert (outage.bucket_count, outage.ended_at, outage.is_active) == (6, now - HOUR, True)
    assert outage.related_count == 1


def test_incidents_are_filtered_and_paged(watched: WatchedProject):
    for hour in range(0, 100, 10):
        watched.add_anomaly(MONDAY + hour * HOUR)
        watched.add_anomaly(MONDAY + hour * HOUR, scope="event", ref=watched.view, actual=500)
    assert watched.incidents().total == 20
    assert watched.incidents(direction=Direction.DROP).total == 10
    assert watched.incidents(scope=ScopeType.EVENT).total == 10
    assert watched.incidents(scope_ref=watched.view).total == 10
    assert watched.incidents(since=MONDAY + 80 * HOUR).total == 4
    assert watched.incidents(until=MONDAY + 10 * HOUR).total == 2
    page = watched.incidents(direction=Direction.DROP, limit=3, offset=3)
    assert [one.started_at for one in page.items] == [MONDAY + hour * HOUR for hour in (60, 50, 40)]
    assert (page.total, page.has_more) == (10, True)


def test_another_project_sees_nothing_of_it(watched: WatchedProject):
    watched.add_anomaly(NEWEST)
    from app.detection import service as detection
    from tests import factories
    from tests.integration.detection.watched_project import VIEWER

    with watched.transaction() as session:
        factories.make_project(session, slug="other")
        assert detection.list_signals(session, VIEWER, "other", now=NOW) == []
        assert detection.list_incidents(session, VIEWER, "other").total == 0
        with pytest.raises(NotFound):
            detection.list_incidents(session, VIEWER, "nowhere")
