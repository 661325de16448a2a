"""Anomalies of the event API: found in real streams, listed, judged, exported; one tenant never sees another's."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.anomalies import stream_analysis
from app.identity import service as identity
from app.identity.contracts import IngestKind, IngestScope
from app.ingest.process import Process
from app.ingest.records import Record, encode_records
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.errors import TooManyRequests
from app.scans import service as scans
from jobs import analyse_streams
from jobs.leadership import Leadership
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401
from tests.factories import make_actor, make_project, make_tenant

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
PATH = "/v1/anomalies"


class Shop:
    """A tenant with a stream of ordinary requests and the key that reads it."""

    def __init__(self, engine, store) -> None:
        self.engine, self.store, self.sent = engine, store, 0
        with session_scope(engine) as session:
            tenant = make_tenant(session)
            project = make_project(session, tenant_id=tenant.id)
            self.stream = stream_analysis.Stream(project.tenant_id, project.id, "api")
            _, token = identity.create_ingest_key(
                session, make_actor(session), project.slug, kind=IngestKind.EVENTS, scope=IngestScope.ADMIN, name="k", now=NOW
            )
            self.slug = project.slug
        self.headers = {"Authorization": f"Bearer {token}", "X-Tenant-ID": project.tenant_id}

    def send(self, count: int, *, duration=(20, 80), text: str = "", at: datetime | None = None) -> None:
        generator = random.Random(self.sent)
        records = []
        for _ in range(count):
            self.sent += 1
            happened = NOW - timedelta(hours=1) + timedelta(seconds=self.sent)
            noise = "".join(generator.choice("qwertzuiopasdfghjklyxcvbnm{}<>") for _ in range(80)) if text else ""
            properties = {"path": generator.choice(["/a", "/b", "/c"]), **({"error": text + noise} if text else {})}
            records.append(
                Record(
                    kind="event", source="api", name="request", time=happened, received_at=at or happened, id=str(uuid4()),
                    properties=properties,
                    status="ok", value=float(generator.randrange(*duration)),
                )
            )  # fmt: skip
        lines = encode_records("events", self.stream.tenant_id, self.stream.project_id, records)
        self.store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid4()))

    def look(self, at=NOW) -> str | None:
        with session_scope(self.engine) as session:
            return stream_analysis.analyse(session, self.stream, at)


@pytest.fixture
def shop(engine, event_store) -> Shop:  # noqa: F811
    return Shop(engine, event_store)


@pytest.fixture
def leadership(engine) -> Leadership:
    found = Leadership(scans.this_process(), 60, FixedClock(NOW), lambda **more: session_scope(engine, **more))
    found.renew()
    return found


def test_usual_traffic_is_silent_and_needs_a_whole_window(shop, client):
    shop.send(119)
    assert shop.look() is None
    shop.send(1)
    assert shop.look() is None
    shop.send(40)
    assert shop.look() is None
    assert client.get(PATH, headers=shop.headers).json()["anomalies"] == []


def test_strange_lines_become_one_anomaly_with_its_evidence(shop, client):
    shop.send(120)
    shop.look()
    shop.send(20, text="stack trace ")

    found = shop.look()
    shop.send(20, text="stack trace ")
    assert shop.look() == found, "windows that follow each other are one anomaly"
    assert shop.look() is None, "nothing new"

    body = client.get(PATH, headers=shop.headers).json()
    (anomaly,) = body["anomalies"]
    assert body["pagination"] == {"total": 1, "limit": 20, "offset": 0, "has_more": False} and body["total"] == 1
    assert set(anomaly) == {
        "id", "timestamp", "severity", "status", "confidence", "type", "description", "indicators", "evidence", "metadata"
    }  # fmt: skip
    assert anomaly["id"].startswith("anomaly_") and anomaly["status"] == "open" and 0.99 <= anomaly["confidence"] <= 1
    assert anomaly["evidence"]["p_value"] <= 0.01 and "/" in anomaly["evidence"]["baseline_period"]
    assert anomaly["metadata"]["service"] == "api" and anomaly["metadata"]["operation"] == "request"
    one = client.get(f"{PATH}/{anomaly['id']}", headers=shop.headers).json()
    assert [entry["event"] for entry in one["timeline"]] == ["anomaly_detected", "anomaly_continued"]


def test_durations_that_moved_are_told_by_an_indicator(shop, client):
    shop.send(120)
    shop.look()
    shop.send(20, duration=(82, 99))
    shop.look()

    (anomaly,) = client.get(PATH, headers=shop.headers).json()["anomalies"]

    assert anomaly["type"] == "statistical" and "duration" in {one["name"] for one in anomaly["indicators"]}
    assert {"name", "value", "threshold", "unit"} == set(anomaly["indicators"][0])


def test_filters_bounds_and_words_are_checked(shop, client):
    shop.send(120)
    shop.look()
    shop.send(20, text="stack trace ")
    shop.look()

    def count(**query):
        return client.get(PATH, params=query, headers=shop.headers).json()["total"]

    (anomaly,) = client.get(PATH, headers=shop.headers).json()["anomalies"]
    assert count(start_time=anomaly["timestamp"], end_time=anomaly["timestamp"]) == 1, "both ends belong to it"
    assert count(end_time="2020-01-01T00:00:00Z") == 0
    assert count(severity=anomaly["severity"]) == 1 and count(status="resolved") == 0 and count(status="pending") == 1
    for wrong in (
        {"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"offset": -1}, {"start_time": "soon"}, {"severity": "bad"}, {"status": "x"},
        {"start_time": "2026-02-01T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"},
        {"limit": "٣"}, {"start_time": "0001-01-01T00:00:00+14:00"}, {"end_time": "9999-12-31T23:59:59-14:00"},
    ):  # fmt: skip
        answer = client.get(PATH, params=wrong, headers=shop.headers)
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_argument", wrong


def test_people_decide_say_what_they_think_and_export_it(shop, client, engine, event_store):  # noqa: F811
    shop.send(120)
    shop.look()
    shop.send(20, text="stack trace ")
    path = f"{PATH}/{shop.look()}"

    changed = client.patch(f"{path}/status", json={"status": "acknowledged", "notes": "on it"}, headers=shop.headers).json()
    assert changed["status"] == "investigating" and "on it" in changed["timeline"][-1]["description"]
    assert client.patch(f"{path}/status", json={"status": "lost"}, headers=shop.headers).status_code == 400
    said = client.post(f"{path}/feedback", json={"feedback_type": "confirmed", "reason": "yes"}, headers=shop.headers)
    assert said.status_code == 201 and said.json()["feedback"][0]["feedback_type"] == "confirmed"
    bundle = client.get(f"{path}/export", headers=shop.headers).json()
    digest = hashlib.sha256(json.dumps(bundle["signed"], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert bundle["digest"] == {"algorithm": "sha256", "value": digest}
    other = Shop(engine, event_store).headers
    assert client.get(path, headers=other).status_code == 404 and client.get(PATH, headers=other).json()["total"] == 0
    assert client.get(PATH).status_code == 401
    assert client.get(PATH, headers={**shop.headers, "X-Tenant-ID": "other"}).status_code == 403
    key = {"Authorization": shop.headers["Authorization"]}
    assert client.get(PATH, params={"tenant": "other"}, headers=key).status_code == 403
    assert client.get(PATH, params={"tenant": shop.headers["X-Tenant-ID"]}, headers=key).status_code == 200


def test_past_the_quota_nothing_is_made(shop, client, engine):
    from app.ingest.repository import take_quota

    with session_scope(engine) as session:
        today = NOW.replace(hour=0, minute=0)
        assert take_quota(session, shop.stream.tenant_id, "anomalies", today, 100, 100)
    shop.send(120)
    shop.look()
    shop.send(20, text="stack trace ")

    assert shop.look() is None and client.get(PATH, headers=shop.headers).json()["total"] == 0


def test_a_burst_between_two_looks_is_seen_though_the_newest_events_are_usual(shop, leadership, client):
    shop.send(120)
    shop.look()
    shop.send(20, text="stack trace ")
    shop.send(140)

    assert analyse_streams.run(leadership) > 0

    assert client.get(PATH, headers=shop.headers).json()["total"] == 1


def test_keys_of_another_kind_or_scope_are_refused(shop, client, engine):
    def headers(kind, scope):
        with session_scope(engine) as session:
            _, token = identity.create_ingest_key(
                session, make_actor(session), shop.slug, kind=kind, scope=scope, name="k", now=NOW
            )
        return {"Authorization": f"Bearer {token}"}

    path = f"{PATH}/anomaly_x/status"
    for kind, scope, reading, changing in (
        (IngestKind.LOGS, IngestScope.ADMIN, 403, 403),
        (IngestKind.EVENTS, IngestScope.APPEND, 403, 403),
        (IngestKind.EVENTS, IngestScope.READ, 200, 403),
        (IngestKind.EVENTS, IngestScope.WRITE, 200, 404),
    ):
        own = headers(kind, scope)
        assert client.get(PATH, headers=own).status_code == reading, (kind, scope)
        assert client.patch(path, json={"status": "open"}, headers=own).status_code == changing, (kind, scope)


def test_reading_counts_against_the_tenant_s_minute_too(shop, client, monkeypatch):
    class Full:
        def take_request(self, principal):
            raise TooManyRequests("more than 60 requests per minute", retry_after_seconds=2)

    monkeypatch.setattr(Process, "pipeline", Full())
    answer = client.get(PATH, headers=shop.headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["error"]["retry_after_seconds"] == 2


def test_a_burst_inside_one_large_request_is_seen_too(shop, leadership, client):
    shop.send(120)
    shop.look()
    for count, text in ((60, ""), (20, "stack trace "), (120, "")):
        shop.send(count, text=text, at=NOW)

    analyse_streams.run(leadership)

    assert client.get(PATH, headers=shop.headers).json()["total"] == 1


def test_the_way_streams_are_looked_at_is_changed_by_administrators_and_takes_effect(client, shop, engine):
    shipped = client.get("/v1/config", headers=shop.headers).json()
    assert shipped == {"baseline_size": 100, "window_size": 20, "hop_size": 10, "p_value": 0.01, "effect": 1.15}
    changed = client.patch("/v1/config", headers=shop.headers, json={"baseline_size": 200, "window_size": 40})
    assert changed.json() == {**shipped, "baseline_size": 200, "window_size": 40}
    assert client.get("/v1/config", headers=shop.headers).json() == changed.json()
    shop.send(130)
    with session_scope(engine) as session:
        assert stream_analysis.analyse(session, shop.stream, NOW) is None
        assert not stream_analysis.is_behind(session, shop.stream), (
            "with 130 events there is no window of 40 behind a baseline of 200"
        )
    shop.send(80)
    shop.send(40, text="Traceback ")
    with session_scope(engine) as session:
        assert stream_analysis.analyse(session, shop.stream, NOW) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"window": 5},
        {"window_size": 5},
        {"window_size": 20.5},
        {"hop_size": 21},
        {"p_value": True},
        {"effect": "2"},
        {"p_value": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(client, shop, change):
    answer = client.patch("/v1/config", headers=shop.headers, json=change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_argument")
    assert client.get("/v1/config", headers=shop.headers).json()["window_size"] == 20


def test_sums_over_anomalies(client, shop, engine):
    empty = client.get("/v1/analytics/summary", headers=shop.headers).json()
    assert (empty["total"], empty["mean_ncd"], empty["time_range"]) == (0, None, None)
    shop.send(120)
    shop.send(20, text="Traceback ")
    with session_scope(engine) as session:
        assert stream_analysis.analyse(session, shop.stream, NOW) is not None
    headers = shop.headers
    found = client.get("/v1/analytics/summary?days=90", headers=headers).json()
    assert (found["total"], found["by_stream_type"], found["by_status"], found["significant"]) == (1, {"api": 1}, {"open": 1}, 1)
    (point,) = client.get("/v1/analytics/compression-timeline?days=90", headers=headers).json()["points"]
    assert point["stream_type"] == "api" and point["compression_ratio"] > 0
    for cell in client.get("/v1/analytics/ncd-heatmap", headers=headers).json()["cells"]:
        assert cell["count"] >= 1 and 0 <= cell["mean_ncd"] <= 1
    for days in ("0", "91", "x"):
        assert client.get(f"/v1/analytics/summary?days={days}", headers=headers).status_code == 400
