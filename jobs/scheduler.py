"""The scheduler of one process. Every process runs scan jobs; the rest is done by the one that holds the scheduler's lease."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.settings import Settings
from app.kernel.telemetry import JOB_RUNS
from app.scans import service as scans
from jobs import (
    analyse_streams,
    cleanup,
    dispatch_scans,
    embed_plans,
    escalate_alerts,
    evaluate_alerts,
    note_first_counts,
    prune_retention,
    reap_scan_jobs,
    refresh_network_lists,
    run_drills,
    score_actors,
    sweep_security,
)
from jobs.build_demo import DemoBuilder
from jobs.deliver_alerts import DeliveryRunner
from jobs.erase_people import ErasureRunner
from jobs.leadership import Leadership
from jobs.run_bakeoffs import BakeoffRunner
from jobs.run_scan_jobs import ScanJobRunner
from jobs.run_scan_looks import ScanLookRunner
from jobs.seal_audit import run as seal_audit

THREADS = 2
# More than there are jobs that take long, so that those somebody waits for are never behind them.
SCHEDULER_THREADS = 6
CLAIM_SECONDS = 1
REAP_SECONDS = 60
FIRST_COUNTS_SECONDS = 60
ALERT_SECONDS = 5
ESCALATION_SECONDS = 15
DRILL_SECONDS = 1
STREAM_SECONDS = 30
CLEANUP_SECONDS = 3600
PRUNE_SECONDS = 60
NETWORK_LISTS_SECONDS = 3600
SWEEP_SECONDS = 60
ACTOR_SCORES_SECONDS = 3600
SEAL_SECONDS = 60
EMBED_SECONDS = 60

log = logging.getLogger("plumbline.jobs")


class Scheduler:
    """Background work of this process, from `start` to `stop`. A failing job is logged and tried again at its next time."""

    def __init__(
        self,
        settings: Settings,
        *,
        holder: scans.Holder | None = None,
        clock: Clock = SYSTEM_CLOCK,
        transaction: scans.Transaction = scans.DEFAULT_TOOLS.transaction,
        tools: scans.RunTools = scans.DEFAULT_TOOLS,
    ) -> None:
        self._settings = settings
        self._leadership = Leadership(holder or scans.this_process(), settings.jobs.lease_seconds, clock, transaction)
        self._runner = ScanJobRunner(self._leadership.holder.name, threads=THREADS, tools=tools)
        self._looks = ScanLookRunner(self._leadership.holder.name, threads=THREADS, tools=tools)
        self._deliveries = DeliveryRunner(self._leadership.holder.name, clock=clock)
        self._bakeoffs = BakeoffRunner(self._leadership)
        self._erasures = ErasureRunner(self._leadership)
        self._demos = DemoBuilder(self._leadership)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(SCHEDULER_THREADS)},
            # A late run is better than none, and runs that were missed together are made up by one.
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

    def start(self) -> None:
        """Begin; the first look at dead jobs and due scans happens at once."""
        renew_seconds = max(1.0, self._settings.jobs.lease_seconds / 3)
        self._add("heartbeat", self._leadership.renew, renew_seconds)
        self._add("run_scan_jobs", self._runner.tick, CLAIM_SECONDS)
        self._add("run_scan_looks", self._looks.tick, CLAIM_SECONDS)
        self._add("reap_scan_jobs", lambda: reap_scan_jobs.run(self._leadership), REAP_SECONDS)
        self._add("dispatch_scans", lambda: dispatch_scans.run(self._leadership), self._settings.jobs.dispatch_seconds)
        self._add("note_first_counts", lambda: note_first_counts.run(self._leadership), FIRST_COUNTS_SECONDS)
        self._add("evaluate_alerts", lambda: evaluate_alerts.run(self._leadership), ALERT_SECONDS)
        self._add("escalate_alerts", lambda: escalate_alerts.run(self._leadership), ESCALATION_SECONDS)
        self._add("run_drills", lambda: run_drills.run(self._leadership), DRILL_SECONDS)
        self._add("seal_audit", lambda: seal_audit(self._leadership), SEAL_SECONDS)
        self._add("analyse_streams", lambda: analyse_streams.run(self._leadership), STREAM_SECONDS)
        self._add("deliver_alerts", self._deliveries.tick, CLAIM_SECONDS)
        self._add("run_bakeoffs", self._bakeoffs.tick, CLAIM_SECONDS)
        self._add("erase_people", self._erasures.tick, CLAIM_SECONDS)
        self._add("build_demo", self._demos.tick, CLAIM_SECONDS)
        self._add("cleanup", lambda: cleanup.run(self._leadership), CLEANUP_SECONDS)
        self._add("prune_retention", lambda: prune_retention.run(self._leadership), PRUNE_SECONDS)
        self._add("embed_plans", lambda: embed_plans.run(self._leadership), EMBED_SECONDS)
        self._add("sweep_security", lambda: sweep_security.run(self._leadership), SWEEP_SECONDS)
        self._add("score_actors", lambda: score_actors.run(self._leadership), ACTOR_SCORES_SECONDS)
        self._add("refresh_network_lists", lambda: refresh_network_lists.run(self._leadership), NETWORK_LISTS_SECONDS)
        # The worker must be known before it claims its first job, else another process would take that job for abandoned.
        guarded("heartbeat", self._leadership.renew)()
        guarded("reap_scan_jobs", lambda: reap_scan_jobs.run(self._leadership))()
        self._scheduler.start()

    def stop(self, *, wait_seconds: float = 10.0) -> None:
        """End: running scans go back to the queue at their next step, the leases are given back."""
        self._scheduler.shutdown(wait=False)
        self._demos.stop(wait_seconds / 2)
        self._looks.stop(wait_seconds / 4)
        self._deliveries.stop(wait_seconds / 4)
        self._bakeoffs.stop(wait_seconds / 4)
        self._erasures.stop(wait_seconds / 4)
        is_idle = self._runner.stop(wait_seconds / 2)
        if is_idle:
            guarded("withdraw", self._leadership.withdraw)()

    def _add(self, name: str, work: Callable[[], object], seconds: float) -> None:
        self._scheduler.add_job(guarded(name, work), "interval", seconds=seconds, id=name, next_run_time=datetime.now(UTC))


def guarded(name: str, work: Callable[[], object]) -> Callable[[], None]:
    """The work as a job that never raises: failures are counted and logged, and the next run comes at its time."""

    def job() -> None:
        try:
            work()
        except Exception:
            JOB_RUNS.labels(job=name, result="failed").inc()
            log.exception("background job %s failed", name)

    return job


_current: Scheduler | None = None
_lock = threading.Lock()


def start(settings: Settings) -> None:
    """Start this process's scheduler once; nothing happens where jobs are switched off."""
    global _current  # noqa: PLW0603 - one scheduler per process
    with _lock:
        if _current is None and settings.jobs.jobs_enabled:
            _current = Scheduler(settings)
            _current.start()


def stop() -> None:
    """Stop it, at most about ten seconds for running scans."""
    global _current
    with _lock:
        current, _current = _current, None
    if current is not None:
        current.stop()
