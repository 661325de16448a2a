"""What a scan config may say, on the wire (contract 4.1)."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.api.scans.workbench import QUERY, ScanWorld, make_scan_world
from tests.factories import make_event_type, make_project

NOBODY = "11111111-1111-4111-8111-111111111111"
RULE = {"name": "Orders", "conditions": [{"field": " step ", "pattern": "^order"}]}


@pytest.fixture
def world(engine) -> ScanWorld:
    with session_scope(engine) as session:
        return make_scan_world(session)


@pytest.fixture
def call(client, member):
    headers = member(UserRole.OWNER).headers
    return lambda method, path, body=None: client.request(method, path, json=body, headers=headers)


def body_of(world: ScanWorld, **changes) -> dict:
    return {"data_source_id": world.data_source_id, "name": "fresh", "base_query": QUERY, **changes}


def test_defaults_and_everything_that_was_said_come_back(call, world):
    made = call("POST", world.base, body_of(world)).json()
    assert made["cardinality_threshold"] == 100
    assert made["json_value_paths"] == made["event_group_rules"] == made["metric_breakdown_columns"] == []
    assert [made[name] for name in ("interval", "time_column", "scan_row_limit", "app_version_keep_releases")] == [None] * 4
    said = body_of(
        world, name="full", event_type_id=world.event_type_id, event_type_column=" kind ", time_column="at",
        event_name_format="{name}", json_value_paths=["body.step", "body.step"], event_group_rules=[RULE],
        metric_breakdown_columns=[" os ", "os"], metric_breakdown_values_limit=3, distribution_drift_fields=["city"],
        cardinality_threshold=7, interval="1h", replay_chunk_interval="1d", scan_lookback_hours=24, scan_row_limit=10,
        metrics_row_limit=20, app_version_column="version", app_version_keep_releases=4,
    )  # fmt: skip
    made = call("POST", world.base, said).json()
    expected = said | {
        "event_type_column": "kind", "json_value_paths": ["body.step"], "metric_breakdown_columns": ["os"],
        "event_group_rules": [
            {"name": "Orders", "condition_logic": "all", "conditions": [{"field": "step", "pattern": "^order"}]}
        ],
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert call("GET", f"{world.base}/{made['id']}").json() == made
    assert [one["name"] for one in call("GET", world.base).json()][:2] == ["full", "fresh"], "newest first"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"metric_breakdown_columns": ["body.step"]}, "metric_breakdown_columns"),
        ({"metric_breakdown_columns": ["kind"], "event_type_column": "kind"}, "metric_breakdown_columns"),
        ({"metric_breakdown_columns": ["at"], "time_column": "at"}, "metric_breakdown_columns"),
        ({"distribution_drift_fields": ["version"], "app_version_column": "version"}, "distribution_drift_fields"),
        ({"json_value_paths": ["body"]}, "json_value_paths"),
        ({"json_value_paths": ["body..step"]}, "json_value_paths"),
        ({"replay_chunk_interval": "1d"}, "replay_chunk_interval"),
        ({"interval": "1d", "replay_chunk_interval": "1h"}, "replay_chunk_interval"),
        ({"event_type_id": NOBODY}, "event_type_id"),
        ({"base_query": "DELETE FROM visits"}, "base_query"),
        ({"base_query": "SELECT 1; SELECT 2"}, "base_query"),
        ({"base_query": "SELECT 1 -- comment"}, "base_query"),
        ({"base_query": "   "}, "base_query"),
        ({"name": "  "}, "name"),
        ({"cardinality_threshold": 0}, "cardinality_threshold"),
        ({"metric_breakdown_values_limit": 0}, "metric_breakdown_values_limit"),
        ({"scan_row_limit": 2**31}, "scan_row_limit"),
        ({"interval": "2h"}, "interval"),
        ({"event_group_rules": [{"name": "x", "conditions": []}]}, "event_group_rules"),
        ({"event_group_rules": [{"name": "x", "conditions": [{"field": "a", "pattern": "("}]}]}, "event_group_rules"),
    ],
)
def test_a_broken_rule_is_422_at_its_field_on_create_and_on_update(call, world, changes, field):
    for answer in (call("POST", world.base, body_of(world, **changes)), call("PATCH", world.scan, changes)):
        if answer.status_code == 200 and "app_version_column" not in changes and "event_type_column" not in changes:
            # The stored config has an interval, so a chunk that is not finer is fine there.
            assert changes == {"replay_chunk_interval": "1d"}
            continue
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"][0]["loc"][:2] == ["body", field]


def test_an_update_is_checked_on_the_merged_config(call, world):
    assert call("PATCH", world.scan, {"metric_breakdown_columns": ["source"]}).status_code == 422, "the stored type column"
    assert call("PATCH", world.scan, {"metric_breakdown_columns": ["city"]}).status_code == 200
    assert call("PATCH", world.scan, {"time_column": "city"}).status_code == 422, "the stored breakdown column"
    assert call("PATCH", world.scan, {"replay_chunk_interval": "6h"}).status_code == 200
    assert call("PATCH", world.scan, {"interval": None}).status_code == 422, "the stored chunk needs it"
    changed = call("PATCH", world.scan, {"interval": None, "replay_chunk_interval": None, "metric_breakdown_columns": None})
    assert (changed.json()["interval"], changed.json()["metric_breakdown_columns"]) == (None, [])
    assert changed.json()["event_name_format"] == "{name}", "what was not sent stays"


def test_a_name_is_taken_per_data_source(call, world, engine):
    assert call("POST", world.base, body_of(world)).status_code == 201
    assert call("POST", world.base, body_of(world)).status_code == 409
    assert call("PATCH", world.scan, {"name": "fresh"}).status_code == 409
    with session_scope(engine) as session:
        other = make_scan_world(session)
    assert call("POST", world.base, body_of(other)).status_code == 201, "another source"
    assert call("POST", other.base, body_of(world)).status_code == 409, "the same source from another project"
    assert call("POST", world.base, body_of(world, data_source_id=NOBODY)).status_code == 404


def test_the_event_type_of_another_project_is_refused(call, world, engine):
    with session_scope(engine) as session:
        foreign = make_event_type(session, make_project(session), name="foreign").id
    assert call("POST", world.base, body_of(world, event_type_id=foreign)).status_code == 422


def test_one_live_job_per_scan_and_cancel_only_while_it_lives(call, world):
    job = call("POST", f"{world.scan}/run").json()
    assert (job["status"], job["scan_config_id"]) == ("pending", world.scan_id)
    for path in ("run", "event-groups/apply"):
        assert call("POST", f"{world.scan}/{path}").status_code == 409
    assert call("POST", f"{world.scan}/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    assert call("POST", f"{world.scan}/jobs/{job['id']}/cancel").status_code == 409
    assert [one["id"] for one in call("GET", f"{world.scan}/jobs?limit=1").json()] == [job["id"]]


def test_a_replay_of_no_time_is_malformed_also_where_the_scan_cannot_be_replayed(call, world):
    bare = call("POST", world.base, body_of(world, event_type_id=world.event_type_id)).json()
    for scan, code in ((bare["id"], 400), (NOBODY, 404)):
        path = f"{world.base}/{scan}/metrics/replay"
        assert call("POST", path, {"time_from": "2026-01-02T00:00:00Z", "time_to": "2026-01-02T00:00:00Z"}).status_code == 422
        assert call("POST", path, {"time_from": "2026-01-01T00:00:00Z", "time_to": "2026-01-02T00:00:00Z"}).status_code == code


def test_replay_ranges(call, world):
    path = f"{world.scan}/metrics/replay"
    job = call("POST", path, {"time_from": "2026-01-01T00:30:00", "time_to": "2026-01-02T00:10:00+00:00"}).json()
    summary = job["result_summary"]
    assert (summary["mode"], summary["time_from"], summary["time_to"]) == (
        "metrics_replay", "2026-01-01T00:00:00Z", "2026-01-02T01:00:00Z",
    )  # fmt: skip
    assert summary["replay_chunk_interval"] == "whole-window"
    assert call("POST", path, {"time_from": "2026-01-02T00:00:00Z", "time_to": "2026-01-01T00:00:00Z"}).status_code == 422
    assert call("POST", path, {"time_from": "2026-01-02T00:00:00Z", "time_to": "2999-01-01T00:00:00Z"}).status_code == 400
    assert call("POST", path, {"time_from": "2026-01-01T00:00:00Z", "time_to": "2026-01-02T00:00:00Z"}).status_code == 409
    assert call("PATCH", world.scan, {"interval": None}).status_code == 200
    call("POST", f"{world.scan}/jobs/{job['id']}/cancel")
    assert call("POST", path, {"time_from": "2026-01-01T00:00:00Z", "time_to": "2026-01-02T00:00:00Z"}).status_code == 400


def test_applying_groups_without_rules_is_400(call, world):
    call("PATCH", world.scan, {"event_group_rules": []})
    assert call("POST", f"{world.scan}/event-groups/apply").status_code == 400


def test_a_preview_checks_its_query_and_paths_and_waits_for_its_job(call, world):
    body = {"data_source_id": world.data_source_id, "base_query": QUERY}
    made = call("POST", f"{world.base}/preview", body)
    assert (made.status_code, made.json()["status"], made.json()["result_summary"]) == (202, "pending", None)
    for changes in ({"base_query": "DROP TABLE x"}, {"json_value_paths": ["x"]}, {"limit": 51}, {"limit": 0}):
        assert call("POST", f"{world.base}/preview", body | changes).status_code == 422, changes
    assert call("POST", f"{world.base}/preview", body | {"data_source_id": NOBODY}).status_code == 404
    dry_run = call("POST", f"{world.base}/dry-run", body_of(world))
    assert dry_run.status_code == 202
    assert call("GET", f"{world.base}/dry-run-jobs/{dry_run.json()['id']}").status_code == 200
    assert call("GET", f"{world.base}/preview-jobs/{dry_run.json()['id']}").status_code == 404
