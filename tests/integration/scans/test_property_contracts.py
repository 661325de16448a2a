"""Data contracts of fields on events of the built-in store: the scan finds what breaks them (contract 8.2)."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa

from app.warehouse.builtin import BuiltinWarehouse
from app.warehouse.field_checks import CheckedFields, FieldCheck, FieldRule
from models.plan import EventType
from models.plan_drifts import SchemaDrift
from models.plan_entities import FieldDefinition
from tests.eventstore_fixtures import StoredProject
from tests.integration.eventstore.rows import event, lines, token
from tests.integration.scans.test_event_store import FLOOR, StoreBench, store_bench
from tests.integration.scans_workbench import NOW

__all__ = ["store_bench"]

PROPERTIES = [
    {"plan": "free", "email": "a@example.com", "amount": 5, "country": "DE"},
    {"plan": "gold", "email": "no mail", "amount": 501.5, "country": None},
    {"plan": "pro", "email": "b@example.com", "amount": "-1", "country": ""},
    {"plan": "free", "email": "c\n@example.com", "amount": "many"},
    {"plan": 7, "amount": True, "country": "FR"},
]


def declare(bench: StoreBench, **fields: dict) -> None:
    with bench.transaction() as session:
        event_type = session.execute(sa.select(EventType).where(EventType.name == "web")).scalar_one()
        for order, (name, values) in enumerate(fields.items()):
            attributes = {"field_type": "string", **values}
            session.add(FieldDefinition(event_type_id=event_type.id, name=name, display_name=name, order=order, **attributes))


def found(bench: StoreBench) -> dict[tuple[str, str], tuple[str | None, ...]]:
    with bench.transaction(write=False) as session:
        rows = session.execute(sa.select(SchemaDrift)).scalars()
        return {
            (row.field_name, row.drift_type): (row.observed_type, row.declared_type, row.sample_value)
            for row in rows
            if row.drift_type.endswith("_violation")
        }


def send(
    event_store, bench: StoreBench, stored_project: StoredProject, properties: list[dict], *, age=timedelta(minutes=30)
) -> None:
    project = StoredProject(stored_project.tenant_id, bench.project.id)
    rows = [event(project, name="click", time=FLOOR - age, properties=json.dumps(one)) for one in properties]
    rows += [event(project, name="click", kind="log", time=FLOOR - age)]
    event_store.insert_lines("events", lines(*rows), rows=len(rows), token=token())


def rate(bad: int, total: int, allowed: float = 0.0) -> str:
    return f"bad_rate={bad / total:.4f} allowed={allowed:.4f} bad={bad} total={total}"


def test_every_rule_is_judged_on_the_properties_of_its_event_type(store_bench, event_store, stored_project):
    send(event_store, store_bench, stored_project, [{}], age=timedelta(hours=20))
    assert store_bench.collect().status == "completed"
    declare(
        store_bench,
        plan={"field_type": "enum", "enum_options": ["free", "pro"]},
        email={"contract_regex": r"^.+@example\.com$"},
        amount={"field_type": "number", "contract_min_value": 0, "contract_max_value": 500},
        country={"is_required": True, "contract_required_max_null_rate": 0.1},
    )
    assert found(store_bench) == {}
    send(event_store, store_bench, stored_project, PROPERTIES)
    store_bench.clock.advance(timedelta(hours=1))
    job = store_bench.collect()
    assert (job.status, job.error_message, job.result_summary["drifts_found"]) == ("completed", None, 4)
    drifts = found(store_bench)
    assert drifts[("plan", "enum_violation")][:2] == (rate(2, 5), "enum")
    assert drifts[("email", "regex_violation")][:2] == (rate(2, 4), "regex")
    assert drifts[("amount", "range_violation")][:2] == (rate(4, 5), "range")
    assert drifts[("country", "required_null_violation")] == (rate(3, 6, 0.1), "required", "NULL")  # the first event too
    assert drifts[("plan", "enum_violation")][2] in ("gold", "7")
    assert len(drifts) == 4


def test_a_rate_that_is_allowed_and_a_type_without_contracts_are_no_drift(store_bench, event_store, stored_project):
    send(event_store, store_bench, stored_project, [{}], age=timedelta(hours=20))
    store_bench.collect()
    fields = {"email": {}, "amount": {}, "country": {}}
    declare(store_bench, plan={"field_type": "enum", "enum_options": ["free", "pro"], "contract_max_bad_rate": 0.4}, **fields)
    send(event_store, store_bench, stored_project, PROPERTIES)
    store_bench.clock.advance(timedelta(hours=1))
    assert store_bench.collect().result_summary["drifts_found"] == 0
    assert found(store_bench) == {}


def test_a_pattern_the_store_does_not_understand_costs_only_its_own_check(store_bench, event_store, stored_project):
    send(event_store, store_bench, stored_project, PROPERTIES)
    warehouse = BuiltinWarehouse(event_store, stored_project.tenant_id, store_bench.project.id)
    odd = FieldCheck("web", "email", FieldRule.REGEX, pattern=r"[a-z&&[^b]]{1,2}\p{NoSuchScript}")
    good = FieldCheck("web", "email", FieldRule.REGEX, pattern=r"@example\.com$")
    options = FieldCheck("web", "plan", FieldRule.ENUM, options=("free", 'it"s'))
    checked = warehouse.field_checks([odd, good, options], FLOOR - timedelta(hours=1), NOW)
    assert checked.not_checked == (odd,)
    assert {result.check: (result.bad, result.total) for result in checked.results} == {good: (1, 4), options: (3, 5)}


def test_the_number_of_statements_follows_the_rules_and_not_the_events(store_bench, event_store, stored_project):
    asked = []

    class Counting:
        def select(self, sql, *arguments):
            asked.append(sql)
            return event_store.select(sql, *arguments)

    send(event_store, store_bench, stored_project, PROPERTIES * 20)
    warehouse = BuiltinWarehouse(Counting(), stored_project.tenant_id, store_bench.project.id)
    checks = [FieldCheck("web", f"field {index}", FieldRule.REQUIRED) for index in range(120)]
    results = warehouse.field_checks(checks, FLOOR - timedelta(hours=1), NOW).results
    assert len(asked) == 3
    assert [(result.bad, result.total) for result in results] == [(100, 100)] * 120
    assert warehouse.field_checks([], FLOOR, NOW) == CheckedFields()
