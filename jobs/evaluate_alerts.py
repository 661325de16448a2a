"""Asks the alert rules about every scan whose newest collection they have not seen."""

from __future__ import annotations

import logging

from app.alerting import service as alerting
from app.kernel.database import session_scope
from app.kernel.telemetry import JOB_RUNS
from app.scans import service as scans
from jobs.leadership import Leadership

NAME = "evaluate_alerts"
log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership) -> int:
    """Evaluate one scan per transaction; how many deliveries were queued. A scan that fails does not hold the others back."""
    with session_scope(write=False) as session:
        waiting = alerting.waiting_scans(session)
    queued = 0
    for scan in waiting:
        try:
            with leadership.turn() as session:
                if session is None:
                    return queued
                told = len(alerting.evaluate_scan(session, scan, leadership.clock.now()))
                if told:
                    scans.note_alerts(session, scan.project_id, scan.job_id, told)
                queued += told
        except Exception:
            JOB_RUNS.labels(job=NAME, result="failed").inc()
            log.exception("alert rules could not be asked about scan %s", scan.scan_config_id)
    return queued
