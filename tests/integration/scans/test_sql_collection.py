"""Counting any base query: buckets, breakdowns, versions, replay (contract 5.3 to 5.6, worked examples 5 and 14)."""

import sqlalchemy as sa

from app.kernel.intervals import Interval
from app.scans.groups import GroupCondition, GroupRule
from models.plan import Event
from tests.integration.scans.sql_workbench import AT, SqlWorkbench, column
from tests.integration.scans_workbench import HOUR

KIND, NAME = column("kind"), column("name")
SCHEDULED = {"time_column": "at", "interval": "1h", "event_name_format": "{name}"}


def scheduled(engine, *columns, **config) -> SqlWorkbench:
    values = {**SCHEDULED, **config, "interval": Interval(config.get("interval", "1h"))}
    bench = SqlWorkbench(engine, KIND, NAME, AT, *columns, **values)
    bench.add_type("web", name="string", **{one.name: "string" for one in columns})
    return bench


def test_buckets_are_counted_per_event_and_per_type(engine):
    bench = scheduled(engine)
    bench.table.add(3, kind="web", name="open", at=bench.moment(1))
    bench.table.add(2, kind="web", name="open", at=bench.moment(2))
    bench.table.add(4, kind="web", name="buy", at=bench.moment(2))
    bench.table.add(9, kind="web", name="open", at=bench.moment(0))  # the incomplete bucket
    job = bench.collect()
    assert job.status == "completed", job.error_message
    assert bench.counts("web", "open") == {bench.moment(1): 3, bench.moment(2): 2}
    assert bench.counts_of("event_type", bench.events()[("web", "open")].event_type_id) == {bench.moment(1): 3, bench.moment(2): 6}
    coverage = bench.coverage()
    assert len(coverage) == 30
    assert coverage[bench.moment(2)] == (6, 6)
    assert bench.config().collected_until == bench.moment(0)


def test_what_a_column_had_too_many_values_for_once_is_counted_the_same_way_later(engine):
    bench = scheduled(engine, column("url"), event_name_format=None, cardinality_threshold=3)
    for number in range(20):
        bench.table.add(kind="web", name="open", url=f"/user/{number}", at=bench.moment(1))
    bench.collect()
    assert bench.names() == {"name=open | url=/user/${url_id}"}
    bench.clock.advance(HOUR)
    bench.table.add(kind="web", name="open", url="/user/1", at=bench.moment(1))
    assert bench.collect().result_summary["events_created"] == 0
    assert bench.counts("web", "name=open | url=/user/${url_id}") == {bench.moment(2): 20, bench.moment(1): 1}


def test_the_top_values_are_kept_and_the_rest_is_other_by_its_flag(engine):
    bench = scheduled(engine, column("os"), metric_breakdown_columns=("os",), metric_breakdown_values_limit=2)
    for value, count in (("a", 50), ("b", 30), ("c", 20), ("Other", 10)):
        bench.table.add(count, kind="web", name="open", os=value, at=bench.moment(1))
    job = bench.collect()
    expected = {("os", "a", False): 50, ("os", "b", False): 30, ("os", "Other", True): 30}
    assert bench.breakdowns() == expected
    assert bench.breakdowns("event_type") == expected
    assert bench.breakdowns("project_total") == expected
    assert job.result_summary["breakdown_rows"] == 9


def test_without_a_limit_a_genuine_other_and_null_are_values(engine):
    bench = scheduled(engine, column("os"), metric_breakdown_columns=("os",))
    bench.table.add(2, kind="web", name="open", os="Other", at=bench.moment(1))
    bench.table.add(3, kind="web", name="open", os=None, at=bench.moment(1))
    bench.table.add(1, kind="web", name="open", os="x" * 300, at=bench.moment(1))
    bench.collect()
    assert bench.breakdowns() == {("os", "Other", False): 2, ("os", "", False): 3, ("os", "x" * 255, False): 1}


def test_an_events_own_columns_break_down_that_event_only(engine):
    bench = scheduled(engine, column("os"), column("city"), metric_breakdown_values_limit=1)
    for name in ("open", "buy"):
        bench.table.add(2, kind="web", name=name, os="ios", city="Berlin", at=bench.moment(1))
        bench.table.add(1, kind="web", name=name, os="web", city="Paris", at=bench.moment(1))
    bench.collect()
    with bench.transaction() as session:
        session.execute(sa.select(Event).where(Event.name == "open")).scalar_one().metric_breakdown_columns = [
            "city",
            "kind",
            "gone",
        ]
    bench.collect()
    assert bench.breakdowns() == {("city", "Berlin", False): 2, ("city", "Other", True): 1}
    assert bench.breakdowns("event_type") == {}


def test_the_newest_app_versions_are_series_of_their_own(engine):
    bench = scheduled(engine, column("version"), app_version_column="version", app_version_keep_releases=2)
    for version, count in (("1.9.0", 5), ("1.10.0", 3), ("1.2.0", 2), ("2.0.0", 1)):
        bench.table.add(count, kind="web", name="open", version=version, at=bench.moment(1))
    bench.collect()
    assert bench.breakdowns() == {
        ("version", "2.0.0", False): 1,
        ("version", "1.10.0", False): 3,
        ("version", "Other", True): 7,
    }
    assert bench.names() == {"open"}, "the app version makes no events"


