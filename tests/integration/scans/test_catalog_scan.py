"""The scan itself: groups become events, columns become values and variables (contract 4.3 to 4.8, worked examples 1 to 4)."""

import json

import pytest
import sqlalchemy as sa

from app.kernel.intervals import Interval
from app.plan import service as plan
from app.plan.vocabulary import DriftAction
from app.scans.groups import GroupCondition, GroupRule
from app.warehouse.contracts import ColumnKind, QueryFailed
from app.warehouse.faults import ConnectionFault, FaultKind
from models.plan_drifts import SchemaDrift
from models.plan_entities import EventFieldValue, FieldDefinition, Variable
from tests.integration.scans.sql_workbench import AT, SqlWorkbench, column
from tests.integration.scans_workbench import EDITOR

KIND, NAME, URL = column("kind"), column("name"), column("url")


def test_every_combination_of_a_known_type_is_an_event_named_by_its_values(engine):
    bench = SqlWorkbench(engine, KIND, column("screen"), column("is_new", "boolean"), column("price", "numeric"))
    bench.add_type("web", screen="string", is_new="boolean", price="number")
    bench.table.add(3, kind="web", screen="cart", is_new=True, price=5.0)
    bench.table.add(1, kind="web", screen=None, is_new=False, price=5.5)
    job = bench.collect()
    assert (job.status, job.error_message) == ("completed", None)
    assert bench.names() == {"screen=cart | is_new=true | price=5", "screen= | is_new=false | price=5.5"}
    assert job.result_summary["events_created"] == 2
    assert job.result_summary["columns_analyzed"] == 4
    assert "mode" not in job.result_summary


def test_scanning_twice_creates_nothing_and_counts_what_was_there(engine):
    bench = SqlWorkbench(engine, KIND, NAME, event_name_format="{name}")
    bench.add_type("web", name="string")
    bench.table.add(kind="web", name="open")
    bench.collect()
    before = bench.everything()
    summary = bench.collect().result_summary
    assert (summary["events_created"], summary["events_skipped"], summary["variables_created"]) == (0, 1, 0)
    assert bench.everything() == before


def test_rows_of_unknown_types_are_skipped_by_a_person_and_created_by_the_schedule(engine):
    bench = SqlWorkbench(
        engine, KIND, NAME, AT, column("body", "jsonb", ColumnKind.JSON), event_name_format="{name}", time_column="at"
    )
    bench.table.add(2, kind="app", name="open", at=bench.moment(), body={"a": 1})
    summary = bench.collect().result_summary
    assert bench.events() == {}
    assert summary["details"][0].startswith("Skipped 2 rows of event types that are not in the plan: app.")
    bench.change_config(interval="1h")
    job = bench.dispatch()
    assert (job.status, job.result_summary["mode"]) == ("completed", "metrics_collection")
    assert set(bench.events()) == {("app", "open")}
    assert {(row.name, row.field_type) for row in bench.rows_of(FieldDefinition)} == {("name", "string"), ("body", "json")}


@pytest.mark.parametrize(("distinct", "event_count"), [(3, 3), (4, 1)])
def test_as_many_values_as_the_threshold_are_low_and_one_more_is_high(engine, distinct, event_count):
    bench = SqlWorkbench(engine, KIND, column("screen"), cardinality_threshold=3)
    bench.add_type("web", screen="string")
    for number in range(distinct):
        bench.table.add(kind="web", screen=f"s{number}x")
    bench.collect()
    assert len(bench.events()) == event_count


def test_paths_with_a_number_are_one_event_with_one_number_variable(engine):
    bench = SqlWorkbench(engine, KIND, URL, cardinality_threshold=3)
    bench.add_type("web", url="string")
    for number in range(1, 51):
        bench.table.add(kind="web", url=f"/user/{number}/edit")
    assert bench.collect().result_summary["variables_created"] == 1
    assert bench.values() == {"url=/user/${url_id}/edit": {"url": "/user/${url_id}/edit"}}
    (variable,) = bench.variables().values()
    assert (variable.name, variable.source_name, variable.variable_type) == ("url_id", "url_id", "number")
    (context,) = bench.contexts()
    assert (context.value_kind, context.observed_count, len(context.values)) == ("high", 50, 20)


def test_values_of_a_sensitive_field_are_counted_and_not_kept(engine):
    bench = SqlWorkbench(engine, KIND, URL, cardinality_threshold=3)
    bench.add_type("web", url="string")
    for number in range(1, 51):
        bench.table.add(kind="web", url=f"/user/{number}/edit")
    bench.collect()
    assert len(bench.contexts()[0].values) == 20
    with bench.transaction() as session:
        session.execute(sa.update(FieldDefinition).values(sensitivity="pii"))
    bench.collect()
    (context,) = bench.contexts()
    assert (context.value_kind, context.observed_count, context.values) == ("high", 50, [])


