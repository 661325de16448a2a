"""What events of the built-in store carry that no field declares, read for the page of their event type."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from app.eventstore import service as eventstore
from app.identity.contracts import Actor
from app.ingest.decode import Event
from app.ingest.validation import Mode, Policy, compile_checks
from app.kernel.errors import Forbidden, NotFound, Unavailable
from app.plan import service as plan
from app.plan.contracts import FieldRules
from app.plan.drafts import FieldDraft
from app.plan.vocabulary import DriftAction, FieldType
from app.scans import service as scans
from app.scans.service.arriving import MOST_ARRIVING
from app.warehouse import newest_properties
from models.plan import EventType
from models.plan_drifts import SchemaDrift
from models.plan_entities import FieldDefinition
from tests.integration.scans.test_event_store import FLOOR, StoreBench, store_bench
from tests.integration.scans.test_property_contracts import declare, send
from tests.integration.scans.test_property_drifts import found as drifts
from tests.integration.scans_workbench import EDITOR, VIEWER

__all__ = ["store_bench"]

SENT: list[dict[str, Any]] = [
    {
        "plan": "free",
        "price": 12,
        "is_new": True,
        "cart": {"size": 2},
        "tags": ["a"],
        "loose": {"a": 1},
        "odd": 1,
        "huge": 2**63,
        "null": None,
    },
    {"plan": "https://x.example/", "price": 12.5, "is_new": False, "cart": {}, "tags": [], "loose": [1], "odd": "one", "huge": -1},
]


def arriving(bench: StoreBench, actor: Actor = EDITOR) -> scans.Arriving:
    with bench.transaction(write=False) as session:
        return scans.arriving_properties(session, actor, bench.project.slug, type_id(session), now=FLOOR)


def type_id(session) -> str:
    return session.execute(sa.select(EventType.id).where(EventType.name == "web")).scalar_one()


def add(bench: StoreBench, found: scans.Arriving, actor: Actor = EDITOR) -> None:
    with bench.transaction() as session:
        drafts = [FieldDraft(one.name, one.name, one.field_type) for one in found.properties if one.field_type]
        plan.bulk_create_fields(session, actor, bench.project.slug, type_id(session), drafts)


@pytest.fixture
def bench(store_bench, event_store, stored_project) -> StoreBench:
    send(event_store, store_bench, stored_project, [{}], age=timedelta(hours=20))
    assert store_bench.collect().status == "completed"
    return store_bench


def faults(bench: StoreBench, *sent: dict[str, Any]) -> list[str]:
    """What ingest says of events with these properties under Block, unknown properties refused; by both of its looks."""
    with bench.transaction(write=False) as session:
        rows = session.execute(sa.select(FieldDefinition)).scalars().all()
        rules = [FieldRules(row.name, row.field_type, row.is_required) for row in rows]
    checks = compile_checks({"web": rules}, Policy(Mode.BLOCK, refuses_unknown_properties=True), b"")
    assert checks is not None
    events = [msgspec.convert({"service": "web", "operation": "click", "custom_attributes": one}, Event) for one in sent]
    doubtful = checks.doubtful(events, {("web", "click")})
    said = [checks.judge("web", "click", "", dict(one), {}, is_planned=True).violation for one in sent]
    assert doubtful >= {position for position, fault in enumerate(said) if fault}
    return said


def test_what_arrives_becomes_fields_that_neither_ingest_nor_the_next_scan_objects_to(bench, event_store, stored_project):
    send(event_store, bench, stored_project, [{"old": 1}], age=timedelta(days=8))
    send(event_store, bench, stored_project, [*SENT, {" ": 1, "x" * 256: 1}, {"plan": "pro"}])
    found = arriving(bench)
    assert (found.event_count, found.is_all, found.properties[0].name, found.properties[0].count) == (5, True, "plan", 3)
    assert found.properties[0].sample in ("free", "pro", "https://x.example/")
    assert {one.name: one.field_type for one in found.properties} == {
        "plan": FieldType.STRING,
        "price": FieldType.NUMBER,
        "is_new": FieldType.BOOLEAN,
        "cart": FieldType.JSON,
        "tags": FieldType.JSON,
        "loose": FieldType.JSON,
        "huge": FieldType.NUMBER,
        "odd": None,  # a number and a text: no type takes both
    }
    add(bench, found)
    assert [one.name for one in arriving(bench).properties] == ["odd"]
    sent = [{name: value for name, value in one.items() if name not in ("odd", "null")} for one in SENT]
    assert faults(bench, *sent) == ["", ""]
    assert faults(bench, {"plan": "free", "pirce": 12}, {"price": "12"}) == ["pirce is not in the plan", "price is not a number"]
    bench.clock.advance(timedelta(hours=1))
    assert bench.collect().status == "completed"
    assert {key for key in drifts(bench) if key[1] != "new_field"} == set()
    with bench.transaction(write=False) as session:
        assert not any(session.execute(sa.select(FieldDefinition.is_required)).scalars())


def test_accepted_drifts_become_fields_that_ingest_does_not_refuse(bench, event_store, stored_project):
    declare(bench, known={}, rest={"field_type": "json"})
    send(event_store, bench, stored_project, [{**one, "rest": 1} for one in SENT])
    bench.clock.advance(timedelta(hours=1))
    assert bench.collect().status == "completed"
    with bench.transaction(write=False) as session:
        rows = session.execute(sa.select(SchemaDrift.id, SchemaDrift.field_name, SchemaDrift.drift_type)).all()
    wanted = [row.id for row in rows if row.drift_type in ("new_field", "type_changed") and row.field_name != "odd"]
    for drift_id in wanted:
        with bench.transaction() as session:
            plan.apply_drift_action(session, EDITOR, bench.project.slug, drift_id, DriftAction.ACCEPT)
    sent = [{name: value for name, value in one.items() if name not in ("odd", "null")} for one in SENT]
    assert faults(bench, *[{**one, "rest": 1} for one in sent], {"price": "12"}) == ["", "", "price is not a number"]


def test_values_under_a_sensitivity_stay_hidden(bench, event_store, stored_project):
    send(event_store, bench, stored_project, [{"Mail": "ada@example.com", "plan": "free", "who": [{"mail": "ada@example.com"}]}])
    assert {one.name: one.sample is None for one in arriving(bench).properties} == {"Mail": False, "plan": False, "who": False}
    more = {"text": '{"who": {"MAIL": "ada"}}', "coded": {"m\u00e4il": "\\", "a": 1}, "long": {"a": "x" * 300}, "cart": {"size": 2}}
    send(event_store, bench, stored_project, [more])
    declare(bench, **{"user.mail": {"sensitivity": "pii"}}, mail={"sensitivity": "secret"})
    samples = {one.name: one.sample for one in arriving(bench).properties}
    assert {name for name, sample in samples.items() if sample is None} == {"Mail", "who", "text", "coded", "long"}
    assert (samples["plan"], samples["cart"]) == ("free", '{"size":2}')


def test_everybody_sees_the_list_and_editors_alone_add(bench, event_store, stored_project):
    send(event_store, bench, stored_project, [{f"p{number}": number for number in range(MOST_ARRIVING + 5)}])
    found = arriving(bench, VIEWER)
    assert len(found.properties) == MOST_ARRIVING
    with pytest.raises(Forbidden):
        add(bench, found, VIEWER)
    with pytest.raises(NotFound), bench.transaction(write=False) as session:
        scans.arriving_properties(session, VIEWER, bench.project.slug, "elsewhere")


def test_the_newest_events_are_read_up_to_a_bound(bench, event_store, stored_project, monkeypatch):
    monkeypatch.setattr(newest_properties, "MOST_EVENTS", 3)
    for hours, name in ((3, "early"), (2, "late"), (1, "latest")):
        send(event_store, bench, stored_project, [{name: 1}] * 2, age=timedelta(hours=hours))
    found = arriving(bench)
    assert (found.event_count, found.is_all) == (3, False)
    assert [(one.name, one.count) for one in found.properties] == [("late", 2), ("latest", 2)]


def test_a_silent_store_is_told(bench, monkeypatch):
    def silent(*_args):
        raise Unavailable("The event store does not answer")

    monkeypatch.setattr(type(eventstore.get_event_store()), "select", silent)
    with pytest.raises(Unavailable):
        arriving(bench)
