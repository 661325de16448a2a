"""Labelled values after they were treated: no evidence for previews and proposals, no hindrance in replays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.identity.contracts import UserRole
from tests.api.ingest.test_plan_checks import add_field, paid, shop  # noqa: F401
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401

TREATMENTS = ["mask", "hmac", "drop"]


@pytest.fixture
def owner(member):
    return member(UserRole.OWNER).headers


def set_policy(client, shop, headers, **policy):  # noqa: F811
    assert client.put(f"{shop.base}/ingest/policy", json=policy, headers=headers).status_code == 200


def change_type(client, shop, headers, kind, field, branch=None):  # noqa: F811
    answer = client.patch(
        f"{shop.base}/event-types/{kind}/fields/{field}",
        params={"branch": branch} if branch else None,
        json={"field_type": "string"},
        headers=headers,
    )
    assert answer.status_code == 200, answer.text


def made_branch(client, shop, headers) -> str:  # noqa: F811
    return client.post(f"{shop.base}/branches", json={"name": "looser"}, headers=headers).json()["id"]


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_an_event_refused_for_another_fault_is_taken_in_with_the_values_it_was_kept_with(client, shop, owner, treatment):  # noqa: F811
    for name, kind in (("age", "number"), ("user_id", "string"), ("duration", "number")):
        add_field(client, shop, owner, name=name, field_type=kind, sensitivity="pii", is_required=True)
    kind_id, price = add_field(client, shop, owner, name="price", field_type="number")
    set_policy(client, shop, owner, mode="block", sensitivity={"pii": treatment})
    personal = {"age": 5, "card": {"user_id": "ana"}}
    members = {"user_id": "ana", "duration": 12.5}
    shop.send({**paid(price=1, **personal), **members}, {**paid(price="x", **personal), **members})

    branch = made_branch(client, shop, owner)
    (kind,) = client.get(f"{shop.base}/event-types", headers=owner, params={"branch": branch}).json()
    copied = next(field["id"] for field in kind["field_definitions"] if field["name"] == "price")
    change_type(client, shop, owner, kind["id"], copied, branch)
    preview = client.get(f"{shop.base}/ingest/preview", params={"branch": branch}, headers=owner).json()
    assert (preview["sampled"], preview["good_before"], preview["good_after"]) == (2, 1, 1)
    assert {(one["before"], one["after"]) for one in preview["changes"]} == {
        ("", "price is not text"),
        ("price is not a number", ""),
    }

    change_type(client, shop, owner, kind_id, price)
    replay = client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()
    assert (replay["replayed"], replay["refused_again"]) == (1, 0)
    first, second = [
        row for row in shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=9) if row.verdict == "accepted"
    ]
    assert first.actor_id == second.actor_id != "ana"
    assert first.value is None and second.value is None
    assert {row.properties.replace('"x"', "1") for row in (first, second)} == {first.properties.replace('"x"', "1")}
    again = client.get(f"{shop.base}/ingest/preview", params={"branch": branch}, headers=owner).json()
    assert again["sampled"] == 2, "what was taken in is looked at once"


def test_an_event_refused_for_a_labelled_value_waits_until_the_plan_changes(client, shop, owner):  # noqa: F811
    kind_id, age = add_field(client, shop, owner, name="age", field_type="number", sensitivity="pii")
    set_policy(client, shop, owner, mode="block", sensitivity={"pii": "mask"})
    shop.send(paid(age="five"))

    assert client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()["refused_again"] == 1
    branch = made_branch(client, shop, owner)
    preview = client.get(f"{shop.base}/ingest/preview", params={"branch": branch}, headers=owner).json()
    assert (preview["sampled"], preview["good_before"], preview["good_after"]) == (1, 0, 0)
    change_type(client, shop, owner, kind_id, age)
    assert client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()["replayed"] == 1


def test_an_event_refused_for_its_labelled_duration_stays_refused(client, shop, owner):  # noqa: F811
    add_field(client, shop, owner, name="duration", field_type="number", contract_max_value=50, sensitivity="pii")
    set_policy(client, shop, owner, mode="block", sensitivity={"pii": "mask"})
    assert shop.send({**paid(), "duration": 51})["failed"] == 1
    assert client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()["refused_again"] == 1


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_a_value_labelled_by_a_client_s_name_for_it_is_taken_in_as_it_was_kept(client, shop, owner, treatment):  # noqa: F811
    add_field(client, shop, owner, name="distinct_id", field_type="string", sensitivity="pii")
    add_field(client, shop, owner, name="user_id", field_type="string", contract_regex="^ana$", is_required=True)
    kind_id, price = add_field(client, shop, owner, name="price", field_type="number")
    set_policy(client, shop, owner, mode="block", sensitivity={"pii": treatment})
    shop.send({**paid(price=1), "user_id": "ana"}, {**paid(price="x"), "user_id": "ana"})

    preview = client.get(f"{shop.base}/ingest/preview", params={"branch": made_branch(client, shop, owner)}, headers=owner).json()
    assert (preview["sampled"], preview["good_before"], preview["good_after"]) == (2, 1, 1)
    change_type(client, shop, owner, kind_id, price)
    assert client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()["replayed"] == 1
    rows = [row for row in shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=9) if row.verdict == "accepted"]
    assert len(rows) == 2 and len({row.actor_id for row in rows} - {"ana"}) == 1


def test_a_label_takes_nothing_from_refused_events_of_another_type(client, shop, owner):  # noqa: F811
    (kind,) = client.get(f"{shop.base}/event-types", headers=owner).json()
    other = client.post(f"{shop.base}/event-types", json={"name": "posthog", "display_name": "posthog"}, headers=owner).json()
    body = {"name": "distinct_id", "display_name": "distinct_id", "field_type": "string", "sensitivity": "pii"}
    assert client.post(f"{shop.base}/event-types/{other['id']}/fields", json=body, headers=owner).status_code == 201
    body = {"name": "price", "display_name": "price", "field_type": "number"}
    price = client.post(f"{shop.base}/event-types/{kind['id']}/fields", json=body, headers=owner).json()
    set_policy(client, shop, owner, mode="block", sensitivity={"pii": "drop"})
    shop.send({**paid(price="x"), "user_id": "ana"}, {"service": "unheard", "timestamp": "soon", "user_id": "bob"})

    change_type(client, shop, owner, kind["id"], price["id"])
    assert client.post(f"{shop.base}/ingest/replay", json={}, headers=owner).json()["replayed"] == 1
    rows = shop.store.recent(shop.tenant_id, shop.project_id, after=None, limit=9)
    assert [row.actor_id for row in rows if row.verdict == "accepted"] == ["ana"]
    assert "bob" not in client.get(f"{shop.base}/ingest/violations", headers=owner).text


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_what_stands_for_a_value_never_becomes_part_of_a_plan(client, shop, owner, treatment):  # noqa: F811
    add_field(client, shop, owner, name="price", field_type="enum", enum_options=["a"], sensitivity="pii")
    set_policy(client, shop, owner, mode="block", sensitivity={"pii": treatment})
    shop.send(paid(price="secret"))
    (found,) = client.get(f"{shop.base}/ingest/violations", headers=owner).json()["quarantined"]
    body = {key: found[key] for key in ("source", "name", "reason")}
    assert client.post(f"{shop.base}/ingest/propose", headers=owner, json=body).status_code == 400
    assert client.get(f"{shop.base}/branches", headers=owner).json()["total"] == 1


def test_a_preview_looks_at_the_newest_refused_events(client, shop, owner):  # noqa: F811
    set_policy(client, shop, owner, mode="block", refuses_unplanned=True)
    for minutes, name in ((9, "old"), (2, "new")):
        shop.send({"service": "web", "operation": name}, ago=timedelta(minutes=minutes))
    branch = made_branch(client, shop, owner)
    (kind,) = client.get(f"{shop.base}/event-types", headers=owner, params={"branch": branch}).json()
    planned = {"event_type_id": kind["id"], "name": "new"}
    assert client.post(f"{shop.base}/events", json=planned, headers=owner, params={"branch": branch}).status_code == 201
    preview = client.get(f"{shop.base}/ingest/preview", params={"branch": branch, "limit": 1}, headers=owner).json()
    assert [one["name"] for one in preview["changes"]] == ["new"]
