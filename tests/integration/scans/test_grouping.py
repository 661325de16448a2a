"""Applying group rules to events that exist (contract 4.7)."""

import pytest
import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.errors import BadRequest
from app.kernel.intervals import Interval
from app.scans import service as scans
from app.scans.groups import GroupCondition, GroupRule
from models.attachments import EventPhoto
from models.detection import Anomaly
from models.metrics import MetricBucket, MetricDay
from models.plan import Event
from models.plan_entities import EventTag
from models.scans import ScanJob
from tests.integration.scans.sql_workbench import AT, SqlWorkbench, column
from tests.integration.scans_workbench import HOLDER

RULE = GroupRule("Orders", (GroupCondition("event_name", "^order_"),))
KIND, NAME = column("kind"), column("name")


def grouped(bench: SqlWorkbench) -> ScanJob:
    with bench.transaction() as session:
        scans.request_grouping(session, SYSTEM_ACTOR, "shop", bench.config_id, now=bench.clock.now())
    return bench.work()


def scanned(engine) -> SqlWorkbench:
    bench = SqlWorkbench(engine, KIND, NAME, AT, event_name_format="{name}", time_column="at", interval=Interval.HOUR)
    bench.add_type("web", name="string")
    for name, count in (("order_paid", 3), ("order_sent", 2), ("order_old", 1), ("open", 4)):
        bench.table.add(count, kind="web", name=name, at=bench.moment(1))
    bench.collect()
    with bench.transaction() as session:
        events = {event.name: event for event in session.execute(sa.select(Event)).scalars()}
        events["order_sent"].status = "live"
        events["order_old"].status = "archived"
        sent = events["order_sent"].id
        session.add_all([EventTag(event_id=sent, name="money"), EventTag(event_id=events["order_paid"].id, name="money")])
        session.add(EventPhoto(event_id=sent, project_id=bench.project.id, original_filename="a.png", content_type="image/png"))
        session.add(
            Anomaly(
                project_id=bench.project.id,
                scan_config_id=bench.config_id,
                scope_type="event",
                scope_ref=sent,
                bucket=bench.moment(1),
                last_bucket=bench.moment(1),
                bucket_seconds=3600,
                direction="drop",
                actual_count=2,
                expected_count=9,
                stddev=1,
                z_score=-7,
            )
        )
    bench.change_config(event_group_rules=[RULE.as_stored()])
    return bench


def test_matching_events_become_one_with_their_counts_and_belongings(engine):
    bench = scanned(engine)
    job = grouped(bench)
    assert (job.status, job.error_message) == ("completed", None)
    summary = job.result_summary
    assert (summary["mode"], summary["events_merged"], summary["event_group_rules"]) == ("event_groups_apply", 1, 1)
    assert summary["details"] == ['Merged into "Orders": 1 events.']
    assert bench.names() == {"Orders", "order_old", "open"}
    group = bench.events()[("web", "Orders")]
    assert group.status == "live"
    assert bench.counts("web", "Orders") == {bench.moment(1): 5}
    assert bench.counts("web", "open") == {bench.moment(1): 4}
    assert {tag.name for tag in bench.rows_of(EventTag) if tag.event_id == group.id} == {"money"}
    assert [photo.event_id for photo in bench.rows_of(EventPhoto)] == [group.id]
    assert [anomaly.scope_ref for anomaly in bench.rows_of(Anomaly)] == [group.id]


def test_applying_twice_merges_nothing_more_and_the_next_scan_finds_the_group(engine):
    bench = scanned(engine)
    grouped(bench)
    summary = grouped(bench).result_summary
    assert (summary["events_merged"], summary["details"]) == (0, ["No events had to be merged."])
    assert bench.collect().result_summary["events_created"] == 0
    assert bench.counts("web", "Orders") == {bench.moment(1): 6}, "rows of the archived event count for the group too"


def test_what_another_scan_counted_before_the_merge_is_not_stored_beside_it(engine):
    bench = scanned(engine)
    first, hour = bench.config_id, bench.moment(1)
    bench.config_id = bench.add_scan("Second")
    began: list[str] = []

    def merge() -> None:
        """Between what the second scan has counted and what it stores, and once only."""
        if not began:
            began.append("merge")
            second, bench.config_id = bench.config_id, first
            with bench.transaction() as session:
                job_id = scans.request_grouping(session, SYSTEM_ACTOR, "shop", first, now=bench.clock.now()).id
                assert scans.claim_next_job(session, HOLDER, bench.clock.now()) == job_id
            assert scans.run_job(job_id, HOLDER, tools=bench.tools) == "completed"
            bench.config_id = second
            assert bench.claim() is None, "the same process does not take it up before its first run has ended"

    bench.table.on_ask["bucket_counts"] = merge
    job = bench.collect()
    assert (began, job.status, job.claimed_by, job.progress_phase) == (["merge"], "pending", None, "Waiting to resume")
    assert bench.work().status == "completed"
    stored = {
        (bucket.scan_config_id, bucket.scope_ref): bucket.count
        for bucket in bench.rows_of(MetricBucket)
        if bucket.scope_type == "event" and bucket.bucket == hour
    }
    group, opened, archived = (bench.events()["web", name].id for name in ("Orders", "open", "order_old"))
    of_first = {(first, group): 5, (first, opened): 4, (first, archived): 1}
    assert stored == {**of_first, (bench.config_id, group): 6, (bench.config_id, opened): 4}
    days = {(day.scan_config_id, day.event_id): day.count for day in bench.rows_of(MetricDay)}
    assert days == stored


def test_without_rules_it_is_refused(engine):
    bench = scanned(engine)
    bench.change_config(event_group_rules=[])
    with bench.transaction() as session, pytest.raises(BadRequest):
        scans.request_grouping(session, SYSTEM_ACTOR, "shop", bench.config_id)
