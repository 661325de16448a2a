"""Policy, violations, replay and branch preview over HTTP, with the real pipeline and event store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.identity.contracts import UserRole
from app.ingest import policies, replays
from app.kernel.clock import SYSTEM_CLOCK, FixedClock
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401
from tests.factories import make_event, make_event_type, make_project
from tests.unit.ingest.harness import World, principal, serving


@dataclass
class Shop:
    """A project that plans `web/paid` with a price, and its ingest two minutes ago."""

    engine: object
    store: object
    tenant_id: str
    project_id: str
    slug: str
    tmp_path: object

    @property
    def base(self) -> str:
        return f"/api/v1/projects/{self.slug}"

    def send(self, *events, ago=timedelta(minutes=2)):
        """Post the events through the whole road; the answer's body."""
        with session_scope(self.engine, write=False) as session:
            rules = policies.project_plan(session, self.project_id)
        world = World(
            keys={"good": principal(tenant_id=self.tenant_id, project_id=self.project_id)},
            names=rules.names,
            checks=rules.checks,
            revision=rules.revision,
            store=self.store,
            clock=FixedClock(SYSTEM_CLOCK.now() - ago),
        )

        async def scenario():
            async with serving(self.tmp_path, world) as client:
                return (await client.post(list(events), query="wait=1")).body

        return asyncio.run(scenario())


@pytest.fixture
def shop(engine, event_store, tmp_path) -> Shop:  # noqa: F811
    with session_scope(engine) as session:
        project = make_project(session)
        kind = make_event_type(session, project, name="web")
        make_event(session, kind, name="paid", status="live")
        return Shop(engine, event_store, project.tenant_id, project.id, project.slug, tmp_path)


def paid(**attributes):
    return {"service": "web", "operation": "paid", "custom_attributes": attributes}


def test_every_event_tells_the_plan_that_judged_it(client, shop, member):
    editor_headers = member(UserRole.EDITOR).headers

    def judged_by() -> str:
        assert shop.send(paid())["stored"] is True
        return shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=1)[0].plan_revision

    first = judged_by()
    assert first.startswith("main+")
    assert judged_by() == first

    revision = client.post(f"{shop.base}/revisions", json={"summary": "first"}, headers=editor_headers).json()
    named = judged_by()
    assert named == first.replace("main", revision["id"])

    (kind,) = client.get(f"{shop.base}/event-types", headers=editor_headers).json()
    client.post(f"{shop.base}/events", json={"event_type_id": kind["id"], "name": "refunded"}, headers=editor_headers)
    assert judged_by() != named


def add_field(client, shop, headers, **field):
    params = field.pop("params", None)
    (kind,) = client.get(f"{shop.base}/event-types", headers=headers, params=params).json()
    body = {"display_name": field["name"], **field}
    answer = client.post(f"{shop.base}/event-types/{kind['id']}/fields", json=body, headers=headers, params=params)
    assert answer.status_code == 201, answer.text
    return kind["id"], answer.json()["id"]


BLOCKING = {"mode": "block", "refuses_unplanned": True, "sensitivity": {"pii": "mask"}}


def test_the_policy_is_owners_business_and_survives(client, shop, member):
    owner, editor = member(UserRole.OWNER).headers, member(UserRole.EDITOR).headers
    path = f"{shop.base}/ingest/policy"

    assert client.get(path, headers=editor).json()["mode"] == "allow"
    assert client.put(path, json=BLOCKING, headers=editor).status_code == 403
    assert client.put(path, json={"mode": "explode"}, headers=owner).status_code == 422
    assert client.put(path, json={"sensitivity": {"sometimes": "mask"}}, headers=owner).status_code == 422
    changed = {**BLOCKING, "overrides": [{"mode": "flag", "source": "web"}]}
    assert client.put(path, json=changed, headers=owner).status_code == 200
    read = client.get(path, headers=editor).json()
    assert read["overrides"] == [{"mode": "flag", "source": "web", "event": "*", "environment": "*"}]
    assert (read["mode"], read["refuses_unplanned"], read["sensitivity"]) == ("block", True, {"pii": "mask"})


