from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy.engine import Engine

from app.detection import bakeoff, bakeoff_run, tuning_repository
from app.detection.bakeoff import BakeoffStatus
from app.detection.bakeoff_run import SILENT_AFTER, BakeoffTools
from app.detection.detectors import Detector
from app.kernel.clock import FixedClock
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.metrics.contracts import ScopeType, SeriesKey
from app.scans import service as scans
from jobs.leadership import Leadership
from jobs.run_bakeoffs import BakeoffRunner
from models.detection import Bakeoff
from tests.integration.detection.watched_project import EDITOR, HOUR, MONDAY, VIEWER, WatchedProject

NOW = MONDAY + 60 * 24 * HOUR


@pytest.fixture
def watched(engine: Engine) -> WatchedProject:
    project = WatchedProject(engine)
    hours = np.arange(28 * 24)
    counts = np.random.default_rng(5).poisson(500 * (1 + 0.4 * np.sin(2 * np.pi * hours / 24)))
    project.count(MONDAY, counts.tolist())
    return project


def key(watched: WatchedProject) -> SeriesKey:
    return SeriesKey(watched.scan_id, ScopeType.EVENT, watched.view)


def start(watched: WatchedProject) -> str:
    with watched.transaction() as session:
        return bakeoff.start(session, EDITOR, "shop", key(watched)).id


def claim(watched: WatchedProject, holder: str = "a", now=NOW) -> str | None:
    with watched.transaction() as session:
        return bakeoff_run.claim_next(session, holder, now)


def look(watched: WatchedProject, bakeoff_id: str) -> bakeoff.BakeoffView:
    with watched.transaction(write=False) as session:
        return bakeoff.get(session, VIEWER, "shop", bakeoff_id)


def tools(watched: WatchedProject, should_stop=lambda: False) -> BakeoffTools:
    return BakeoffTools(FixedClock(NOW), watched.transaction, should_stop)


def test_a_bake_off_scores_every_detector_and_the_best_one_is_adopted_for_its_series_alone(watched: WatchedProject):
    bakeoff_id = start(watched)
    assert claim(watched) == bakeoff_id
    assert bakeoff_run.run(bakeoff_id, "a", tools(watched)) is BakeoffStatus.COMPLETED
    found = look(watched, bakeoff_id)
    assert (found.status, found.progress_percent, found.progress_phase) == (BakeoffStatus.COMPLETED, 100, "Done")
    names = [one["name"] for one in found.result["scores"]]
    assert names == ["baseline@2", "baseline@3", "baseline@4", "adaptive@2", "adaptive@3", "adaptive@4"]
    assert found.result["best"] in names
    best = next(one for one in found.result["scores"] if one["name"] == found.result["best"])
    assert best["recall"] >= 0.6 and best["precision"] >= 0.6
    assert sum(best["found_by_kind"].values()) == best["found_count"] <= best["injected_count"]
    assert sum(found.result["injected"].values()) == best["injected_count"] >= 6
    assert len(found.result["counts"]) == 14 * 24
    with watched.transaction() as session:
        adopted, rules = bakeoff.adopt(session, EDITOR, "shop", bakeoff_id, Detector.ADAPTIVE, 4.0)
        assert adopted.adopted == "adaptive@4"
        assert (rules.detector, rules.sigma_threshold) == (Detector.ADAPTIVE, 4.0)
        assert list(tuning_repository.rules_of_scan(session, watched.scan_id)) == [key(watched)]


def test_progress_grows_while_it_runs(watched: WatchedProject):
    bakeoff_id = start(watched)
    claim(watched)
    seen: list[int] = []

    def watching() -> bool:
        seen.append(look(watched, bakeoff_id).progress_percent)
        return False

    bakeoff_run.run(bakeoff_id, "a", tools(watched, watching))
    assert len(seen) == 12 and seen == sorted(seen) and seen[-1] > 50