def test_the_same_column_is_low_for_one_type_and_high_for_another(engine):
    bench = SqlWorkbench(engine, KIND, column("screen"), cardinality_threshold=100)
    bench.add_type("a", screen="string")
    bench.add_type("b", screen="string")
    for number in range(5):
        bench.table.add(kind="a", screen=f"s{number}")
    for number in range(500):
        bench.table.add(kind="b", screen=f"t{number}x")
    bench.collect()
    assert {name for kind, name in bench.events() if kind == "a"} == {f"screen=s{number}" for number in range(5)}
    assert {name for kind, name in bench.events() if kind == "b"} == {"screen=${screen}"}


def test_more_groups_than_the_limit_fail_the_scan_and_create_nothing(engine):
    bench = SqlWorkbench(engine, KIND, NAME, scan_row_limit=10)
    bench.add_type("web", name="string")
    for number in range(11):
        bench.table.add(kind="web", name=f"n{number}")
    job = bench.collect()
    assert job.status == "failed"
    assert "10" in job.error_message
    assert "scan_row_limit" in job.error_message
    assert bench.events() == {}
    assert bench.table.is_closed


def test_columns_of_the_name_format_are_literal_even_when_high(engine):
    bench = SqlWorkbench(engine, KIND, NAME, URL, event_name_format="{kind}/{name}", cardinality_threshold=2)
    bench.add_type("web", name="string", url="string")
    for number in range(5):
        bench.table.add(kind="web", name=f"n{number}", url=f"/x/{number}")
    bench.collect()
    assert bench.names() == {f"web/n{number}" for number in range(5)}


def test_json_paths_are_variables_unless_they_are_kept(engine):
    body = column("body", "jsonb", ColumnKind.JSON)
    bench = SqlWorkbench(engine, KIND, body, json_value_paths=("body.step",), event_name_format="{body.step}-{body.user.id}")
    bench.add_type("web", body="json")
    bench.table.add(kind="web", body={"step": "cart", "user": {"id": 7}})
    bench.table.add(kind="web", body={"step": "paid", "user": {"id": 8}})
    bench.collect()
    assert bench.names() == {"cart-${body.user.id}", "paid-${body.user.id}"}
    shown = json.loads(bench.values()["cart-${body.user.id}"]["body"])
    assert shown == {"step": "cart", "user": {"id": "${body.user.id}"}}
    variable = bench.variables()["body.user.id"]
    assert (variable.name, variable.variable_type) == ("body_user_id", "string")


def test_unknown_keys_of_the_name_format_fail_the_scan_with_both_lists(engine):
    bench = SqlWorkbench(engine, KIND, NAME, event_name_format="{name}-{nope}")
    job = bench.collect()
    assert (job.status, job.error_message) == ("failed", "The name format has unknown keys: nope. Available: kind, name.")


def test_null_names_are_one_unknown_event(engine):
    bench = SqlWorkbench(engine, KIND, NAME, event_name_format="{name}")
    bench.add_type("web", name="string")
    bench.table.add(kind="web", name=None)
    assert bench.collect().status == "completed"
    assert bench.names() == {"unknown"}


def test_a_column_that_is_gone_fails_the_scan_in_plain_words(engine):
    bench = SqlWorkbench(engine, NAME, event_name_format="{name}")
    job = bench.collect()
    assert job.error_message == 'The event type column "kind" is not among the columns of the query.'
    bench.table.fail_with = QueryFailed("The query names a column that does not exist.", column="kind")
    assert bench.collect().error_message == 'The query names a column that does not exist: "kind".'


def test_a_warehouse_that_cannot_be_reached_fails_the_job_and_the_next_run_recovers(engine):
    bench = SqlWorkbench(engine, KIND, NAME, event_name_format="{name}")
    bench.add_type("web", name="string")
    bench.table.add(kind="web", name="open")
    bench.table.fail_with = ConnectionFault(FaultKind.REFUSED)
    job = bench.collect()
    assert job.status == "failed"
    assert job.error_message.startswith("The data source could not be reached. The host refused")
    assert bench.events() == {}
    bench.table.fail_with = None
    assert bench.collect().status == "completed"
    assert bench.config().consecutive_failures == 0


def test_neither_type_nor_column_fails_with_a_message_that_says_so(engine):
    bench = SqlWorkbench(engine, KIND, NAME, event_type_column=None)
    assert "event type" in bench.collect().error_message


