import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.kernel.settings import load_settings
from app.scans import service as scans
from jobs import dispatch_scans, reap_scan_jobs, scheduler
from jobs.leadership import Leadership
from jobs.run_scan_jobs import ScanJobRunner
from models.scans import JobLease, ScanJob
from tests.integration.scans_workbench import HOUR, NOW, Workbench

FLOOR = NOW.replace(minute=0)
WAIT_SECONDS = 60


def until(condition, what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        threading.Event().wait(0.02)


def leadership(bench: Workbench, name: str) -> Leadership:
    return Leadership(scans.Holder(name, 1, "test"), 60, bench.clock, bench.transaction)


def jobs_of(bench: Workbench) -> list[ScanJob]:
    with bench.transaction(write=False) as session:
        return list(session.execute(sa.select(ScanJob).order_by(ScanJob.created_at)).scalars())


def test_only_the_leader_dispatches_until_its_lease_runs_out(bench: Workbench):
    leader, follower = leadership(bench, "leader"), leadership(bench, "follower")
    leader.renew()
    assert dispatch_scans.run(follower) == 0
    assert dispatch_scans.run(leader) == 1
    bench.work()
    bench.clock.advance(HOUR)
    assert dispatch_scans.run(follower) == 1


def test_a_leader_that_renews_stays_the_leader(bench: Workbench):
    leader, follower = leadership(bench, "leader"), leadership(bench, "follower")
    for _ in range(5):
        leader.renew()
        follower.renew()
        bench.clock.advance(timedelta(seconds=40))
    assert dispatch_scans.run(follower) == 0


def test_a_leader_that_withdraws_makes_room_at_once(bench: Workbench):
    leader, follower = leadership(bench, "leader"), leadership(bench, "follower")
    leader.renew()
    leader.withdraw()
    assert dispatch_scans.run(follower) == 1


def test_at_start_up_jobs_of_the_dead_process_are_failed_at_once(bench: Workbench):
    process = scans.this_process()
    dead = Leadership(scans.Holder(process.machine, process.pid, "before"), 60, bench.clock, bench.transaction)
    dead.renew()
    bench.request()
    job_id = bench.claim(dead.holder.name)
    restarted = Leadership(process, 60, bench.clock, bench.transaction)
    restarted.renew()
    assert reap_scan_jobs.run(restarted) == 1
    assert bench.job(job_id).status == "failed"


def test_jobs_run_in_threads_and_no_more_are_claimed_than_threads_are_free(bench: Workbench):
    gate, entered = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        assert gate.wait(WAIT_SECONDS)

    bench.store.on_read["groups"] = hold
    runner = ScanJobRunner("machine/1/x", threads=1, tools=bench.tools)
    first = bench.request()
    assert runner.tick() == 1
    assert entered.wait(WAIT_SECONDS)
    assert bench.job(first).status == "running"
    assert runner.tick() == 0
    gate.set()
    until(lambda: bench.job(first).status == "completed", "the first job completes")
    second = bench.request()
    until(lambda: runner.tick() == 1 or bench.job(second).status != "pending", "the second job is claimed")
    until(lambda: bench.job(second).status == "completed", "the second job completes")
    assert runner.stop(WAIT_SECONDS)


def test_at_shutdown_a_running_job_goes_back_to_the_queue(bench: Workbench):
    entered, gate = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        assert gate.wait(WAIT_SECONDS)

    bench.store.on_read["groups"] = hold
    runner = ScanJobRunner("machine/1/x", threads=1, tools=bench.tools)
    job_id = bench.request()
    runner.tick()
    assert entered.wait(WAIT_SECONDS)
    threading.Timer(0.1, gate.set).start()
    assert runner.stop(WAIT_SECONDS)
    job = bench.job(job_id)
    assert (job.status, job.claimed_by) == ("pending", None)
    assert runner.tick() == 0  # a stopped runner claims nothing
    bench.store.on_read.clear()
    assert bench.work().status == "completed"


def test_a_failing_background_job_is_logged_and_does_not_raise(caplog: pytest.LogCaptureFixture):
    def fail() -> None:
        raise RuntimeError("the database is away")

    scheduler.guarded("dispatch_scans", fail)()
    assert "background job dispatch_scans failed" in caplog.text


def test_the_scheduler_collects_a_due_scan_and_gives_its_leases_back(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    settings = load_settings({"PLUMBLINE_DISPATCH_SECONDS": "1", "PLUMBLINE_LEASE_SECONDS": "5"})
    hiccups = iter([RuntimeError("a hiccup")])
    running = scheduler.Scheduler(
        settings, clock=bench.clock, transaction=_hiccuping(bench.transaction, hiccups), tools=bench.tools
    )
    running.start()
    try:
        until(lambda: [job.status for job in jobs_of(bench)] == ["completed"], "the due scan is collected")
    finally:
        running.stop()
    assert bench.counts("web", "click") == {FLOOR - HOUR: 3}
    assert jobs_of(bench)[0].result_summary["mode"] == "metrics_collection"
    with bench.transaction(write=False) as session:
        assert session.execute(sa.select(JobLease)).first() is None


def test_two_schedulers_on_one_database_run_every_job_once(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    settings = load_settings({"PLUMBLINE_DISPATCH_SECONDS": "1", "PLUMBLINE_LEASE_SECONDS": "5"})
    pair = [
        scheduler.Scheduler(
            settings,
            holder=scans.Holder(machine, 1, "test"),
            clock=bench.clock,
            transaction=bench.transaction,
            tools=bench.tools,
        )
        for machine in ("one", "two")
    ]
    for one in pair:
        one.start()
    try:
        until(lambda: [job.status for job in jobs_of(bench)] == ["completed"], "the due scan is collected")
        bench.clock.advance(HOUR)
        until(lambda: [job.status for job in jobs_of(bench)] == ["completed"] * 2, "the next hour is collected")
    finally:
        for one in pair:
            one.stop()
    assert len([read for read in bench.store.reads if read[0] == "span"]) == 2


def test_where_jobs_are_switched_off_nothing_starts():
    scheduler.start(load_settings({"PLUMBLINE_JOBS_ENABLED": "false"}))
    assert scheduler._current is None
    scheduler.stop()


def _hiccuping(transaction, errors):
    def open_transaction(*, write: bool = True):
        error = next(errors, None)
        if error is not None:
            raise error
        return transaction(write=write)

    return open_transaction
