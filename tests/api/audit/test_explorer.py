"""Audit records of a project: sent with an ingest key, shown on the page, never to somebody of another bucket."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from app.audit import records, service
from app.audit.contracts import bucket_of
from app.audit.pages.metric_view import Query
from app.audit.pages.records import _query_of
from app.audit.pages.records_view import records_view, trail_view
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, IngestKind, IngestScope, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, NotFound
from models.audit import AuditAccount
from models.identity import AuditEntry
from tests.factories import make_actor, make_project

ZONE = ZoneInfo("Europe/Berlin")
SLUG = "shop"


@pytest.fixture
def key(client, event_store, monkeypatch) -> dict[str, str]:
    """A key for audit records of a fresh project; records go straight into the store."""

    def keep(lines, *, is_waiting=False):
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid4()))

    monkeypatch.setattr(records.ingest, "keep_from_thread", keep)
    with session_scope() as session:
        make_project(session, slug=SLUG)
    return {"api-key": make_key(IngestKind.AUDIT)}


def make_key(kind, scope=IngestScope.APPEND) -> str:
    with session_scope() as session:
        now = SYSTEM_CLOCK.now()
        return identity.create_ingest_key(session, SYSTEM_ACTOR, SLUG, kind=kind, scope=scope, name="test", now=now)[1]


def body(status="success", **more):
    return {
        "category": "orders",
        "sourceInformation": {"application": "checkout", "environment": "prod"},
        "method": "POST",
        "status": status,
        "level": "info",
        "event": {"name": "order.refund", "type": "write", "latency": 12.5},
        "actor": {"origin": "10.0.0.7"},
        "resource": {"type": "order", "id": "o-1"},
        "metadata": [{"isMetric": True, "name": "amount", "value": 19.9}],
        **more,
    }


EVERYTHING = Query()


def view(query=EVERYTHING, slug=SLUG, actor=None):
    with session_scope() as session:
        return records_view(session, actor or make_actor(session, UserRole.VIEWER), slug, query, ZONE)


def test_records_sent_with_an_ingest_key_are_the_projects(client, key):
    assert client.post("/audit/log", json=[body(), body("error")], headers=key).status_code == 204
    shown = view()
    assert (shown.total, shown.first, shown.last) == (2, 1, 2)
    assert [(row.event, row.status, row.status_tone, row.resource) for row in shown.rows] == [
        ("order.refund", "error", "bad", "order o-1"),
        ("order.refund", "success", "neutral", "order o-1"),
    ]
    assert shown.bars.total == 2
    assert shown.choices["app"] == [["", "Any application"], ["checkout", "checkout"]]
    assert ["amount", "amount"] in shown.metrics


def test_filters_narrow_the_list_the_bars_and_the_metric(client, key):
    client.post("/audit/log", json=[body(), body("error"), body("error", category="users")], headers=key)
    narrowed = view(Query(status="error", category="orders", metric="amount", agg="sum"))
    assert narrowed.total == narrowed.bars.total == 1
    assert narrowed.is_narrowed
    assert [row.value for row in narrowed.metric.chart.rows if row.value is not None] == [19.9]
    assert "19.9" in {row.value_text for row in narrowed.metric.chart.rows}
    split = view(Query(metric="latency", group_by="status")).metric
    assert sorted((row.name, row.greatest) for row in split.groups) == [("error", "12.5"), ("success", "12.5")]
    assert view(Query(metric="nonsense")).metric.is_empty
    assert view(Query(origin="10.0.0.8")).rows == []


def test_a_trail_shows_every_record_of_one_id_whole(client, key):
    client.post("/audit/log", json=[body(), body("error")], headers=key)
    trail_id = view().rows[0].href.partition("trail=")[2]
    with session_scope() as session:
        trail = trail_view(session, make_actor(session, UserRole.VIEWER), SLUG, "", trail_id, ZONE)
        assert trail_view(session, SYSTEM_ACTOR, SLUG, "", str(uuid4()), ZONE).stages == []
    assert [(stage.stage, stage.status) for stage in trail.stages] == [("2", "error"), ("1", "success")]
    assert '"amount": 19.9' in trail.stages[0].detail


def test_keys_of_other_kinds_that_read_or_are_revoked_append_nothing(client, key):
    for wrong in (make_key(IngestKind.EVENTS), key["api-key"] + "x", "pl_au_unknown"):
        assert client.post("/audit/log", json=body(), headers={"api-key": wrong}).status_code == 404
    reading = make_key(IngestKind.AUDIT, IngestScope.READ)
    assert client.post("/audit/log", json=body(), headers={"api-key": reading}).status_code == 403
    with session_scope() as session:
        listed = identity.list_ingest_keys(session, SYSTEM_ACTOR, SLUG)
        for one in listed:
            identity.revoke_ingest_key(session, SYSTEM_ACTOR, SLUG, one.id, SYSTEM_CLOCK.now())
    assert client.post("/audit/log", json=body(), headers=key).status_code == 404
    assert view().total == 0


def test_accounts_of_the_audit_log_are_shown_to_owners_only(client, key):
    with session_scope() as session:
        account = AuditAccount(
            username="alice", email="a@example.org", password_hash="x", sealed_access_key="x", access_key_hash="h"
        )
        session.add(account)
        session.flush()
        owner, editor = make_actor(session, UserRole.OWNER), make_actor(session)
        records.append(bucket_of(account.id), [_record()], SYSTEM_CLOCK.now() - timedelta(minutes=1))
    assert view(Query(source=account.id), actor=owner).total == 1
    assert view(actor=owner).sources == [["", "This project"], [account.id, "Account alice"]]
    assert view(actor=editor).sources == [["", "This project"]]
    with pytest.raises(Forbidden):
        view(Query(source=account.id), actor=editor)
    with pytest.raises(NotFound):
        view(Query(source=str(uuid4())), actor=owner)
    with pytest.raises(NotFound):
        view(slug="nowhere")


def test_a_look_is_noted_with_what_was_asked_for(client, key):
    with session_scope() as session:
        actor = make_actor(session, UserRole.VIEWER)
        service.note_look(session, actor, SLUG, {"status": "error"})
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.action == "audit_records.read")).all()
        assert (entry.actor_email, entry.project_slug, entry.payload) == (actor.email, SLUG, {"status": "error"})


@pytest.mark.parametrize(
    ("given", "wished"),
    [
        ({}, Query()),
        ({"days": "30", "page": "3", "from": "a", "agg": "max"}, Query(days="30", page=3, source="a", agg="max")),
        ({"days": "x", "page": "-1", "agg": "x", "interval": "7", "group_by": "x"}, Query()),
        ({"page": "99999999", "app": "a\x00b"}, Query(app="ab")),
    ],
)
def test_whatever_the_address_says_becomes_a_query(given, wished):
    assert _query_of(given) == wished


def _record():
    from app.audit.shapes import RecordIn

    return RecordIn.model_validate(body())
