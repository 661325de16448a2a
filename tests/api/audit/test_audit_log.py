"""The audit log over HTTP in front of the real event store: accounts, records, trails, metrics (contract D)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from fastapi import Request

from app.audit import accounts, records
from app.audit.api import accounts as account_routes
from app.audit.api import dialect
from app.audit.api import records as record_routes
from app.audit.contracts import bucket_of
from app.audit.figures import RecordFilter
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401

PASSWORD = "Secret-123"
LINK = re.compile(r"(https?://\S+)\?key=([0-9a-f-]{36})\.$")


@pytest.fixture
def clock(monkeypatch) -> FixedClock:
    found = FixedClock(datetime(2023, 6, 11, 12, 0, 5, tzinfo=UTC))
    for module in (account_routes, dialect, record_routes):
        monkeypatch.setattr(module, "SYSTEM_CLOCK", found)
    return found


@pytest.fixture(autouse=True)
def _direct(event_store, monkeypatch) -> None:  # noqa: F811
    """Records go straight into the store; the road there has tests of its own."""

    def keep(lines, *, is_waiting=False):
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid4()))

    monkeypatch.setattr(records.ingest, "keep_from_thread", keep)


def key_in(answer) -> str:
    assert set(answer.json()) == {"loc", "msg", "type"}
    return LINK.search(answer.json()["msg"]).group(2)


def metric(name: str, value: object) -> dict[str, object]:
    return {"name": name, "is_metric": True, "value": value}


def sign_up(client, name="ana_1", **more):
    form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "repeatPassword": PASSWORD, **more}
    return client.post("/auth/signup", data=form)


@pytest.fixture
def account(client, clock) -> Callable:
    """Makes an active account; its bearer header and its access-key header."""

    def make(name="ana_1"):
        assert client.get("/auth/activate", params={"key": key_in(sign_up(client, name))}).status_code == 200
        token = client.post("/auth/login", data={"username": name, "password": PASSWORD}).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        return bearer, {"api-key": client.get("/users/access-key/me", headers=bearer).json()["accessKey"]}

    return make


def record(**more):
    event = {"name": "login", "type": "auth", "total_duration": 5, "latency": 2, **more.pop("event", {})}
    return {
        "category": "security",
        "source_information": {"application": "shop", "environment": "prod"},
        "method": "POST",
        "status": "success",
        "level": "info",
        "event": event,
        "actor": {"origin": "10.0.0.1", "detail": {"user": "u1"}},
        **more,
    }


def ask(client, bearer, path="/audit/log", **query):
    answer = client.get(path, params={"category": "security", "app": "shop", **query}, headers=bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_sign_up_rules_come_in_their_order(client, clock):
    assert sign_up(client).status_code == 201
    assert sign_up(client).json() == {"detail": {"msg": "The username is already taken"}}
    assert sign_up(client, "other_1", email="ana_1@example.org").status_code == 400
    for wrong in (
        {"repeatPassword": "Other-1234"},
        {"username": "ab"},
        {"username": "a b c d"},
        {"email": "nope"},
        {"password": "alllower1_", "repeatPassword": "alllower1_"},
        {"password": "NoSpecial_1", "repeatPassword": "NoSpecial_1"},
        {"unknown": "x"},
    ):
        refused = sign_up(client, "fresh_1", **wrong)
        assert refused.status_code == 422 and isinstance(refused.json()["detail"], list) and PASSWORD not in refused.text
    assert (
        client.post(
            "/auth/signup",
            data={"username": "snake_1", "email": "s@example.org", "password": PASSWORD, "repeat_password": PASSWORD},
        ).status_code
        == 201
    )


def test_activation_works_once_and_for_a_minute(client, clock):
    key = key_in(sign_up(client))
    login = {"username": "ana_1", "password": PASSWORD}
    assert client.post("/auth/login", data=login).status_code == 403
    clock.advance(timedelta(seconds=61))
    assert client.get("/auth/activate", params={"key": key}).status_code == 410

    fresh = key_in(client.post("/auth/activate/resend", data={"email": "ana_1@example.org"}))
    assert client.get("/auth/password/reset", params={"key": fresh}).status_code == 410, "a key is bound to its purpose"
    assert "ana_1" in client.get("/auth/activate", params={"key": fresh}).json()["msg"]
    assert client.get("/auth/activate", params={"key": fresh}).status_code == 410
    assert client.post("/auth/activate/resend", data={"email": "ana_1@example.org"}).status_code == 400
    assert client.post("/auth/activate/resend", data={"email": "nobody@example.org"}).status_code == 404


def test_sign_in_tells_apart_unknown_inactive_and_wrong(client, account, clock):
    bearer, _ = account()
    assert client.post("/auth/login", data={"username": "nobody_1", "password": PASSWORD}).status_code == 404
    assert client.post("/auth/login", data={"username": "ana_1", "password": "Wrong-1234"}).status_code == 401
    assert client.post("/auth/login", data={"username": "ana_1", "password": "short"}).status_code == 422
    good = client.post("/auth/login", data={"username": "ana_1", "password": PASSWORD})
    assert good.status_code == 202 and good.json()["token_type"] == "Bearer"
    me = client.get("/users/me", headers=bearer).json()
    assert set(me) == {"id", "username", "email", "createdAt", "lastUpdatedAt"}
    assert client.get(f"/users/{me['id']}", headers=bearer).json() == me
    assert client.get("/users/me").json() == {"detail": {"msg": "Not authenticated"}}
    assert client.get("/users/me", headers={"Authorization": "Bearer nonsense"}).status_code == 403
    clock.advance(timedelta(minutes=61))
    assert client.get("/users/me", headers=bearer).status_code == 403
    other, _ = account("ben_12")
    assert client.get(f"/users/{me['id']}", headers=other).status_code == 404


def test_passwords_are_changed_knowing_them_and_reset_by_a_link_that_works_once(client, account):
    bearer, _ = account()
    change = {"password": "Wrong-1234", "newPassword": "Other-1234", "repeatPassword": "Other-1234"}
    assert client.patch("/auth/password/change", data=change).status_code == 401
    assert client.patch("/auth/password/change", data=change, headers=bearer).status_code == 401
    assert client.patch("/auth/password/change", data={**change, "password": PASSWORD}, headers=bearer).status_code == 200

    key = key_in(client.post("/auth/password/forgot", data={"email": "ana_1@example.org"}))
    assert [client.get("/auth/password/reset", params={"key": key}).status_code for _ in range(2)] == [200, 200]
    form = {"newPassword": "Third-1234", "repeatPassword": "Third-1234"}
    reset = [client.patch("/auth/password/reset", params={"key": key}, data=form).status_code for _ in range(2)]
    assert reset == [200, 410]
    assert client.post("/auth/login", data={"username": "ana_1", "password": "Third-1234"}).status_code == 202
    assert client.post("/auth/password/forgot", data={"email": "nobody@example.org"}).status_code == 404


def test_three_records_of_one_request_share_an_id_and_count_their_stages(client, account, clock):
    bearer, key = account()
    sent = client.post("/audit/log", json=[record(event={"stage": 9}) for _ in range(3)], headers=key)
    assert sent.status_code == 204 and sent.content == b""
    clock.advance(timedelta(seconds=1))

    listed = ask(client, bearer)
    trail = client.get(f"/audit/log/{listed[0]['event']['id']}", headers=bearer).json()

    assert [one["event"]["stage"] for one in trail] == [3, 2, 1] and len({one["event"]["id"] for one in trail}) == 1
    assert listed == trail
    assert trail[0]["tags"] == {"application": "shop", "environment": "prod"} and trail[0]["event"]["totalDuration"] == 5
    assert client.get(f"/audit/log/{uuid4()}", headers=bearer).json() == []


def test_keys_and_shapes_are_checked_before_anything_is_kept(client, account):
    _, key = account()
    assert client.post("/audit/log", json=record()).status_code == 401
    assert client.post("/audit/log", json=record(), headers={"api-key": str(uuid4())}).status_code == 404
    for wrong in (
        record(category="has space"),
        record(event={"cpu_usage": 101}),
        record(event={"latency": 0}),
        record(metadata=[{"name": "x", "is_metric": True, "value": "fast"}]),
        record(metadata=[{"name": "latency", "is_metric": True, "value": 1}]),
        {**record(), "extra": 1},
        [],
        [record(), {}],
    ):
        assert client.post("/audit/log", json=wrong, headers=key).status_code == 422
    assert client.post("/audit/log", content=b"{", headers=key).status_code == 422
    camel = {**record(), "sourceInformation": {"application": "shop", "environment": "prod"}}
    del camel["source_information"]
    assert client.post("/audit/log", json=camel, headers=key).status_code == 204


def test_the_list_is_filtered_paged_and_closed_to_others(client, account, clock):
    bearer, key = account()
    for number in range(51):
        method = "GET" if number % 2 else "POST"
        client.post("/audit/log", json=record(method=method, status="success" if number else "error"), headers=key)
        clock.advance(timedelta(seconds=1))

    assert [len(ask(client, bearer, page=page)) for page in (1, 2, 3)] == [50, 1, 0]
    assert len(ask(client, bearer, method="GET")) == 25 and len(ask(client, bearer, status="error")) == 1
    assert ask(client, bearer, env="test") == [] and ask(client, bearer, origin="10.0.0.2") == []
    assert len(ask(client, bearer, start="10s")) == 10
    assert len(ask(client, bearer, start="2023-06-11T12:00:05", stop="2023-06-11T12:00:07")) == 2
    other, _ = account("ben_12")
    assert ask(client, other) == []
    for wrong in ({"start": "soon"}, {"page": 0}, {"start": "1h", "stop": "2h"}):
        answer = client.get("/audit/log", params={"category": "security", "app": "shop", **wrong}, headers=bearer)
        assert answer.status_code == 422
    assert client.get("/audit/log", params={"category": "security"}, headers=bearer).status_code == 422


def test_metrics_are_listed_and_summed_up_by_window(client, account, clock):
    bearer, key = account()
    client.post("/audit/log", json=record(event={"cpu_usage": 10}), headers=key)
    clock.advance(timedelta(seconds=30))
    client.post(
        "/audit/log",
        json=record(
            event={"cpu_usage": 20},
            metadata=[{"name": "login_time", "is_metric": True, "value": 3}, {"name": "note", "value": "hi"}],
        ),
        headers=key,
    )
    clock.advance(timedelta(seconds=90))
    client.post("/audit/log", json=record(event={"cpu_usage": 60}, status="error"), headers=key)
    clock.advance(timedelta(seconds=5))

    assert client.get("/audit/metrics", headers=bearer).json() == ["login_time", "cpu_usage", "memory_usage"]
    (whole,) = ask(client, bearer, "/audit/metrics/cpu_usage", start="2023-06-11T12:00:00")
    assert whole["groupKey"] == "all"
    assert [(window["range"], window["value"]) for window in whole["data"]] == [
        ("2023-06-11 12:00:00+00:00 - 2023-06-11 12:01:00+00:00", 15.0),
        ("2023-06-11 12:02:00+00:00 - 2023-06-11 12:02:10+00:00", 60.0),
    ]
    by_status = ask(client, bearer, "/audit/metrics/cpu_usage", interval="1h", agg="max", group_by="status")
    assert {group["groupKey"]: group["data"][0]["value"] for group in by_status} == {"success": 20, "error": 60}
    for aggregate, value in {"sum": 90, "count": 3, "min": 10, "median": 20, "first": 10, "last": 60, "spread": 50}.items():
        (group,) = ask(client, bearer, "/audit/metrics/cpu_usage", interval="1h", agg=aggregate)
        assert group["data"][0]["value"] == value, aggregate
    (own,) = ask(client, bearer, "/audit/metrics/login_time", interval="1d")
    assert own["data"][0]["value"] == 3
    assert ask(client, bearer)[1]["metadata"] == {"note": "hi", "login_time": 3}
    counted = ask(client, bearer, "/audit/metrics/status/count", interval="1h")
    assert [window["data"] for window in counted] == [{"success": 2, "error": 1}]
    query = {"category": "security", "app": "shop"}
    for path, status in (
        ("/audit/metrics/nothing", 404),
        ("/audit/metrics/cpu_usage?agg=exec", 422),
        ("/audit/metrics/cpu_usage?group_by=category", 422),
        ("/audit/metrics/cpu_usage?interval=0m", 422),
        ("/audit/metrics/latency/count", 422),
    ):
        assert (
            client.get(
                path,
                params={**dict(part.split("=") for part in path.partition("?")[2].split("&") if part), **query},
                headers=bearer,
            ).status_code
            == status
        )


def test_a_request_is_noted_in_the_administrator_s_bucket_without_the_key_of_its_link(client, engine, clock):
    scope = {
        "type": "http", "method": "GET", "path": "/auth/activate", "query_string": b"key=secret", "client": ("10.0.0.9", 50123),
        "headers": [(b"user-agent", b"curl/8")], "scheme": "http", "server": ("plumbline.test", 80),
    }  # fmt: skip
    dialect._keep_note(Request(scope), 410, 3.0)
    clock.advance(timedelta(seconds=1))
    with session_scope(engine, write=False) as session:
        bucket = bucket_of(accounts.find_admin(session).id)
    wanted = RecordFilter("http_events", "spectratrace_api", clock.now() - timedelta(hours=1), clock.now())
    (note,) = records.listed(bucket, wanted, 1)
    assert (note["method"], note["status"], note["tags"]["environment"]) == ("GET", "error", "development")
    assert (note["event"]["name"], note["event"]["totalDuration"], note["event"]["latency"]) == ("/auth/activate", 3.0, 2.0)
    assert note["actor"] == {"origin": "10.0.0.9:50123", "detail": {"userAgent": "curl/8"}}
    assert note["event"]["cpuUsage"] is None and "secret" not in json.dumps(note)


def test_nobody_signs_up_under_the_administrator_s_name(client, clock):
    assert sign_up(client, "admin").json() == {"detail": {"msg": "The username is already taken"}}
    assert sign_up(client, "other", email="admin@plumbline.io").json() == {"detail": {"msg": "The email is already in use"}}


def test_metadata_is_any_json_and_a_metric_has_any_name_but_a_built_in_one(client, account, clock):
    bearer, key = account()
    plain = [{"name": "where", "value": {"rack": [1, None]}}, {"name": "none", "value": None}]
    assert client.post("/audit/log", json=record(metadata=[*plain, metric("login time", 3)]), headers=key).status_code == 204
    clock.advance(timedelta(seconds=1))
    assert ask(client, bearer)[0]["metadata"] == {"where": {"rack": [1, None]}, "none": None, "login time": 3}
    (own,) = ask(client, bearer, "/audit/metrics/login time", interval="1d")
    assert own["data"][0]["value"] == 3
    for name in ("cpu_usage", "cpuUsage", "status", "event_name", "eventName", "a/b"):
        assert client.post("/audit/log", json=record(metadata=[metric(name, 1)]), headers=key).status_code == 422, name


@pytest.mark.parametrize(
    "value",
    ['"\\ud800"', "NaN", "1e999", "{}" + "9" * 400, '{"a":' * 200 + "1" + "}" * 200],
    ids=["half of a surrogate pair", "NaN", "beyond any number", "two documents", "nested too deeply"],
)
def test_what_no_answer_could_show_is_refused(client, account, value):
    _, key = account()
    body = json.dumps(record(metadata=[{"name": "x", "value": "@"}])).replace('"@"', value)
    answer = client.post("/audit/log", content=body.encode(), headers=key)
    assert answer.status_code == 422 and isinstance(answer.json()["detail"], list)


def test_a_wrong_method_is_told_which_ones_there_are(client):
    answer = client.delete("/auth/login")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_administrator_exists_for_the_surface_s_own_records(engine, clock):
    from app.audit import accounts

    with session_scope(engine) as session:
        first = accounts.ensure_admin(session, clock.now())
        assert (first.username, first.is_active, first.is_superuser) == ("admin", True, True)
        assert accounts.ensure_admin(session, clock.now()).id == first.id


@pytest.mark.parametrize("start", ["0001-01-01", "1899-12-31", "1970-01-01", "100y"])
@pytest.mark.parametrize("stop", ["9999-12-31T23:59:59.999999", "2300-01-01", "2150-01-01", "now()"])
def test_a_range_as_wide_as_the_calendar_holds_every_record(client, clock, account, start, stop):
    bearer, key = account()
    assert client.post("/audit/log", json=record(event={"cpu_usage": 40}), headers=key).status_code == 204
    clock.advance(timedelta(seconds=1))
    assert len(ask(client, bearer, start=start, stop=stop)) == 1
    for interval in ("1m", "1h", "100y"):
        (whole,) = ask(client, bearer, "/audit/metrics/cpu_usage", start=start, stop=stop, interval=interval)
        assert [one["value"] for one in whole["data"]] == [40]
        (counted,) = ask(client, bearer, "/audit/metrics/status/count", start=start, stop=stop, interval=interval)
        assert counted["data"] == {"success": 1}
