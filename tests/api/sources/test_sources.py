"""Data sources over HTTP: defaults, bounds, what is shown to whom, tests, browsing, figures."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.crypto import SecretBox
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.kernel.intervals import Interval, floor_to_bucket
from app.kernel.settings import get_settings
from app.scans.service import ensure_builtin_scan
from models.metrics import MetricBucket
from models.scans import DataSource, ScanConfig
from tests.api.sources.conftest import SECRET, create_body, row_of
from tests.factories import make_project, make_scan_config

PATH = "/api/v1/data-sources"


def test_the_smallest_body_takes_the_defaults(owner):
    answer = owner("POST", PATH, json={"name": "A", "db_type": "clickhouse", "host": "h", "database_name": "d"})
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["port"], shown["username"], shown["password_set"]) == (8123, "", False)
    assert (shown["timeout_seconds"], shown["extra_params"], shown["last_test_status"]) == (None, None, None)


def test_no_secret_is_in_any_answer_and_none_is_in_the_database(owner, source, engine):
    path = f"{PATH}/{source['id']}"
    answers = [owner("GET", PATH), owner("GET", path), owner("PATCH", path, json={"name": "Other"}), owner("POST", path + "/test")]
    assert all(answer.status_code == 200 and SECRET not in answer.text for answer in answers)
    assert source["password_set"] is True
    assert source["extra_params"] == {"sslmode": "disable", "note": "kept", "api_token": "********"}
    row = row_of(engine, source["id"])
    assert SECRET not in json.dumps(row.model_dump(), default=str)
    box = SecretBox(get_settings().encryption_keys())
    assert box.open(row.sealed_password) == SECRET
    assert json.loads(box.open(row.sealed_params)) == {"api_token": SECRET}


@pytest.mark.parametrize("role", [UserRole.EDITOR, UserRole.VIEWER])
def test_others_than_owners_see_that_a_source_works_and_nothing_of_where_it_is(client, member, owner, source, role):
    owner("POST", f"{PATH}/{source['id']}/test")
    for shown in (client.get(PATH, headers=member(role).headers).json()[0],):
        assert (shown["host"], shown["port"], shown["database_name"], shown["username"]) == ("", 0, "", "")
        assert (shown["password_set"], shown["timeout_seconds"], shown["extra_params"]) == (False, None, None)
        assert shown["last_test_message"] is None and shown["last_test_status"] == "failed" and shown["last_test_at"]
        assert (shown["name"], shown["db_type"]) == ("Shop", "postgres")


def test_a_name_is_used_once(owner, source):
    assert owner("POST", PATH, json=create_body()).status_code == 409
    other = owner("POST", PATH, json=create_body("Other")).json()
    assert owner("PATCH", f"{PATH}/{other['id']}", json={"name": "Shop"}).status_code == 409
    assert owner("PATCH", f"{PATH}/{other['id']}", json={"name": "Other"}).status_code == 200


def test_the_newest_source_comes_first(owner):
    for name in ("A", "B", "C"):
        owner("POST", PATH, json=create_body(name))
    assert [one["name"] for one in owner("GET", PATH).json()] == ["C", "B", "A"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 256}, {"db_type": "mysql"}, {"host": ""}, {"host": "x" * 501}, {"port": 0}, {"port": 65536},
        {"database_name": ""}, {"timeout_seconds": 0}, {"timeout_seconds": 2**40}, {"extra_params": []}, {"name": "a\x00b"},
        {"extra_params": {"a": "\x00"}}, {"password": "x" * 70_000}, {"extra_params": {"a": "x" * 70_000}},
    ],
    ids=str,
)  # fmt: skip
def test_what_breaks_a_bound_is_refused_on_create_and_update(owner, source, change):
    for answer in (
        owner("POST", PATH, json={**create_body("B"), **change}),
        owner("PATCH", f"{PATH}/{source['id']}", json=change),
    ):
        assert answer.status_code == 422 and isinstance(answer.json()["detail"], list), answer.text
        assert "x" * 1000 not in answer.text


def test_an_update_changes_what_is_named_and_null_keeps_the_password(owner, source, engine):
    path = f"{PATH}/{source['id']}"
    before = row_of(engine, source["id"]).sealed_password
    shown = owner("PATCH", path, json={"host": "db.internal", "password": None, "timeout_seconds": None}).json()
    assert (shown["host"], shown["timeout_seconds"], shown["username"], shown["password_set"]) == (
        "db.internal",
        None,
        "reader",
        True,
    )
    assert row_of(engine, source["id"]).sealed_password == before
    kept = owner("PATCH", path, json={"extra_params": {"api_token": "********", "note": "changed"}}).json()
    assert kept["extra_params"] == {"api_token": "********", "note": "changed"}
    box = SecretBox(get_settings().encryption_keys())
    assert json.loads(box.open(row_of(engine, source["id"]).sealed_params)) == {"api_token": SECRET}
    cleared = owner("PATCH", path, json={"extra_params": None, "password": "", "name": None}).json()
    assert (cleared["extra_params"], cleared["password_set"], cleared["name"]) == (None, False, "Shop")
    assert row_of(engine, source["id"]).sealed_params is None


def test_deleting_a_source_takes_its_scans_along(owner, engine):
    with session_scope(engine) as session:
        config = make_scan_config(session, make_project(session))
        source_id, config_id = config.data_source_id, config.id
    assert owner("DELETE", f"{PATH}/{source_id}").status_code == 204
    with session_scope(engine) as session:
        assert session.get(ScanConfig, config_id) is None and session.get(DataSource, source_id) is None


def test_the_built_in_source_can_be_seen_and_not_changed(owner, engine):
    with session_scope(engine) as session:
        source_id = ensure_builtin_scan(session, make_project(session)).data_source_id
    path = f"{PATH}/{source_id}"
    assert owner("GET", path).json()["db_type"] == "clickhouse"
    assert owner("PATCH", path, json={"name": "Mine"}).status_code == 409
    assert owner("DELETE", path).status_code == 409


def test_a_failed_test_is_an_answer_that_names_the_kind_and_nothing_else(owner, source):
    answer = owner("POST", f"{PATH}/{source['id']}/test")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["success"] is False and "refused" in shown["message"]
    assert not any(word in shown["message"] for word in ("127.0.0.1", "reader", SECRET, "shop"))
    stored = owner("GET", f"{PATH}/{source['id']}").json()
    assert stored == shown["data_source"]
    assert (stored["last_test_status"], stored["last_test_message"]) == ("failed", shown["message"])
    assert stored["last_test_at"] == shown["tested_at"]


def test_a_secret_of_another_key_fails_the_test_with_what_to_do(owner, source, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", "another key that is long enough to be one")
    get_settings.cache_clear()
    shown = owner("POST", f"{PATH}/{source['id']}/test").json()
    assert shown["success"] is False and "Enter it again" in shown["message"]


def test_a_warehouse_that_cannot_be_browsed_is_a_500_with_a_reason(owner, source):
    answer = owner("GET", f"{PATH}/{source['id']}/schema")
    assert answer.status_code == 500
    assert "refused" in answer.json()["detail"] and isinstance(answer.json()["request_id"], str)


def test_figures_sum_what_scans_counted_in_the_window(owner, engine):
    now = SYSTEM_CLOCK.now()
    with session_scope(engine) as session:
        config = make_scan_config(session, make_project(session))
        source_id = config.data_source_id
        for hours, count in ((1, 5), (2, 7), (60, 100)):
            bucket = floor_to_bucket(now - timedelta(hours=hours), Interval.HOUR)
            for scope_type, ref in (("event_type", "t"), ("event", "a"), ("event", f"b{hours}")):
                session.add(
                    MetricBucket(scan_config_id=config.id, scope_type=scope_type, scope_ref=ref, bucket=bucket, count=count)
                )
    shown = owner("GET", f"{PATH}/{source_id}/stats").json()
    assert (shown["events_tracked"], shown["volume_window"], shown["window_hours"]) == (3, 12, 48)
    assert [point["count"] for point in shown["throughput"]] == [7, 5]
    assert owner("GET", f"{PATH}/{source_id}/stats", params={"window_hours": 720}).json()["volume_window"] == 112
    zeros = {"events_tracked": 0, "volume_window": 0, "window_hours": 48, "throughput": []}
    assert owner("GET", f"{PATH}/{new_id()}/stats").json() == zeros
    for hours in (0, 721):
        assert owner("GET", f"{PATH}/{source_id}/stats", params={"window_hours": hours}).status_code == 422
