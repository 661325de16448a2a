"""Decisions about shadow and dead events can be taken back, and the page on drifts reads a project in a few queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.plan import service as plan
from app.plan.contracts import DriftType, ObservedDrift
from app.reconciliation.pages.drifts_view import drifts_view
from models.plan import Event
from models.projects import Project
from tests.api.reconciliation.test_reconciliation import apart, call, shadows
from tests.factories import make_event_type

__all__ = ["apart", "call"]


def decide(call, apart, what: str, **body):
    return call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/{what}", json=body)


def test_a_dismissed_candidate_waits_for_a_decision_again(call, apart):
    assert decide(call, apart, "reopen").status_code == 409
    decide(call, apart, "dismiss")
    answer = decide(call, apart, "reopen")
    assert answer.json() == {"candidate_id": apart.candidate_id, "status": "new"}
    assert shadows(call, apart)["new_count"] == 1
    assert decide(call, apart, "accept").status_code == 200


def test_taking_back_an_acceptance_deletes_the_event_that_it_made(call, engine, apart):
    event_id = decide(call, apart, "accept").json()["event_id"]
    assert decide(call, apart, "reopen").status_code == 200
    (row,) = shadows(call, apart)["items"]
    assert (row["status"], row["accepted_event_id"]) == ("new", None)
    with session_scope(engine) as session:
        assert session.get(Event, event_id) is None
        assert ("shop", "cart_opened") not in plan.plan_identities(session, apart.project_id).events
    again = decide(call, apart, "accept")
    assert again.status_code == 200 and again.json()["event_id"] != event_id


def test_an_event_that_somebody_worked_on_since_is_not_deleted(call, engine, apart):
    event_id = decide(call, apart, "accept").json()["event_id"]
    base = apart.base.removesuffix("/reconciliation")
    assert call("PATCH", f"{base}/events/{event_id}", json={"description": "Opened the cart"}).status_code == 200
    assert decide(call, apart, "reopen").status_code == 409
    with session_scope(engine) as session:
        assert session.get(Event, event_id) is not None
    assert call("DELETE", f"{base}/events/{event_id}").status_code in (200, 204)
    assert decide(call, apart, "reopen").status_code == 200


@pytest.mark.parametrize("status", ["live", "implemented"])
def test_archived_events_are_expected_again_and_others_stay_as_they_are(call, apart, status):
    path = f"{apart.base}/dead-events"
    ids = {"event_ids": [apart.dead_id], "status": status}
    assert call("POST", f"{path}/restore", json=ids).status_code == 409
    call("POST", f"{path}/archive", json={"event_ids": [apart.dead_id]})
    assert call("POST", f"{path}/restore", json={**ids, "status": "archived"}).status_code == 422
    done = call("POST", f"{path}/restore", json=ids).json()
    assert done == {"event_ids": [apart.dead_id], "status": status, "restored_count": 1}
    assert call("GET", path).json()["total"] == 1
    assert call("POST", f"{path}/restore", json={"event_ids": [apart.scan_id]}).status_code == 404


def test_viewers_take_nothing_back(client, member, apart):
    headers = member(UserRole.VIEWER).headers
    for path in (f"{apart.base}/shadow-events/{apart.candidate_id}/reopen", f"{apart.base}/dead-events/restore"):
        assert client.post(path, headers=headers, json={"event_ids": [apart.dead_id]}).status_code == 403


@contextmanager
def statements(engine) -> Iterator[list[str]]:
    """Every statement that the database is asked inside."""
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_) -> None:
        asked.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", note)


def test_the_number_of_queries_of_the_drifts_page_does_not_follow_the_event_types(engine, apart):
    viewer = Actor(user_id=None, email="v@example.com", name="V", role=UserRole.VIEWER)
    counts = []
    for types in (3, 25):
        with session_scope(engine) as session:
            project = session.get_one(Project, apart.project_id)
            kinds = [make_event_type(session, project, name=f"type_{types}_{index}").id for index in range(types)]
            found = [ObservedDrift(kind, "url", DriftType.NEW_FIELD, "text", None, "x") for kind in kinds]
            plan.record_drifts(session, project.id, None, found, SYSTEM_CLOCK.now())
        with statements(engine) as asked, session_scope(engine, write=False) as session:
            view = drifts_view(session, viewer, apart.slug, "open", ZoneInfo("UTC"))
        counts.append(len(asked))
    assert len(view.rows) == 28
    assert counts[0] == counts[1] <= 12