def test_cancelling_ends_a_running_one_and_nothing_is_written_after(watched: WatchedProject):
    bakeoff_id = start(watched)
    claim(watched)

    def cancel_then_go_on() -> bool:
        if look(watched, bakeoff_id).status is BakeoffStatus.RUNNING:
            with watched.transaction() as session:
                bakeoff.cancel(session, EDITOR, "shop", bakeoff_id)
        return False

    assert bakeoff_run.run(bakeoff_id, "a", tools(watched, cancel_then_go_on)) is None
    found = look(watched, bakeoff_id)
    assert (found.status, found.result) == (BakeoffStatus.CANCELLED, {})
    with watched.transaction() as session, pytest.raises(Conflict):
        bakeoff.cancel(session, EDITOR, "shop", bakeoff_id)


def test_a_waiting_one_is_cancelled_at_once_and_never_claimed(watched: WatchedProject):
    bakeoff_id = start(watched)
    with watched.transaction() as session:
        assert bakeoff.cancel(session, EDITOR, "shop", bakeoff_id).status is BakeoffStatus.CANCELLED
    assert claim(watched) is None


def test_a_series_has_one_at_a_time(watched: WatchedProject):
    bakeoff_id = start(watched)
    with pytest.raises(Conflict):
        start(watched)
    with watched.transaction() as session:
        bakeoff.cancel(session, EDITOR, "shop", bakeoff_id)
    assert start(watched) != bakeoff_id


def test_a_stop_gives_it_back_to_the_queue(watched: WatchedProject):
    bakeoff_id = start(watched)
    claim(watched)
    assert bakeoff_run.run(bakeoff_id, "a", tools(watched, lambda: True)) is BakeoffStatus.PENDING
    assert claim(watched, "b") == bakeoff_id


def test_one_whose_worker_fell_silent_is_taken_over_and_the_first_worker_writes_nothing(watched: WatchedProject):
    bakeoff_id = start(watched)
    claim(watched, "dead")
    assert claim(watched, "b", NOW + SILENT_AFTER) is None
    assert claim(watched, "b", NOW + SILENT_AFTER + timedelta(seconds=1)) == bakeoff_id
    assert bakeoff_run.run(bakeoff_id, "dead", tools(watched)) is None
    assert look(watched, bakeoff_id).status is BakeoffStatus.RUNNING


@pytest.mark.parametrize(("counts", "said"), [([100] * 50, "too short"), ([0, 1] * 200, "Too little is counted")])
def test_a_history_that_cannot_tell_fails_with_the_reason(engine: Engine, counts: list[int], said: str):
    watched = WatchedProject(engine)
    watched.count(MONDAY, counts)
    bakeoff_id = start(watched)
    claim(watched)
    assert bakeoff_run.run(bakeoff_id, "a", tools(watched)) is BakeoffStatus.FAILED
    assert said in (look(watched, bakeoff_id).error_message or "")
    with watched.transaction() as session, pytest.raises(Conflict):
        bakeoff.adopt(session, EDITOR, "shop", bakeoff_id, Detector.BASELINE, 3.0)


def test_only_what_took_part_is_adopted(watched: WatchedProject):
    with watched.transaction() as session:
        row = Bakeoff(
            project_id=watched.project_id, scan_config_id=watched.scan_id, scope_type="event", scope_ref=watched.view,
            status="completed", result={"scores": [{"name": "baseline@3"}]},
        )  # fmt: skip
        session.add(row)
        session.flush()
        with pytest.raises(InvalidInput):
            bakeoff.adopt(session, EDITOR, "shop", row.id, Detector.BASELINE, 9.0)
        with pytest.raises(Forbidden):
            bakeoff.adopt(session, VIEWER, "shop", row.id, Detector.BASELINE, 3.0)
        with pytest.raises(NotFound):
            bakeoff.adopt(session, EDITOR, "shop", "0" * 36, Detector.BASELINE, 3.0)


def test_the_runner_claims_and_runs_what_waits(watched: WatchedProject):
    leadership = Leadership(scans.Holder("machine", 1, "x"), 60, FixedClock(NOW), watched.transaction)
    runner = BakeoffRunner(leadership)
    assert runner.tick() == 0
    bakeoff_id = start(watched)
    assert runner.tick() == 1
    assert runner.stop(120)
    assert look(watched, bakeoff_id).status in (BakeoffStatus.COMPLETED, BakeoffStatus.PENDING)
