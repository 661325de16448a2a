from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.kernel.database import session_scope
from models.plan import EventType
from models.scans import ScanConfig
from tests.api.metrics.workbench import COLUMN, MetricWorld, make_metric_world
from tests.factories import make_event


@pytest.fixture
def world(engine) -> MetricWorld:
    with session_scope(engine) as session:
        return make_metric_world(session)


@pytest.fixture
def read(client, member):
    headers = member().headers

    def get(path: str, **query: str):
        answer = client.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def counts(points: list[dict]) -> list[int]:
    return [point["count"] for point in points]


def test_a_series_has_zeros_for_collected_hours_no_point_for_the_others_and_the_numbers_of_its_anomaly(world, read):
    answer = read(f"{world.base}/events/{world.event_id}/metrics")
    assert counts(answer["data"]) == [10, 10, 10, 10, 0, 10, 10, 10, 100]
    assert [datetime.fromisoformat(point["bucket"]) for point in answer["data"]][4] == world.bucket(5)
    assert [point["is_anomaly"] for point in answer["data"]] == [False] * 8 + [True]
    last = answer["data"][-1]
    assert (last["expected_count"], last["stddev"], last["z_score"], last["anomaly_direction"]) == (15.0, 10.0, 13.5, "spike")
    assert answer["data"][0]["expected_count"] is None
    assert answer["latest_signal"]["scope_ref"] == world.event_id
    assert (answer["interval"], answer["scan_config_id"]) == ("1h", world.scan_config_id)


def test_the_window_includes_its_start_and_excludes_its_end(world, read):
    window = {"from": world.bucket(1).isoformat(), "to": world.bucket(3).isoformat()}
    assert counts(read(f"{world.base}/metrics/total", **window)["data"]) == [15, 15]
    heat = read(f"{world.scan}/seasonality", scope_type="event_type", scope_ref=world.event_type_id, **window)
    assert (heat["total_count"], len(heat["cells"])) == (30, 168)


def test_an_event_nothing_ever_counted_answers_no_scan_and_no_points(world, read, engine):
    with session_scope(engine) as session:
        quiet = make_event(session, session.get_one(EventType, world.event_type_id), name="quiet").id
    answer = read(f"{world.base}/events/{quiet}/metrics")
    assert (answer["scan_config_id"], answer["interval"], answer["latest_signal"], answer["data"]) == (None, None, None, [])


def test_the_total_of_filtered_events_sums_their_counts(world, read):
    assert sum(counts(read(f"{world.base}/events-metrics", search="PURCH")["data"])) == 170
    assert sum(counts(read(f"{world.base}/events-metrics", event_type_id=world.event_type_id)["data"])) == 170
    assert sum(counts(read(f"{world.base}/events-metrics", tag="absent")["data"])) == 0


def test_a_value_called_other_is_not_the_folded_rest_and_comes_before_it(world, read):
    answer = read(f"{world.base}/events/{world.event_id}/metrics/breakdowns")
    assert (answer["columns"], answer["selected_column"]) == ([COLUMN], COLUMN)
    order = [(one["breakdown_value"], one["is_other"], one["total_count"]) for one in answer["series"]]
    assert order == [("de", False, 102), ("Other", False, 8), ("Other", True, 24)]
    timeline = {"scope_type": "event", "scope_ref": world.event_id, "breakdown_column": COLUMN, "breakdown_value": "Other"}
    rest = read(f"{world.scan}/breakdown-timeline", **timeline, is_other="true")
    assert sum(counts(rest["data"])) == 24 and len(rest["data"]) == 9
    assert sum(counts(read(f"{world.scan}/breakdown-timeline", **timeline)["data"])) == 8


def test_an_unknown_breakdown_column_is_a_bad_request(world, client, member):
    path = f"{world.base}/events/{world.event_id}/metrics/breakdowns"
    assert client.get(path, params={"column": "nope"}, headers=member().headers).status_code == 400
    assert client.get(path, params={"column": "version"}, headers=member().headers).status_code == 400


def test_versions_are_ordered_as_versions_and_older_ones_fold_into_other(world, read):
    answer = read(f"{world.scan}/version-adoption")
    assert [(one["version"], one["is_other"], one["is_latest"]) for one in answer["versions"]] == [
        ("1.10.0", False, True),
        ("1.9.0", False, False),
        ("Other", True, False),
    ]
    assert sum(one["total_count"] for one in answer["series"]) == sum(counts(answer["totals"])) == 255
    of_event = read(f"{world.scan}/app-versions", scope_type="event", scope_ref=world.event_id)
    assert sum(one["total_count"] for one in of_event["series"]) == 170


@pytest.mark.parametrize("query", [{"scope_type": "event"}, {"scope_type": "event", "scope_ref": "x"}, {"scope_type": "schema"}])
def test_versions_of_a_scope_without_series_are_refused(query, world, client, member):
    assert client.get(f"{world.scan}/app-versions", params=query, headers=member().headers).status_code == 422


def test_a_scan_without_a_version_column_has_no_versions(world, read, engine):
    with session_scope(engine) as session:
        session.get_one(ScanConfig, world.scan_config_id).app_version_column = None
    answer = read(f"{world.scan}/app-versions")
    assert (answer["versions"], answer["series"], answer["latest_version"]) == ([], [], None)


def test_movers_are_the_anomalous_values_by_score_without_versions(world, read):
    scope = {"scope_type": "event", "scope_ref": world.event_id}
    found = read(f"{world.scan}/top-movers", **scope, bucket=world.bucket(9).isoformat())
    assert found[0]["breakdown_value"] == "de" and found[0]["actual_count"] == 60 and found[0]["direction"] == "spike"
    assert {one["breakdown_column"] for one in found} == {COLUMN}
    assert [abs(one["z_score"]) for one in found] == sorted((abs(one["z_score"]) for one in found), reverse=True)
    assert read(f"{world.scan}/top-movers", **scope, bucket=world.bucket(4).isoformat()) == []


def test_window_metrics_cover_two_days_by_default_and_drop_unknown_events(world, client, member, engine):
    with session_scope(engine) as session:
        stranger = make_metric_world(session)
    path, headers = f"{world.base}/events/window-metrics", member().headers
    found = client.post(path, json={"event_ids": [stranger.event_id, world.event_id, world.event_id]}, headers=headers).json()
    assert [(one["event_id"], one["total_count"]) for one in found] == [(world.event_id, 170)]
    window = {"time_from": world.first.isoformat(), "time_to": (world.first + timedelta(hours=2)).isoformat()}
    found = client.post(path, json={"event_ids": [world.event_id], **window}, headers=headers).json()
    assert (found[0]["total_count"], counts(found[0]["data"])) == (20, [10, 10])
    assert client.post(path, json={"event_ids": []}, headers=headers).json() == []


def test_the_overview_counts_created_events_per_day_today_last(world, read):
    answer = read(f"{world.base}/overview/kpi-series", days="3")
    assert (answer["days"], answer["active_events"]) == (3, [0, 0, 1])
    assert [(one["name"], one["total_count"]) for one in read(f"{world.base}/overview/top-events")] == [("purchase", 170)]
