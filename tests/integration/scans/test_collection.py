from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from app.eventstore.contracts import GroupCount
from app.kernel.errors import Conflict, Forbidden, NotFound, Unavailable
from app.plan import service as plan
from app.scans import collection
from app.scans import service as scans
from app.scans.windows import Window
from models.metrics import MetricBucket
from models.plan import Event
from models.scans import ScanJob
from tests.integration.scans_workbench import EDITOR, HOUR, NOW, VIEWER, Workbench

FLOOR = NOW.replace(minute=0)
MINUTE = timedelta(minutes=1)


def test_first_run_stores_exact_counts_and_plans_the_events(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)  # exactly on a bucket start
    bench.store.add("web", "click", FLOOR - MINUTE, 4)
    bench.store.add("web", "view", FLOOR - 2 * HOUR, 5)
    bench.store.add("app", "click", FLOOR - 2 * HOUR + MINUTE, 6)
    job = bench.collect()
    assert (job.status, job.error_message, job.progress_percent) == ("completed", None, 100)
    assert bench.counts("web", "click") == {FLOOR - HOUR: 7}
    assert bench.counts("web", "view") == {FLOOR - 2 * HOUR: 5}
    assert bench.counts("app", "click") == {FLOOR - 2 * HOUR: 6}
    web = bench.events()[("web", "click")].event_type_id
    assert bench.counts_of("event_type", web) == {FLOOR - HOUR: 7, FLOOR - 2 * HOUR: 5}
    coverage = bench.coverage()
    assert len(coverage) == 30
    assert coverage[FLOOR - HOUR] == (7, 7)
    assert coverage[FLOOR - 3 * HOUR] == (0, 0)


def test_scanned_events_are_in_review_and_say_where_they_come_from(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR)
    bench.collect()
    event = bench.events()[("web", "click")]
    assert (event.status, event.source_name, event.reviewed) == ("in_review", "click", False)
    assert "scan" in event.description
    assert event.last_seen_at == FLOOR - HOUR


