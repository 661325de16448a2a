import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.kernel.errors import Conflict
from app.scans import leases, lifecycle
from app.scans import service as scans
from app.scans.repository import configs
from models.projects import Project
from models.scans import ScanConfig
from tests.integration.scans_workbench import HOLDER, HOUR, NOW, Workbench

FLOOR = NOW.replace(minute=0)
MINUTE = timedelta(minutes=1)


def due(bench: Workbench) -> list[str]:
    with bench.transaction(write=False) as session:
        return [config.id for config in configs.due_configs(session, bench.clock.now())]


def dispatch(bench: Workbench) -> list[str]:
    with bench.transaction() as session:
        return scans.create_due_jobs(session, bench.clock.now())


def reap(bench: Workbench) -> list[str]:
    with bench.transaction() as session:
        return scans.reap_jobs(session, bench.clock.now())


def announce(bench: Workbench, holder: leases.Holder, seconds: float = 60) -> None:
    with bench.transaction() as session:
        scans.announce_worker(session, holder, bench.clock.now(), seconds)


def test_a_config_is_due_once_per_complete_bucket(bench: Workbench):
    assert due(bench) == [bench.config_id]
    (job_id,) = dispatch(bench)
    assert bench.job(job_id).result_summary == {"mode": "metrics_collection"}
    assert due(bench) == []  # a live job
    assert bench.work().result_summary["mode"] == "metrics_collection"
    assert due(bench) == []  # nothing complete yet
    bench.clock.at = FLOOR + HOUR
    assert due(bench) == [bench.config_id]


@pytest.mark.parametrize("change", [{"is_paused": True}, {"interval": None}, {"time_column": None}, {"time_column": ""}])
def test_configs_that_cannot_or_may_not_collect_are_never_due(bench: Workbench, change):
    bench.change_config(**change)
    assert due(bench) == []


def test_a_project_that_is_being_generated_is_left_alone(bench: Workbench):
    with bench.transaction() as session:
        session.execute(sa.update(Project).values(generation_status="running"))
    assert due(bench) == []


def test_after_three_failures_a_config_rests_and_success_ends_it(bench: Workbench):
    for _ in range(2):
        bench.store.fail_with["groups"] = RuntimeError("no")
        bench.collect()
    assert due(bench) == [bench.config_id]
    bench.store.fail_with["groups"] = RuntimeError("no")
    bench.collect()
    assert due(bench) == []
    assert bench.config().next_attempt_at == NOW + HOUR
    bench.clock.advance(HOUR)
    assert due(bench) == [bench.config_id]
    assert bench.collect().status == "completed"
    assert (bench.config().consecutive_failures, bench.config().next_attempt_at) == (0, None)


def test_a_job_that_is_silent_for_75_minutes_is_failed(bench: Workbench):
    holder = scans.this_process()
    announce(bench, holder, seconds=86_400)
    job_id = bench.request()
    assert bench.claim(holder.name) == job_id
    bench.clock.advance(75 * MINUTE)
    assert reap(bench) == []
    bench.clock.advance(MINUTE)
    assert reap(bench) == [job_id]
    job = bench.job(job_id)
    assert (job.status, job.error_message) == ("failed", lifecycle.SILENT_MESSAGE)
    assert bench.config().consecutive_failures == 1


def test_a_job_whose_worker_is_gone_is_failed_at_once(bench: Workbench):
    announce(bench, scans.this_process())
    job_id = bench.request()
    bench.claim("elsewhere/77/gone")
    assert reap(bench) == [job_id]
    assert bench.job(job_id).error_message == lifecycle.ABANDONED_MESSAGE


def test_a_job_of_a_living_worker_is_left_alone(bench: Workbench):
    other = leases.Holder("other-machine", 12, "abc")
    announce(bench, other)
    job_id = bench.request()
    bench.claim(other.name)
    assert reap(bench) == []
    bench.clock.advance(61 * timedelta(seconds=1))
    assert reap(bench) == [job_id]


def test_a_restarted_process_knows_that_the_dead_one_is_gone(bench: Workbench):
    process = scans.this_process()
    dead = leases.Holder(process.machine, process.pid, "before")  # the number was used again: its first owner is dead
    announce(bench, dead)
    job_id = bench.request()
    bench.claim(dead.name)
    announce(bench, process)
    assert reap(bench) == [job_id]


