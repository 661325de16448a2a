"""`plumbline demo flights`: a year of real departures through the public event API, counted and judged like anybody's events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from sqlmodel import Session

from app.demo import blizzard
from app.demo.blizzard import Finding
from app.demo.flight_records import CANCELLED, DEPARTED, SERVICE, FlightRecords, flight_records
from app.detection import service as detection
from app.detection.contracts import Direction, Incident
from app.eventstore import service as stores
from app.eventstore.contracts import EventStore
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Conflict, NotFound
from app.kernel.settings import Settings
from app.metrics.contracts import ScopeType
from app.plan import service as plan
from app.plan.contracts import ObservedEvent
from app.projects import onboarding
from app.projects import service as projects
from app.projects.contracts import ProjectView
from app.runtime_file import read_runtime_record
from app.scans import service as scans
from app.scans.contracts import JobStatus, ScanJobView

PROJECT_NAME = "Flights 2013"
PROJECT_SLUG = "flights"
BATCH_EVENTS = 1000
MOST_ATTEMPTS = 10
LONGEST_PAUSE_SECONDS = 30.0
STORED_DEADLINE_SECONDS = 180.0
JOB_DEADLINE_SECONDS = 600.0
# Cancellations are rare: hardly one an hour is expected, and it is the spike over that which counts.
MIN_EXPECTED_COUNT = 1
_EVENTS = "event"
_POLL_SECONDS = 0.5
_REPORT_EVERY = 20

Echo = Callable[[str], None]
Progress = Callable[[int, int], None]


class FlightsDemoError(Exception):
    """The demonstration cannot go on; the text is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class PostedFlights:
    """What was sent, and the hours it covers."""

    departed: int
    cancelled: int
    refused: int
    start: datetime
    stop: datetime

    @property
    def total(self) -> int:
        """All accepted events."""
        return self.departed + self.cancelled


def post_flights(
    base_url: str,
    token: str,
    *,
    months: int = 12,
    http_client: httpx.Client,
    progress: Progress = lambda _done, _total: None,
    sleep: Callable[[float], None] = time.sleep,
    records: FlightRecords | None = None,
) -> PostedFlights:
    """Send the flights of the first `months` months in batches of at most 1000, one after the other.

    Waits as told on 429 and 503. `progress` hears how many of how many are through. Errors: FlightsDemoError.
    """
    records = records or flight_records(months)
    refused = done = 0
    for batch in _batches(records.events):
        answer = _post(base_url, token, batch, http_client, sleep)
        refused += int(answer.get("failed", 0))
        done += len(batch)
        progress(done, len(records.events))
    cancelled = sum(event["operation"] == CANCELLED for event in records.events)
    return PostedFlights(len(records.events) - cancelled, cancelled, refused, records.start, records.stop)


def _batches(events: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(events), BATCH_EVENTS):
        yield events[start : start + BATCH_EVENTS]


