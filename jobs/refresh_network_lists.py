"""Keeps the lists of networks fresh, on instances whose operator has installed a database or lists."""

from __future__ import annotations

from app.kernel.outbound import outbound
from app.kernel.settings import get_settings
from app.kernel.telemetry import JOB_RUNS
from app.security.intelligence.databases import FOLDER
from app.security.intelligence.sources import refresh_lists
from jobs.leadership import Leadership


def run(leadership: Leadership) -> None:
    """One pass, where this process leads. No call goes out where the folder of databases was never made."""
    folder = get_settings().data_dir / FOLDER
    if not folder.is_dir():
        return
    with leadership.turn() as session:
        leads = session is not None
    if leads:
        refresh_lists(folder, outbound(), leadership.clock.now)  # outside the transaction: sources may be slow
    JOB_RUNS.labels(job="refresh_network_lists", result="completed").inc()