def test_versions_are_ranked_over_a_window_that_has_more_rows_than_its_chunks_may_have(engine):
    limits = {"replay_chunk_interval": Interval.HOUR, "metrics_row_limit": 2, "app_version_keep_releases": 1}
    bench = scheduled(engine, column("version"), app_version_column="version", **limits)
    for hours, version in ((1, "2.0.0"), (2, "1.0.0"), (3, "1.0.0")):
        bench.table.add(2, kind="web", name="open", version=version, at=bench.moment(hours))
    job = bench.collect()
    assert (job.status, job.error_message) == ("completed", None)
    assert bench.breakdowns() == {("version", "2.0.0", False): 2, ("version", "Other", True): 4}


def test_watched_fields_are_counted_by_value(engine):
    bench = scheduled(engine, column("os"), distribution_drift_fields=("os",))
    bench.table.add(2, kind="web", name="open", os="ios", at=bench.moment(1))
    bench.table.add(1, kind="web", name="buy", os="web", at=bench.moment(1))
    job = bench.collect()
    assert bench.distributions() == {"ios": 2, "web": 1}
    assert job.result_summary["distribution_rows"] == 2


def test_too_many_metric_rows_fail_the_job_with_range_and_setting_and_store_nothing(engine):
    bench = scheduled(engine, metrics_row_limit=2)
    for name in ("a", "b", "c"):
        bench.table.add(kind="web", name=name, at=bench.moment(1))
    job = bench.collect()
    assert job.status == "failed"
    assert "metrics_row_limit" in job.error_message
    assert bench.coverage() == {}


def test_group_rules_hold_for_counts_as_for_events(engine):
    rule = GroupRule("Orders", (GroupCondition("event_name", "^order_"),))
    bench = scheduled(engine, event_group_rules=(rule,))
    for name in ("order_paid", "order_sent", "open"):
        bench.table.add(2, kind="web", name=name, at=bench.moment(1))
    bench.collect()
    assert bench.counts("web", "Orders") == {bench.moment(1): 4}
    assert bench.counts("web", "open") == {bench.moment(1): 2}


def test_a_replay_of_an_empty_range_removes_counts_and_breakdowns_and_keeps_events(engine):
    bench = scheduled(engine, column("os"), metric_breakdown_columns=("os",))
    bench.table.add(2, kind="web", name="open", os="ios", at=bench.moment(1))
    bench.collect()
    bench.table.rows.clear()
    job = bench.replay(bench.moment(2), bench.moment(0))
    assert job.status == "completed", job.error_message
    assert bench.names() == {"open"}
    assert bench.counts("web", "open") == {}
    assert bench.breakdowns() == {}


def test_a_replay_creates_nothing_and_counts_by_the_stored_naming(engine):
    bench = scheduled(engine, column("url"), event_name_format=None, cardinality_threshold=3)
    for number in range(20):
        bench.table.add(kind="web", name="open", url=f"/user/{number}", at=bench.moment(2))
    bench.collect()
    bench.table.rows = [row for row in bench.table.rows if row["url"] == "/user/1"]
    bench.table.add(kind="web", name="close", url="/user/1", at=bench.moment(2))
    job = bench.replay(bench.moment(3), bench.moment(0))
    assert job.result_summary["catalog_sync_skipped"] is True
    assert bench.names() == {"name=open | url=/user/${url_id}"}
    assert bench.counts("web", "name=open | url=/user/${url_id}") == {bench.moment(2): 1}
    assert bench.coverage()[bench.moment(2)] == (2, 1)


def test_no_bucket_of_a_type_is_skipped_that_a_first_manual_run_did_not_know(engine):
    bench = scheduled(engine)
    bench.table.add(2, kind="web", name="open", at=bench.moment(30))
    bench.table.add(3, kind="new", name="late", at=bench.moment(30))
    bench.table.add(4, kind="new", name="late", at=bench.moment(1))
    bench.collect()
    assert bench.names() == {"open"}
    bench.clock.advance(HOUR)
    assert bench.dispatch().status == "completed"
    assert bench.counts("new", "late") == {bench.moment(31): 3, bench.moment(2): 4}
    assert bench.counts("web", "open") == {bench.moment(31): 2}
    assert bench.config().collected_until == bench.moment(0)


def test_a_manual_run_that_leaves_a_type_out_keeps_what_was_collected_before(engine):
    bench = scheduled(engine)
    bench.table.add(kind="web", name="open", at=bench.moment(1))
    bench.collect()
    assert bench.config().collected_until == bench.moment(0)
    bench.clock.advance(HOUR)
    bench.table.add(kind="new", name="late", at=bench.moment(1))
    bench.collect()
    assert bench.config().collected_until == bench.moment(1)
    bench.dispatch()
    assert bench.counts("new", "late") == {bench.moment(1): 1}