def test_group_rules_make_one_event_and_say_so(engine):
    rule = GroupRule("Products", (GroupCondition("url", "^/product/"),))
    bench = SqlWorkbench(engine, KIND, URL, event_group_rules=(rule,))
    bench.add_type("web", url="string")
    for number in range(3):
        bench.table.add(kind="web", url=f"/product/{number}")
    bench.table.add(kind="web", url="/cart")
    summary = bench.collect().result_summary
    assert summary["events_grouped"] == 3
    assert bench.values() == {"Products": {"url": "/^/product//"}, "url=/cart": {"url": "/cart"}}


def test_values_that_people_wrote_stay_and_others_are_refreshed(engine):
    bench = SqlWorkbench(engine, KIND, NAME, column("screen"), column("step"), event_name_format="{name}")
    bench.add_type("web", screen="string", step="string")
    bench.table.add(kind="web", name="open", screen="a", step="1")
    bench.collect()
    with bench.transaction() as session:
        value = session.execute(sa.select(EventFieldValue).where(EventFieldValue.value == "a")).scalar_one()
        value.value, value.is_authored = "mine", True
    bench.table.rows.clear()
    bench.table.add(kind="web", name="open", screen="b", step="2")
    bench.collect()
    assert bench.values() == {"open": {"screen": "mine", "step": "2"}}


def test_a_renamed_variable_keeps_its_name_in_refreshed_values(engine):
    bench = SqlWorkbench(engine, KIND, NAME, URL, event_name_format="{name}", cardinality_threshold=2)
    bench.add_type("web", url="string")
    for number in range(20):
        bench.table.add(kind="web", name="open", url=f"/user/{number}")
    bench.collect()
    with bench.transaction() as session:
        session.execute(sa.select(Variable)).scalar_one().name = "user_number"
    bench.collect()
    assert bench.values() == {"open": {"url": "/user/${user_number}"}}
    assert len(bench.variables()) == 1


def test_text_that_holds_objects_is_a_json_field_from_the_first_run_on(engine):
    config = {"time_column": "at", "interval": Interval.HOUR, "event_name_format": "{name}"}
    bench = SqlWorkbench(engine, column("kind"), column("name"), column("payload"), AT, **config)
    bench.table.add(3, kind="app", name="open", payload='{"a": 1}', at=bench.moment(1))
    assert bench.dispatch().status == "completed"
    assert {one.name: one.field_type for one in bench.rows_of(FieldDefinition)} == {"name": "string", "payload": "json"}
    assert bench.collect().status == "completed"
    assert bench.drifts() == set()


def test_accepting_that_text_holds_objects_now_ends_the_drift(engine):
    bench = SqlWorkbench(engine, column("kind"), column("payload"))
    bench.add_type("app", payload="string")
    bench.table.add(3, kind="app", payload='{"a": 1}')
    bench.collect()
    (drift,) = bench.rows_of(SchemaDrift)
    assert (drift.drift_type, drift.observed_type, drift.declared_type) == ("type_changed", "text", "string")
    with bench.transaction() as session:
        plan.apply_drift_action(session, EDITOR, bench.project.slug, drift.id, DriftAction.ACCEPT)
    assert [one.field_type for one in bench.rows_of(FieldDefinition)] == ["json"]
    with bench.transaction() as session:
        session.delete(session.get_one(SchemaDrift, drift.id))
    bench.collect()
    assert bench.drifts() == set()


def test_columns_without_a_field_are_reported_once_and_are_drifts(engine):
    bench = SqlWorkbench(engine, KIND, NAME, column("extra"), column("empty"), event_name_format="{name}")
    bench.add_type(
        "web", name={"field_type": "enum", "enum_options": ["open"]}, gone="string",
    )  # fmt: skip
    bench.table.add(94, kind="web", name="open", extra="x", empty=None)
    bench.table.add(6, kind="web", name="odd", extra="x", empty=None)
    summary = bench.collect().result_summary
    assert "No matching field definition: extra." in summary["details"]
    assert bench.drifts() == {("extra", "new_field"), ("gone", "missing_field"), ("name", "enum_violation")}


@pytest.mark.parametrize(("bad", "is_violated"), [(5, False), (6, True)])
def test_a_contract_is_violated_only_above_its_rate(engine, bad, is_violated):
    bench = SqlWorkbench(engine, KIND, NAME, event_name_format="{kind}")
    bench.add_type("web", name={"field_type": "string", "contract_regex": "^ok", "contract_max_bad_rate": 0.05})
    bench.table.add(100 - bad, kind="web", name="ok")
    bench.table.add(bad, kind="web", name="no")
    bench.collect()
    assert (("name", "regex_violation") in bench.drifts()) is is_violated
