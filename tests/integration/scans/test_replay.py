from datetime import timedelta

import pytest

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.errors import BadRequest, Conflict, InvalidInput
from app.kernel.intervals import Interval
from app.plan import service as plan
from app.plan.contracts import ObservedEvent
from app.scans import service as scans
from app.scans.windows import Window
from tests.integration.scans_workbench import HOUR, NOW, Workbench

FLOOR = NOW.replace(minute=0)
DAY = timedelta(days=1)


def test_replay_counts_a_past_range_of_planned_events_and_creates_none(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    bench.store.add("web", "click", FLOOR - 100 * DAY, 5)
    bench.store.add("web", "unheard", FLOOR - 100 * DAY, 7)
    job = bench.replay(FLOOR - 100 * DAY, FLOOR - 99 * DAY)
    assert job.status == "completed"
    assert set(bench.events()) == {("web", "click")}
    assert bench.counts("web", "click") == {FLOOR - HOUR: 3, FLOOR - 100 * DAY: 5}
    assert bench.coverage()[FLOOR - 100 * DAY] == (12, 5)
    assert bench.events()[("web", "click")].last_seen_at == FLOOR - HOUR  # an older bucket does not take it back


def test_replay_summary_shows_its_progress_and_end(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    summary = bench.replay(FLOOR - 2 * DAY, FLOOR).result_summary
    expected = {
        "mode": "metrics_replay",
        "time_from": "2026-03-16T10:00:00Z",
        "time_to": "2026-03-18T10:00:00Z",
        "catalog_sync_skipped": True,
        "replay_chunk_interval": "1d",
        "replay_chunks_total": 2,
        "replay_chunks_completed": 2,
        "replay_progress_percent": 100,
        "replay_progress_phase": "completed",
        "replay_current_chunk_index": 2,
        "replay_current_chunk_from": "2026-03-17T10:00:00Z",
        "replay_current_chunk_to": "2026-03-18T10:00:00Z",
    }
    assert {key: summary[key] for key in expected} == expected
    assert "events_created" not in summary


def test_replay_of_a_range_that_is_empty_now_clears_counts_and_keeps_events(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    bench.store.rows.clear()
    bench.replay(FLOOR - 5 * HOUR, FLOOR)
    assert bench.counts("web", "click") == {}
    assert set(bench.events()) == {("web", "click")}
    assert bench.coverage()[FLOOR - HOUR] == (0, 0)


def test_replay_replaces_changed_counts_inside_its_range_only(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.store.add("web", "click", FLOOR - 4 * HOUR, 4)
    bench.collect()
    bench.store.rows.clear()
    bench.store.add("web", "click", FLOOR - 2 * HOUR, 8)
    bench.replay(FLOOR - 2 * HOUR, FLOOR)
    assert bench.counts("web", "click") == {FLOOR - 4 * HOUR: 4, FLOOR - 2 * HOUR: 8}
    assert bench.evaluated[-1] == Window(FLOOR - 2 * HOUR, FLOOR)


def test_replay_does_not_move_the_progress_of_normal_runs(bench: Workbench):
    bench.replay(FLOOR - 2 * HOUR, FLOOR)
    assert bench.config().collected_until is None
    bench.collect()
    assert bench.config().collected_until == FLOOR


@pytest.mark.parametrize(
    ("start", "stop", "error"),
    [
        (FLOOR, FLOOR, InvalidInput),
        (FLOOR - HOUR, FLOOR - 2 * HOUR, InvalidInput),
        (FLOOR - HOUR, NOW, BadRequest),
    ],
)
def test_impossible_ranges_are_refused(bench: Workbench, start, stop, error):
    with pytest.raises(error):
        bench.request_replay(start, stop)


def test_a_config_without_interval_cannot_be_replayed(bench: Workbench):
    bench.change_config(interval=None)
    with pytest.raises(BadRequest):
        bench.request_replay(FLOOR - 2 * HOUR, FLOOR)


def test_replay_is_refused_while_a_job_is_live(bench: Workbench):
    bench.request()
    with pytest.raises(Conflict):
        bench.request_replay(FLOOR - 2 * HOUR, FLOOR)


def test_too_many_rows_fail_the_replay_naming_the_chunk(bench: Workbench):
    for name in ("a", "b"):
        bench.store.add("web", name, FLOOR - HOUR)
    bench.collect()
    bench.change_config(metrics_row_limit=1)
    job = bench.replay(FLOOR - 2 * DAY, FLOOR)
    assert job.status == "failed"
    assert "2026-03-17T10:00:00Z and 2026-03-18T10:00:00Z" in job.error_message
    assert bench.config().consecutive_failures == 0
    assert bench.counts("web", "a") == {FLOOR - HOUR: 1}


def test_an_interrupted_replay_goes_on_where_it_stopped(bench: Workbench):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    bench.store.reads.clear()
    bench.request_replay(FLOOR - 4 * DAY, FLOOR)
    chunks = lambda: [start for what, start, _ in bench.store.reads if what == "buckets"]  # noqa: E731
    job = bench.work(should_stop=lambda: len(chunks()) == 2)
    assert (job.status, job.claimed_by, job.result_summary["replay_chunks_completed"]) == ("pending", None, 1)
    assert bench.work().status == "completed"
    # The chunk that was counted when the stop came is counted once more, the ones before it are not.
    assert chunks() == [FLOOR - 4 * DAY, FLOOR - 3 * DAY, FLOOR - 3 * DAY, FLOOR - 2 * DAY, FLOOR - DAY]


def _broken_off(bench: Workbench) -> list:
    """A replay of four days whose process died after its first chunk; the chunks read from then on."""
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.store.add("web", "click", FLOOR - 4 * DAY, 1)
    bench.collect()
    bench.store.reads.clear()
    job_id = bench.request_replay(FLOOR - 4 * DAY, FLOOR)
    bench.work(should_stop=lambda: len(bench.store.reads) == 2)
    bench.claim()
    bench.change_job(job_id, status="failed", error_message="It died.", completed_at=bench.clock.now())
    bench.store.reads.clear()
    return bench.store.reads


def test_the_same_replay_after_a_kill_goes_on_after_the_finished_chunks(bench: Workbench):
    reads = _broken_off(bench)
    bench.change_config(metrics_row_limit=50)  # a limit that was too low may be what it failed for
    job = bench.replay(FLOOR - 4 * DAY, FLOOR)
    assert [start for what, start, _ in reads if what == "buckets"] == [FLOOR - 3 * DAY, FLOOR - 2 * DAY, FLOOR - DAY]
    assert (job.status, job.result_summary["replay_chunks_completed"]) == ("completed", 4)
    assert job.result_summary["details"] == ["Went on after 1 of 4 chunks that the replay before had counted."]
    assert bench.evaluated[-1] == Window(FLOOR - 4 * DAY, FLOOR)
    assert bench.counts("web", "click") == {FLOOR - 4 * DAY: 1, FLOOR - HOUR: 3}
    reads.clear()
    assert bench.replay(FLOOR - 4 * DAY, FLOOR).result_summary["details"] == []  # one that was completed begins again
    assert len(reads) == 4


@pytest.mark.parametrize("case", ["another range", "another query", "another plan", "later", "a run between"])
def test_any_other_replay_begins_with_its_first_chunk(bench: Workbench, case: str):
    reads = _broken_off(bench)
    if case == "another query":
        bench.change_config(base_query="SELECT 1")
    if case == "another plan":
        with bench.transaction() as session:
            plan.sync_observed_events(session, bench.project.id, [ObservedEvent("web", "unheard", 1, None)])
    if case == "later":
        bench.clock.advance(HOUR)
    if case == "a run between":
        bench.clock.advance(timedelta(seconds=1))
        bench.collect()
        reads.clear()
    bench.request_replay(FLOOR - 4 * DAY, FLOOR - HOUR if case == "another range" else FLOOR)
    with bench.transaction() as session:
        (job,) = scans.list_jobs(session, SYSTEM_ACTOR, "shop", bench.config_id, limit=1).items
    assert job.result_summary["replay_chunks_completed"] == 0


@pytest.mark.parametrize("interval", list(Interval))
def test_buckets_of_every_width_are_aligned(bench: Workbench, interval: Interval):
    bench.change_config(interval=interval.value)  # the chunks stay at one day, narrower than a week
    moment = FLOOR - 30 * DAY
    bench.store.add("web", "click", moment, 3)
    bench.collect()
    (bucket,) = bench.counts("web", "click")
    assert bucket <= moment < bucket + interval.duration
    assert (bucket - interval.anchor) % interval.duration == timedelta(0)
    if interval is Interval.WEEK:
        assert bucket.weekday() == 0