def test_summary_of_a_run_names_what_it_did(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.store.add("web", "view", FLOOR - HOUR, 2)
    summary = bench.collect().result_summary
    expected = {
        "events_created": 2,
        "events_skipped": 0,
        "events_grouped": 0,
        "events_merged": 0,
        "variables_created": 0,
        "columns_analyzed": 2,
        "event_count": 2,
        "metric_rows": 3,
        "total_count": 5,
        "matched_count": 5,
        "signals_added": 1,
        "time_from": "2026-03-17T04:00:00Z",
        "time_to": "2026-03-18T10:00:00Z",
        "details": ["New event types: web."],
    }
    assert {key: summary[key] for key in expected} == expected
    assert "mode" not in summary  # a person's scan carries none


def test_the_incomplete_bucket_is_planned_but_never_counted(bench: Workbench):
    bench.store.add("web", "signup", FLOOR + MINUTE, 9)
    bench.collect()
    assert ("web", "signup") in bench.events()
    assert max(bench.coverage()) == FLOOR - HOUR
    assert bench.counts("web", "signup") == {}


def test_the_next_run_counts_what_came_meanwhile_and_late_rows(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    late = FLOOR - 50 * HOUR
    bench.store.add("web", "click", late, 2, received_at=NOW + MINUTE)
    bench.store.add("web", "click", FLOOR + MINUTE, 5, received_at=NOW + MINUTE)
    bench.clock.advance(HOUR)
    bench.collect()
    assert bench.evaluated[1:] == [Window(late, FLOOR + HOUR)]
    assert bench.counts("web", "click") == {late: 2, FLOOR - HOUR: 3, FLOOR: 5}
    assert min(bench.coverage()) == late
    assert max(bench.coverage()) == FLOOR


def test_rows_that_became_readable_with_a_delay_are_not_missed(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 1, received_at=NOW)
    bench.collect()
    # Received before the newest row of the first run, but written to the store after it.
    bench.store.add("web", "click", FLOOR - 20 * HOUR, 2, received_at=NOW - 10 * MINUTE)
    bench.clock.advance(HOUR)
    bench.collect()
    assert bench.counts("web", "click")[FLOOR - 20 * HOUR] == 2


def test_a_second_run_over_the_same_rows_changes_nothing(bench: Workbench):
    for hour in range(5):
        bench.store.add("web", f"event {hour}", FLOOR - (hour + 1) * HOUR, hour + 1)
    bench.collect()
    before = bench.everything()
    summary = bench.collect().result_summary
    assert bench.everything() == before
    assert (summary["events_created"], summary["time_from"]) == (0, "2026-03-18T09:00:00Z")


def test_a_long_first_window_is_read_in_pieces_and_stored_whole(bench: Workbench):
    for day in range(10):
        bench.store.add("web", "click", FLOOR - timedelta(days=day, hours=1), day + 1)
    bench.collect()
    assert sum(bench.counts("web", "click").values()) == 55
    windows = [(start, stop) for what, start, stop in bench.store.reads if what == "buckets"]
    assert len(windows) > 1
    assert all(left[1] == right[0] for left, right in pairwise(windows))


def test_more_rows_than_one_transaction_takes_are_stored_in_several(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collection, "ROWS_PER_TRANSACTION", 3)
    for day in range(6):
        bench.store.add("web", "click", FLOOR - timedelta(days=day, hours=1), day + 1)
    bench.collect()
    assert sum(bench.counts("web", "click").values()) == 21
    assert len(bench.coverage()) == 5 * 24 + 1


def test_too_many_rows_fail_the_job_and_write_nothing(bench: Workbench):
    bench.change_config(metrics_row_limit=2)
    for name in ("a", "b", "c"):
        bench.store.add("web", name, FLOOR - HOUR)
    job = bench.collect()
    assert job.status == "failed"
    assert job.error_message is not None
    for part in ("2 metric rows", "2026-03-18T10:00:00Z", "metrics_row_limit"):
        assert part in job.error_message
    assert bench.coverage() == {}
    assert bench.everything()[0] == set()
    assert bench.config().collected_until is None


def test_a_rename_keeps_the_counts_with_the_event(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    with bench.transaction() as session:
        session.execute(sa.update(Event).values(name="Button pressed", status="archived"))
    bench.collect()
    assert set(bench.events()) == {("web", "Button pressed")}
    assert bench.events()[("web", "Button pressed")].status == "archived"
    assert bench.counts("web", "Button pressed") == {FLOOR - HOUR: 3}


def test_unknown_causes_stay_out_of_the_message(bench: Workbench):
    bench.store.fail_with["buckets"] = RuntimeError("SELECT secret FROM internals")
    job = bench.collect()
    assert (job.status, job.error_message) == ("failed", "Scan failed due to an internal error.")
    assert job.completed_at == NOW
    assert bench.config().consecutive_failures == 1


def test_an_unreachable_store_is_named_as_such(bench: Workbench):
    bench.store.fail_with["span"] = Unavailable("http://user:password@10.0.0.1 refused")
    assert bench.collect().error_message == "The data source could not be reached."


@pytest.mark.parametrize("phase", ["span", "groups", "buckets", "evaluation"])
def test_a_run_that_died_in_any_phase_is_repeated_with_the_same_result(bench: Workbench, phase: str):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.store.add("web", "view", FLOOR - 40 * HOUR, 4)
    died = RuntimeError("the process died")
    if phase == "evaluation":
        bench.evaluation_error = died
    else:
        bench.store.fail_with[phase] = died
    assert bench.collect().status == "failed"
    assert bench.config().collected_until is None
    bench.evaluation_error = None
    assert bench.collect().status == "completed"
    assert bench.counts("web", "click") == {FLOOR - HOUR: 3}
    assert bench.counts("web", "view") == {FLOOR - 40 * HOUR: 4}
    assert len(bench.coverage()) == 40
    assert bench.config().consecutive_failures == 0


def test_the_store_is_never_read_inside_a_write_transaction(bench: Workbench):
    def write_elsewhere() -> None:
        with bench.transaction() as session:  # would wait for ever on SQLite if the run held the write lock
            session.execute(sa.text("UPDATE projects SET description = 'x'"))

    bench.store.on_read = dict.fromkeys(("span", "groups", "buckets"), write_elsewhere)
    bench.store.add("web", "click", FLOOR - HOUR)
    assert bench.collect().status == "completed"


def test_cancelling_stops_the_run_before_it_writes_again(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR)
    job_id = bench.request()

    def cancel() -> None:
        with bench.transaction() as session:
            scans.cancel_job(session, EDITOR, "shop", job_id, now=NOW)

    bench.store.on_read["buckets"] = cancel
    job = bench.work()
    assert (job.status, job.completed_at) == ("cancelled", NOW)
    assert bench.coverage() == {}
    with bench.transaction() as session, pytest.raises(Conflict):
        scans.cancel_job(session, EDITOR, "shop", job_id)


def test_a_second_run_is_refused_while_one_is_live(bench: Workbench):
    bench.request()
    with pytest.raises(Conflict):
        bench.request()
    bench.work()
    bench.request()


def test_a_silent_job_makes_room_for_a_fresh_one(bench: Workbench):
    first = bench.request()
    bench.clock.advance(timedelta(minutes=76))
    second = bench.request()
    assert bench.job(first).status == "failed"
    assert bench.job(second).status == "pending"


def test_viewers_may_look_and_not_run(bench: Workbench):
    job_id = bench.request()
    with bench.transaction() as session:
        with pytest.raises(Forbidden):
            scans.request_run(session, VIEWER, "shop", bench.config_id)
        with pytest.raises(Forbidden):
            scans.cancel_job(session, VIEWER, "shop", job_id)
        with pytest.raises(Forbidden):
            scans.request_replay(session, EDITOR, "shop", bench.config_id, NOW - 3 * HOUR, NOW - 2 * HOUR)
        assert scans.get_job(session, VIEWER, "shop", job_id).id == job_id
        assert [job.id for job in scans.list_jobs(session, VIEWER, "shop", bench.config_id).items] == [job_id]
        with pytest.raises(NotFound):
            scans.get_job(session, VIEWER, "shop", "unknown")
        with pytest.raises(NotFound):
            scans.list_jobs(session, VIEWER, "shop", "unknown")


def test_the_builtin_scan_is_made_once(bench: Workbench):
    with bench.transaction() as session:
        assert scans.ensure_builtin_scan(session, bench.project).id == bench.config_id
        (config,) = scans.list_configs(session, VIEWER, "shop")
    assert (config.is_builtin, config.is_schedulable, config.interval) == (True, True, "1h")
    assert (config.event_type_column, config.event_name_format, config.time_column) == ("source", "{name}", "time")


def test_ten_thousand_events_are_stored_and_listed_with_a_bounded_number_of_statements(bench: Workbench):
    moment = FLOOR - HOUR
    for number in range(10_000):
        bench.store.add("web", f"event {number}", moment)
    # The fake groups row by row; with distinct names every row is its own group.
    bench.store.count_groups = lambda *_: [GroupCount(row.source, row.name, 1, moment, moment) for row in bench.store.rows]
    statements: list[str] = []

    def listener(conn, cursor, statement, parameters, context, executemany) -> None:
        statements.append(statement)

    sa.event.listen(bench.engine, "before_cursor_execute", listener)
    try:
        assert bench.collect().result_summary["events_created"] == 10_000
        collecting, statements[:] = len(statements), []
        with bench.transaction(write=False) as session:
            page = plan.list_events(session, VIEWER, "shop", search="EVENT 9", limit=10_000)
        listing = len(statements)
        with bench.transaction(write=False) as session:
            assert session.execute(sa.select(sa.func.count()).select_from(MetricBucket)).scalar_one() == 10_000 + 1
            assert session.execute(sa.select(sa.func.count()).select_from(ScanJob)).scalar_one() == 1
    finally:
        sa.event.remove(bench.engine, "before_cursor_execute", listener)
    assert page.total == 1111
    assert collecting < 120
    assert listing <= 6