def test_a_run_that_was_reaped_meanwhile_writes_nothing(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR)
    job_id = bench.request()
    bench.store.on_read["buckets"] = lambda: reap(bench)  # nobody announced the worker
    job = bench.work()
    assert (job.id, job.status) == (job_id, "failed")
    assert bench.coverage() == {}


def test_a_run_that_was_reaped_while_it_judged_stores_no_findings(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR)
    job_id = bench.request()
    assert bench.claim() == job_id
    stored: list[str] = []

    def evaluate(*_arguments):
        assert bench.job(job_id).status == "running"
        bench.change_job(job_id, status="failed")
        return stored.append

    assert scans.run_job(job_id, HOLDER, tools=replace(bench.tools, evaluate=evaluate)) is None
    assert (stored, bench.job(job_id).status, bench.config().collected_until) == ([], "failed", None)


def test_somebody_who_is_faster_keeps_no_other_config_from_its_run(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    with bench.transaction() as session:
        first = session.get_one(ScanConfig, bench.config_id)
        second = ScanConfig(**{**first.model_dump(exclude={"id"}), "name": "Second"})
        session.add(second)
        session.flush()
        due = [first.id, second.id]
    bench.request()  # after the scheduler has looked for what is due
    monkeypatch.setattr(configs, "due_configs", lambda session, _now: [session.get_one(ScanConfig, one) for one in due])
    (job_id,) = dispatch(bench)
    assert bench.job(job_id).scan_config_id == due[1]


def test_a_run_whose_job_belongs_to_another_worker_does_nothing(bench: Workbench):
    job_id = bench.request()
    bench.claim("other/1/x")
    assert scans.run_job(job_id, HOLDER, tools=bench.tools) is None
    assert bench.job(job_id).status == "running"
    assert bench.store.reads == []


def test_a_failed_run_leaves_no_live_job_behind(bench: Workbench):
    bench.change_config(event_type_column=None)
    job = bench.collect()
    assert (job.status, job.error_message) == ("failed", "The scan needs an event type or a column that names it.")


def test_of_many_workers_exactly_one_gets_the_job(bench: Workbench):
    bench.request()
    taken: list[str | None] = []
    barrier = threading.Barrier(6)

    def work(number: int) -> None:
        barrier.wait()
        taken.append(bench.claim(f"machine/{number}/x"))

    _in_threads(work, 6)
    assert len(taken) == 6
    assert sum(job_id is not None for job_id in taken) == 1


def test_of_many_requests_at_once_exactly_one_makes_a_job(bench: Workbench):
    made: list[str] = []
    refused: list[bool] = []
    barrier = threading.Barrier(6)

    def ask(_number: int) -> None:
        barrier.wait()
        try:
            made.append(bench.request())
        except Conflict:
            refused.append(True)

    _in_threads(ask, 6)
    assert (len(made), len(refused)) == (1, 5)


def test_of_many_processes_exactly_one_holds_the_lease(bench: Workbench):
    got: list[str] = []
    barrier = threading.Barrier(8)

    def attempt(number: int) -> None:
        barrier.wait()
        with bench.transaction() as session:
            if scans.acquire(session, "scheduler", f"holder {number}", NOW, 60):
                got.append(f"holder {number}")

    _in_threads(attempt, 8)
    assert len(got) == 1
    bench.clock.advance(timedelta(seconds=60))
    leader, got[:] = got[0], []
    with bench.transaction() as session:  # renewed in time: nobody else gets it
        assert scans.acquire(session, "scheduler", leader, NOW + timedelta(seconds=30), 60)
        assert not scans.acquire(session, "scheduler", "rival", NOW + timedelta(seconds=89), 60)
        assert scans.acquire(session, "scheduler", "rival", NOW + timedelta(seconds=90), 60)
        assert not scans.acquire(session, "scheduler", leader, NOW + timedelta(seconds=91), 60)


def test_an_expired_lease_is_taken_over_by_exactly_one(bench: Workbench):
    with bench.transaction() as session:
        assert scans.acquire(session, "scheduler", "dead", NOW, 60)
    later = NOW + timedelta(seconds=60)
    got: list[int] = []
    barrier = threading.Barrier(6)

    def attempt(number: int) -> None:
        barrier.wait()
        with bench.transaction() as session:
            if scans.acquire(session, "scheduler", f"holder {number}", later, 60):
                got.append(number)

    _in_threads(attempt, 6)
    assert len(got) == 1


def _in_threads(work, count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
