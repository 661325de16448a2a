"""The demo's scan: run once over the store's own roll-up, then once more for what each country, device and release adds up to."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

from sqlmodel import Session

from app.demo.story import Timeline
from app.detection import service as detection
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import Clock
from app.kernel.intervals import Interval
from app.scans import service as scans
from app.scans.contracts import JobStatus, ScanJobView

SCAN_DEADLINE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.1
# Hours of the shop's quieter events hold a handful of records; they are to be watched too.
MIN_EXPECTED_COUNT: Final = 5
BREAKDOWNS: Final = ("country", "device")
WATCHED: Final = ("country",)
_BY_TRAITS: Final[dict[str, object]] = {
    "base_query": (
        "SELECT source, name, time, "
        "nullIf(JSONExtractString(properties, 'country'), '') AS country, "
        "nullIf(JSONExtractString(properties, 'device'), '') AS device, "
        "nullIf(JSONExtractString(properties, 'app_version'), '') AS app_version FROM events WHERE kind = 'event'"
    ),
    "metric_breakdown_columns": BREAKDOWNS,
    "distribution_drift_fields": WATCHED,
    "app_version_column": "app_version",
    "replay_chunk_interval": Interval.WEEK,
}


class GenerationFailed(Exception):
    """Filling cannot go on; the text is for the project's owner."""


class ScanTools(Protocol):
    """What a scan of the demo needs of the tools that fill it."""

    @property
    def holder(self) -> str:
        """The worker under whose name the scan runs."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def transaction(self) -> Callable[..., AbstractContextManager[Session]]:
        """Opens a transaction."""
        ...

    @property
    def run_scan(self) -> Callable[[str, str], object]:
        """Runs a claimed job."""
        ...


Said = Callable[[str, int], None]
"""Takes the stage and the percentage to show."""


def scan(slug: str, config_id: str, tools: ScanTools, say: Said) -> None:
    """Find the events and count them; nothing is judged yet. Errors: GenerationFailed."""
    with tools.transaction() as session:
        job_id = scans.request_run(session, SYSTEM_ACTOR, slug, config_id, now=tools.clock.now()).id
    _wait(slug, job_id, tools, lambda job: say(job.progress_phase or "Scanning", 60 + job.progress_percent * 15 // 100))


def count_by_traits(slug: str, config_id: str, timeline: Timeline, tools: ScanTools, say: Said) -> None:
    """Count the same hours again by country, device and release, and judge the counts. Errors: GenerationFailed.

    The scan pauses first: no further events arrive, so their absence is not news. Counting again looks at nothing but counts; a run
    would miss every field that the query leaves out.
    """
    with tools.transaction() as session:
        scans.set_paused(session, SYSTEM_ACTOR, slug, config_id, is_paused=True)
        changes = {"anomaly_detection_enabled": True, "min_expected_count": MIN_EXPECTED_COUNT}
        detection.update_settings(session, SYSTEM_ACTOR, slug, changes)
        scans.update_config(session, SYSTEM_ACTOR, slug, config_id, _BY_TRAITS)
        start, stop = timeline.hours[0], timeline.current_hour
        job_id = scans.request_replay(session, SYSTEM_ACTOR, slug, config_id, start, stop, now=tools.clock.now()).id
    _wait(slug, job_id, tools, lambda job: say("Counting by country, device and release", 75 + job.progress_percent * 15 // 100))


def _wait(slug: str, job_id: str, tools: ScanTools, say: Callable[[ScanJobView], None]) -> None:
    deadline = time.monotonic() + SCAN_DEADLINE_SECONDS
    while True:
        # The scan may have been taken by another worker; whichever waits longest is run here meanwhile.
        with tools.transaction() as session:
            claimed = scans.claim_next_job(session, tools.holder, tools.clock.now())
        if claimed is not None:
            tools.run_scan(claimed, tools.holder)
        with tools.transaction(write=False) as session:
            job = scans.get_job(session, SYSTEM_ACTOR, slug, job_id)
        if not job.status.is_live:
            break
        say(job)
        if time.monotonic() > deadline:
            raise GenerationFailed("The scan of the demo data took too long.")
        time.sleep(_POLL_SECONDS)
    if job.status is not JobStatus.COMPLETED:
        raise GenerationFailed(f"The scan of the demo data {job.status.value}: {job.error_message or 'no reason was noted'}")