def _post(
    base_url: str, token: str, batch: Sequence[dict[str, Any]], client: httpx.Client, sleep: Callable[[float], None]
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = msgspec.json.encode({"events": batch})
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            answer = client.post(f"{base_url}/v1/events", content=body, headers=headers)
        except httpx.ConnectError as error:
            # Nothing was sent, so trying again cannot store anything twice.
            if attempt == MOST_ATTEMPTS:
                raise FlightsDemoError(f"{base_url} cannot be reached: {error}") from error
            sleep(min(attempt, LONGEST_PAUSE_SECONDS))
            continue
        except httpx.HTTPError as error:
            raise FlightsDemoError(f"{base_url} did not answer: {error}. Run the command again, it starts afresh.") from error
        if answer.status_code in (429, 503):
            sleep(_pause(answer))
            continue
        if answer.status_code != 200:
            raise FlightsDemoError(f"{base_url} answered {answer.status_code}: {answer.text[:300]}")
        result: dict[str, Any] = answer.json()
        return result
    raise FlightsDemoError(f"{base_url} refused a batch {MOST_ATTEMPTS} times: it is too busy or its quota is used up.")


def _pause(answer: httpx.Response) -> float:
    asked = answer.headers.get("Retry-After", "1")
    return min(float(asked) if asked.isdigit() else 1.0, LONGEST_PAUSE_SECONDS)


def run_flights_demo(settings: Settings, *, base_url: str | None = None, months: int = 12, echo: Echo = print) -> list[str]:
    """Post the flights into the project `flights` of a running instance, replay their hours, and tell what detection found.

    Run on the machine of the instance. A second run replaces what the first one posted. Returns what the findings lack, nothing
    when all is well. Errors: FlightsDemoError.
    """
    url = (base_url or _running_url(settings)).rstrip("/")
    try:
        records = flight_records(months)
    except ImportError as error:
        raise FlightsDemoError("The flights are not installed: pip install 'plumbline[demo]'") from error
    try:
        store: EventStore = stores.connect(settings)
        project, config_id = _prepared_project(records)
        _remove_earlier(store, project, records, echo)
        posted = _send(url, project, records, echo)
        _wait_until_stored(store, project, posted)
        echo(f"All {posted.total:,} events are stored.")
        job = _replay(project, config_id, posted, echo)
        echo(f"Counted and judged: {job.result_summary.get('metric_rows', 0)} metric rows.")
        return _tell(project, posted, url, echo)
    except AppError as error:
        raise FlightsDemoError(error.message) from error


def _running_url(settings: Settings) -> str:
    record = read_runtime_record(settings.data_dir)
    if record is None:
        raise FlightsDemoError(f"No running instance uses {settings.data_dir}. Start one with `plumbline serve`.")
    return record.url


def _prepared_project(records: FlightRecords) -> tuple[ProjectView, str]:
    with session_scope() as session:
        try:
            project = projects.get_project(session, SYSTEM_ACTOR, PROJECT_SLUG)
            onboarding.ensure_watched(session, project)
        except NotFound:
            description = "Departures from the three New York airports in 2013, hour by hour."
            project = onboarding.create_watched_project(session, SYSTEM_ACTOR, PROJECT_NAME, PROJECT_SLUG, description)
        detection.update_settings(
            session,
            SYSTEM_ACTOR,
            PROJECT_SLUG,
            {"anomaly_detection_enabled": True, "min_expected_count": MIN_EXPECTED_COUNT},
        )
        # Scans look back two months for events to plan, a replay plans none; these lie further back.
        last_at = records.stop - timedelta(hours=1)
        planned = [ObservedEvent(SERVICE, name, count=0, last_at=last_at) for name in (DEPARTED, CANCELLED)]
        plan.sync_observed_events(session, project.id, planned)
        config_id = scans.ensure_builtin_scan(session, project).id
    return project, config_id


def _stored_count(store: EventStore, project: ProjectView, start: datetime, stop: datetime) -> int:
    return sum(group.count for group in store.count_groups(project.tenant_id, project.id, _EVENTS, start, stop))


def _remove_earlier(store: EventStore, project: ProjectView, records: FlightRecords, echo: Echo) -> None:
    year = datetime(2013, 1, 1, tzinfo=UTC)
    if _stored_count(store, project, year, max(records.stop, year + timedelta(days=367))):
        echo("Removing the flights of an earlier run.")
        store.delete_project(project.tenant_id, project.id)


def _send(url: str, project: ProjectView, records: FlightRecords, echo: Echo) -> PostedFlights:
    with session_scope() as session:
        key, token = identity.create_ingest_key(
            session, SYSTEM_ACTOR, project.slug, name="Flights demo", expires_in_days=1, now=SYSTEM_CLOCK.now()
        )

    def progress(done: int, total: int) -> None:
        if done == total or done % (BATCH_EVENTS * _REPORT_EVERY) == 0:
            echo(f"{done:,} of {total:,} events posted")

    # Ids of a run of their own: the server would take those of an earlier run, removed by now, for repetitions.
    events = [{**event, "id": f"{key.id}-{event['id']}"} for event in records.events]
    records = replace(records, events=events)
    echo(f"Posting {len(records.events):,} events to {url}/v1/events")
    try:
        with httpx.Client(timeout=60) as client:
            return post_flights(url, token, http_client=client, progress=progress, records=records)
    finally:
        with session_scope() as session:
            identity.revoke_ingest_key(session, SYSTEM_ACTOR, project.slug, key.id, SYSTEM_CLOCK.now())


def _wait_until_stored(store: EventStore, project: ProjectView, posted: PostedFlights) -> None:
    wanted = posted.total - posted.refused
    deadline = time.monotonic() + STORED_DEADLINE_SECONDS
    while (stored := _stored_count(store, project, posted.start, posted.stop)) < wanted:
        if time.monotonic() > deadline:
            raise FlightsDemoError(f"Only {stored:,} of {wanted:,} events reached the event store in time.")
        time.sleep(_POLL_SECONDS)
    if stored > wanted:
        raise FlightsDemoError(f"{stored:,} events are stored instead of {wanted:,}. Run the command again, it starts afresh.")


def _replay(project: ProjectView, config_id: str, posted: PostedFlights, echo: Echo) -> ScanJobView:
    deadline = time.monotonic() + JOB_DEADLINE_SECONDS
    job: ScanJobView | None = None
    shown = ""
    while time.monotonic() < deadline:
        if job is None:
            job = _requested(project, config_id, posted)
        else:
            with session_scope(write=False) as session:
                job = scans.get_job(session, SYSTEM_ACTOR, project.slug, job.id)
            line = f"Replay {job.progress_percent} %"
            if line != shown and job.progress_percent // 10 != (int(shown.split()[1]) // 10 if shown else -1):
                echo(line)
                shown = line
            if not job.status.is_live:
                break
        time.sleep(_POLL_SECONDS)
    if job is None or job.status.is_live:
        raise FlightsDemoError("The replay did not end in time. Does the instance run its jobs?")
    if job.status is not JobStatus.COMPLETED:
        raise FlightsDemoError(f"The replay {job.status.value}: {job.error_message or 'no reason was noted'}")
    return job


def _requested(project: ProjectView, config_id: str, posted: PostedFlights) -> ScanJobView | None:
    try:
        with session_scope() as session:
            return scans.request_replay(session, SYSTEM_ACTOR, project.slug, config_id, posted.start, posted.stop)
    except Conflict:
        return None  # the scheduled collection of this hour is under way


def _tell(project: ProjectView, posted: PostedFlights, url: str, echo: Echo) -> list[str]:
    with session_scope(write=False) as session:
        incidents = _incidents(session, project, posted)
    findings = [finding_of(incident) for incident in incidents if incident.scope_type is not ScopeType.EVENT_TYPE]
    hours = int((posted.stop - posted.start) / timedelta(hours=1))
    for name, direction in ((CANCELLED, Direction.SPIKE), (DEPARTED, Direction.DROP)):
        for incident in incidents:
            if incident.scope_name == name and blizzard.of_blizzard([finding_of(incident)], name, direction):
                echo(
                    f"{name} {direction.value} from {incident.started_at:%d %B %H:%M} to {incident.ended_at:%d %B %H:%M} UTC: "
                    f"{incident.peak_actual} instead of {incident.peak_expected:.0f}"
                )
    share = blizzard.flagged_share(findings, hours=hours, series_count=3)
    echo(f"{share:.2%} of all hourly buckets of the two events and the total are flagged.")
    faults = blizzard.shortcomings(findings, hours=hours, series_count=3) if posted.stop > blizzard.BLIZZARD_END else []
    for fault in faults:
        echo(fault)
    echo(f"See {url}/p/{project.slug}/inbox")
    return faults


def _incidents(session: Session, project: ProjectView, posted: PostedFlights) -> list[Incident]:
    found: list[Incident] = []
    while True:
        page = detection.list_incidents(
            session, SYSTEM_ACTOR, project.slug, since=posted.start, until=posted.stop, limit=200, offset=len(found)
        )
        found += page.items
        if not page.items or not page.has_more:
            return found


def finding_of(incident: Incident) -> Finding:
    """The incident as the acceptance check reads it."""
    return Finding(incident.scope_name, incident.direction, incident.started_at, incident.ended_at, incident.bucket_count)
