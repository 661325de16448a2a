"""Properties of built-in events that no field describes, and fields that no event carries any more (contract 8.1)."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from models.plan_drifts import SchemaDrift
from tests.integration.scans.test_event_store import StoreBench, store_bench
from tests.integration.scans.test_property_contracts import declare, send

__all__ = ["store_bench"]


def found(bench: StoreBench) -> dict[tuple[str, str], tuple[str | None, ...]]:
    with bench.transaction(write=False) as session:
        rows = session.execute(sa.select(SchemaDrift)).scalars()
        return {(row.field_name, row.drift_type): (row.observed_type, row.declared_type, row.sample_value) for row in rows}


def test_properties_beyond_the_plan_and_fields_nobody_sends_are_drifts(store_bench, event_store, stored_project):
    send(event_store, store_bench, stored_project, [{"early": 1}], age=timedelta(hours=20))
    assert store_bench.collect().result_summary["drifts_found"] == 0  # nothing was declared yet
    declare(store_bench, plan={}, cart={}, gone={}, early={})
    sent = [{"plan": "free", "cart": {"size": 2}, "price": 12.5, "empty": None}, {"plan": None, "cart": {"size": 3}}]
    send(event_store, store_bench, stored_project, sent)
    store_bench.clock.advance(timedelta(hours=1))
    assert store_bench.collect().result_summary["drifts_found"] == 3
    drifts = found(store_bench)
    assert drifts[("price", "new_field")] == ("JSON number", None, "12.5")
    assert drifts[("gone", "missing_field")] == (None, "string", None)
    assert drifts[("cart", "type_changed")][:2] == ("JSON object", "string")
    assert len(drifts) == 3  # what the events of the last day carried has not vanished, and null is no value
