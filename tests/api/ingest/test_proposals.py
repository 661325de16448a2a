"""From a violation to a branch that heals it, and who sends into a project."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import pytest

from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.ingest.key_hours import Counts
from app.ingest.pages.sources_view import sources_view
from app.ingest.repository import add_key_hour
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from models.projects import Project
from tests.api.ingest.test_plan_checks import add_field, paid, shop  # noqa: F401
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401
from tests.factories import make_ingest_key


@pytest.fixture
def owner(member):
    return member(UserRole.OWNER).headers


def block(client, shop, headers, **more):  # noqa: F811
    answer = client.put(f"{shop.base}/ingest/policy", headers=headers, json={"mode": "block", **more})
    assert answer.status_code == 200, answer.text


def proposed(client, shop, headers):  # noqa: F811
    """The branch proposed for the only violation, and how many recent events it would take in."""
    (found,) = client.get(f"{shop.base}/ingest/violations", headers=headers).json()["quarantined"]
    answer = client.post(
        f"{shop.base}/ingest/propose", headers=headers, json={key: found[key] for key in ("source", "name", "reason")}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def fields(client, shop, headers, branch=None):  # noqa: F811
    kinds = client.get(f"{shop.base}/event-types", headers=headers, params={"branch": branch} if branch else None).json()
    kind = next(one for one in kinds if one["name"] == "web")
    return {one["name"]: one for one in kind["field_definitions"]}


@pytest.mark.parametrize(
    ("field", "sent", "remedy", "expected"),
    [
        ({"field_type": "number"}, {"price": "12"}, "change_type", {"field_type": "string"}),
        ({"field_type": "string", "is_required": True}, {}, "make_optional", {"is_required": False}),
        ({"field_type": "enum", "enum_options": ["a"]}, {"price": "b"}, "add_options", {"enum_options": ["a", "b"]}),
        ({"field_type": "string", "contract_regex": "^a$"}, {"price": "b"}, "drop_pattern", {"contract_regex": None}),
        ({"field_type": "number", "contract_max_value": 5}, {"price": 9}, "widen_range", {"contract_max_value": 9}),
    ],
)
def test_a_rule_that_is_too_strict_is_loosened_on_a_branch(client, shop, owner, field, sent, remedy, expected):  # noqa: F811
    add_field(client, shop, owner, name="price", **field)
    block(client, shop, owner)
    assert shop.send(paid(**sent))["failed"] == 1
    made = proposed(client, shop, owner)
    assert made["remedy"] == remedy
    changed = fields(client, shop, owner, made["branch_id"])["price"]
    assert {key: changed[key] for key in expected} == expected
    assert fields(client, shop, owner)["price"] != changed, "main stays as it is"


def test_what_the_plan_lacks_is_planned_on_a_branch(client, shop, owner):  # noqa: F811
    block(client, shop, owner, refuses_unplanned=True, refuses_unknown_properties=True)
    shop.send({"service": "app", "operation": "opened", "custom_attributes": {"version": "1.2", "count": 3}})
    made = proposed(client, shop, owner)
    kinds = client.get(f"{shop.base}/event-types", headers=owner, params={"branch": made["branch_id"]}).json()
    app = next(one for one in kinds if one["name"] == "app")
    assert {one["name"]: one["field_type"] for one in app["field_definitions"]} == {"version": "string", "count": "number"}
    events = client.get(f"{shop.base}/events", headers=owner, params={"branch": made["branch_id"]}).json()["items"]
    assert "opened" in {one["name"] for one in events}
    preview = client.get(f"{shop.base}/ingest/preview", headers=owner, params={"branch": made["branch_id"]}).json()
    assert (preview["sampled"], preview["good_before"], preview["good_after"]) == (1, 0, 1)


def test_a_property_the_plan_lacks_is_added(client, shop, owner):  # noqa: F811
    add_field(client, shop, owner, name="price", field_type="number")
    block(client, shop, owner, refuses_unknown_properties=True)
    shop.send(paid(coupon="X"))
    made = proposed(client, shop, owner)
    assert (made["remedy"], fields(client, shop, owner, made["branch_id"])["coupon"]["field_type"]) == ("add_field", "string")


def test_a_fault_no_plan_can_heal_and_one_that_is_gone_are_told(client, shop, owner, member):  # noqa: F811
    shop.send({"service": "web", "operation": "paid", "timestamp": "1900-01-01T00:00:00Z"})
    (found,) = client.get(f"{shop.base}/ingest/violations", headers=owner).json()["quarantined"]
    body = {key: found[key] for key in ("source", "name", "reason")}
    path = f"{shop.base}/ingest/propose"
    assert client.post(path, headers=owner, json=body).status_code == 400
    assert client.post(path, headers=owner, json={**body, "reason": "other"}).status_code == 404
    assert client.post(path, headers=member(UserRole.VIEWER).headers, json=body).status_code == 403
    assert client.get(f"{shop.base}/branches", headers=owner).json()["total"] == 1, "no branch is left behind"


def test_masked_values_never_become_part_of_a_plan(client, shop, owner):  # noqa: F811
    add_field(client, shop, owner, name="price", field_type="enum", enum_options=["a"], sensitivity="pii")
    block(client, shop, owner, sensitivity={"pii": "mask"})
    shop.send(paid(price="secret"))
    (found,) = client.get(f"{shop.base}/ingest/violations", headers=owner).json()["quarantined"]
    answer = client.post(
        f"{shop.base}/ingest/propose", headers=owner, json={key: found[key] for key in ("source", "name", "reason")}
    )
    assert answer.status_code == 400
    assert "secret" not in answer.text


def test_sources_and_keys_are_shown_with_what_became_of_their_events(engine, shop):  # noqa: F811
    shop.send(paid(), paid(), {"service": "web", "operation": "unknown"}, {"service": ""})
    now = SYSTEM_CLOCK.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    with session_scope(engine) as session:
        key, _ = make_ingest_key(session, session.get_one(Project, shop.project_id))
        add_key_hour(session, key.id, hour, asdict(Counts(9, 7, 2, 1, 3)))
        add_key_hour(session, key.id, hour, asdict(Counts(1, 1)))
        add_key_hour(session, key.id, hour - timedelta(days=3), asdict(Counts(1, 1000)))
        add_key_hour(session, "gone", hour, asdict(Counts(1, 1)))
    with session_scope(engine, write=False) as session:
        view = sources_view(session, SYSTEM_ACTOR, shop.slug, now)
    (source,) = view.sources
    assert (source.source, source.kind, source.count, source.flagged) == ("web", "events", "3", "1 (33 %)")
    (row,) = view.key_rows
    assert (row.count, row.faults, row.refused) == ("10", "3 (27 %)", "3")
    assert (view.received, view.flagged, view.quarantined) == ("4", "1", "1")
    assert [(one.kind, one.count) for one in view.refused] == [("events", "1")]