def test_refused_events_are_grouped_and_taken_in_once_after_the_plan_changed(client, shop, member):
    owner = member(UserRole.OWNER).headers
    client.put(f"{shop.base}/ingest/policy", json=BLOCKING, headers=owner)
    kind_id, field_id = add_field(client, shop, owner, name="price", field_type="number")

    answer = shop.send(paid(price="12"), paid(price="13"), paid(price=1), {"service": "app", "operation": "open"})

    assert (answer["processed"], answer["failed"]) == (1, 3)
    found = client.get(f"{shop.base}/ingest/violations", headers=owner).json()
    assert [(group["name"], group["reason"], group["count"]) for group in found["quarantined"]] == [
        ("paid", "breaks the plan: price is not a number", 2),
        ("open", "breaks the plan: not in plan", 1),
    ]
    assert sum(found["quarantined"][0]["trend"]) == 2 and len(found["quarantined"][0]["examples"]) == 2

    replay = f"{shop.base}/ingest/replay"
    assert client.post(replay, json={}, headers=owner).json() == {
        "replayed": 0,
        "refused_again": 3,
        "already_replayed": 0,
        "too_fresh": 0,
    }
    change = client.patch(f"{shop.base}/event-types/{kind_id}/fields/{field_id}", json={"field_type": "string"}, headers=owner)
    assert change.status_code == 200, change.text
    assert client.post(replay, json={}, headers=owner).json() == {
        "replayed": 2,
        "refused_again": 1,
        "already_replayed": 0,
        "too_fresh": 0,
    }
    assert client.post(replay, json={}, headers=owner).json() == {
        "replayed": 0,
        "refused_again": 1,
        "already_replayed": 2,
        "too_fresh": 0,
    }
    rows = shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=20)
    assert len([row for row in rows if row.verdict == "accepted"]) == 3
    after = client.get(f"{shop.base}/ingest/violations", headers=owner).json()
    assert after["quarantined"][0]["replayed"] == 2
    assert client.post(replay, json={}, headers=member(UserRole.VIEWER).headers).status_code == 403


def test_a_replay_keeps_no_writer_waiting_and_stores_once_when_it_dies_after_the_store_answered(client, shop, member, monkeypatch):
    owner = member(UserRole.OWNER).headers
    client.put(f"{shop.base}/ingest/policy", json=BLOCKING, headers=owner)
    kind_id, field_id = add_field(client, shop, owner, name="price", field_type="number")
    shop.send(paid(price="12"), paid(price="13"))
    client.patch(f"{shop.base}/event-types/{kind_id}/fields/{field_id}", json={"field_type": "string"}, headers=owner)

    class DiesAfterwards:
        def insert_block(self, *args, **kwargs):
            with session_scope(shop.engine) as session:  # would wait for the replay if that held a transaction open
                make_project(session)
            shop.store.insert_block(*args, **kwargs)
            raise Unavailable("the connection broke")

    with monkeypatch.context() as broken:
        broken.setattr(replays, "get_event_store", DiesAfterwards)
        # Another selection of the same events makes the same blocks.
        body = {"reason": "breaks the plan: price is not a number"}
        assert client.post(f"{shop.base}/ingest/replay", json=body, headers=owner).status_code == 503

    assert client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()["replayed"] == 2
    rows = shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=20)
    assert len([row for row in rows if row.verdict == "accepted"]) == 2


def test_a_branch_shows_which_verdicts_it_would_change_before_it_is_merged(client, shop, member):
    owner = member(UserRole.OWNER).headers
    shop.send(paid(price=5, app_version="1.2"), paid(price="free"), {"service": "web", "operation": "viewed"})
    branch = client.post(f"{shop.base}/branches", json={"name": "stricter"}, headers=owner)
    assert branch.status_code == 201, branch.text
    branch_id = branch.json()["id"]
    add_field(client, shop, owner, name="price", field_type="number", params={"branch": branch_id})

    preview = client.get(f"{shop.base}/ingest/preview", params={"branch": branch_id}, headers=owner)

    assert preview.status_code == 200, preview.text
    body = preview.json()
    assert (body["sampled"], body["good_before"], body["good_after"]) == (3, 2, 1)
    assert body["changes"] == [
        {"source": "web", "name": "paid", "app_version": "", "before": "", "after": "price is not a number", "count": 1}
    ]


def test_masked_values_are_nowhere_to_be_found(client, shop, member):
    owner = member(UserRole.OWNER).headers
    add_field(client, shop, owner, name="email", field_type="number", sensitivity="pii")
    client.put(f"{shop.base}/ingest/policy", json=BLOCKING, headers=owner)

    shop.send(paid(email="ana@example.org"), {"service": "web", "operation": "paid", "duration": -1, "email": "ana@example.org"})

    rows = shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=20)
    assert len(rows) == 2 and not any("ana@" in repr(row) for row in rows)
