"""The road of a canary: it is laid out when a drill begins and walked step by step by `jobs.run_drills`.

The canary has a project of its own that nobody sees, made for one drill and removed when the next one begins. So everything it
passes is the real thing (the log, the event store, the scan, the detector, the rules, the outbox), while the customer's plan,
counts, signals and coverage never hold a trace of it. Only the history that makes the canary unusual is written, not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from app import ui_paths
from app.alerting.contracts import RuleSpec
from app.alerting.drills import (
    CANARY_COUNT,
    CANARY_NAME,
    CANARY_SOURCE,
    HISTORY_BUCKETS,
    LATE_TEXTS,
    STAGES,
    UNWATCHED_TEXT,
    USUAL_COUNTS,
    DrillInterval,
    DrillOutcome,
    DrillStage,
    failure_message,
    lateness,
)
from app.alerting.repository import destinations
from app.alerting.repository import drills as rows
from app.alerting.service.rules import create_rule
from app.alerting.vocabulary import DeliveryStatus
from app.detection import service as detection
from app.identity.contracts import SYSTEM_ACTOR
from app.ingest.service import Record, RecordLines, encode_records
from app.kernel.ids import new_id
from app.kernel.intervals import Interval, floor_to_bucket
from app.kernel.settings import get_settings
from app.metrics import service as metrics
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from app.plan import service as plan
from app.plan.contracts import ObservedEvent
from app.projects import service as projects
from app.scans import service as scans
from app.scans.contracts import JobMode, JobStatus
from models.alerting import AlertDelivery, AlertDestination, AlertDrill, AlertDrillRun

INTERVAL = Interval.QUARTER_HOUR
RULE_NAME = "Fire drill"
MESSAGE = "Fire drill of ${project_name}: this message was meant to arrive, nothing is wrong.\n${items_text}"
KEPT_FOR = timedelta(days=400)


def has_due(session: Session, now: datetime) -> bool:
    """Whether a drill's time has come; reads only."""
    return bool(rows.due_drills(session, now))


def under_way(session: Session) -> list[str]:
    """Ids of the runs that have not ended, oldest first."""
    return [one.id for one in rows.running(session)]


def running_run(session: Session, run_id: str) -> AlertDrillRun | None:
    """The run, held until the transaction ends; None when it has ended."""
    found = rows.run_by_id(session, run_id)
    return found if found is not None and found.outcome == DrillOutcome.RUNNING else None


def begin_due(session: Session, now: datetime) -> list[str]:
    """Begin every drill whose time has come; ids of the runs. A time that passes while one still runs is left out."""
    begun = []
    for drill in rows.due_drills(session, now):
        drill.next_run_at = now + DrillInterval(drill.interval).duration
        if not rows.running(session, drill.project_id):
            begun.append(begin(session, drill, now).id)
    rows.delete_before(session, now - KEPT_FOR)
    return begun


def begin(session: Session, drill: AlertDrill, now: datetime, *, is_manual: bool = False) -> AlertDrillRun:
    """Lay out the road of one drill: a fresh project with the settings, the destination and a rule as the customer has them."""
    projects.delete_hidden_projects(session, drill.project_id)
    run_id = new_id()
    bucket = floor_to_bucket(now, INTERVAL) - INTERVAL.duration
    canary = projects.create_hidden_project(session, drill.project_id, run_id)
    if rows.detection_enabled(session, drill.project_id):
        detection.enable_by_default(session, canary.id)
    config = scans.ensure_builtin_scan(session, canary)
    config.name, config.interval = RULE_NAME, INTERVAL.value
    # Only the drill asks for its runs, and a run counts just the bucket that the canary is in.
    config.is_paused, config.collected_until = True, bucket + INTERVAL.duration
    _write_history(session, canary.id, config.id, bucket)
    source = destinations.find_destination(session, drill.project_id, drill.destination_id or "")
    rule_id, name = "", "the destination of the drill"
    if source is not None:
        copy, name = rows.copied_destination(session, source, canary.id), source.name
        spec = RuleSpec(
            name=RULE_NAME, include_event_types=False, include_events=False, cooldown_minutes=1, message_template=MESSAGE
        )
        rule_id = create_rule(session, SYSTEM_ACTOR, canary.slug, copy.id, spec).id
    run = AlertDrillRun(
        id=run_id, project_id=drill.project_id, is_manual=is_manual, bucket=bucket, started_at=now, canary_project_id=canary.id,
        scan_config_id=config.id, rule_id=rule_id, destination_name=name, backup_destination_id=drill.backup_destination_id,
    )  # fmt: skip
    rows.add(session, run)
    if source is None:
        fail(session, run, DrillStage.DECIDED, "The destination of the drill does not exist any more.", now)
    return run


def _write_history(session: Session, project_id: str, config_id: str, bucket: datetime) -> None:
    """Usual counts of the canary before the bucket, in the tables that collections write."""
    observed = [ObservedEvent(CANARY_SOURCE, CANARY_NAME, 1, bucket)]
    type_id, event_id = plan.sync_observed_events(session, project_id, observed).event_ids[CANARY_SOURCE, CANARY_NAME]
    start = bucket - HISTORY_BUCKETS * INTERVAL.duration
    history = [(start + index * INTERVAL.duration, USUAL_COUNTS[index % len(USUAL_COUNTS)]) for index in range(HISTORY_BUCKETS)]
    keys = [SeriesKey(config_id, ScopeType.EVENT_TYPE, type_id), SeriesKey(config_id, ScopeType.EVENT, event_id)]
    counts = [BucketRow(key, at, count) for key in keys for at, count in history]
    metrics.replace_window(session, config_id, start, bucket, counts, [CoverageRow(at, count, count) for at, count in history])


def canary_lines(session: Session, run: AlertDrillRun, now: datetime) -> RecordLines:
    """The records of the canary for the log."""
    at = run.bucket + INTERVAL.duration / 2
    records = [
        Record("event", CANARY_SOURCE, CANARY_NAME, at, now, f"{run.id}-{index}", {"drill": run.id})
        for index in range(CANARY_COUNT)
    ]
    return encode_records("drill", canary_tenant(session, run), run.canary_project_id, records)


def canary_tenant(session: Session, run: AlertDrillRun) -> str:
    """The tenant of the canary's project."""
    canary = rows.project(session, run.canary_project_id)
    return "" if canary is None else canary.tenant_id


def stage_of(run: AlertDrillRun) -> DrillStage:
    """The stage that a running drill waits for."""
    return next((stage for stage in STAGES if getattr(run, f"{stage.value}_at") is None), DrillStage.DELIVERED)


def advance(session: Session, run: AlertDrillRun, now: datetime) -> bool:
    """Note the stages that the canary has passed and end the drill when it arrived, broke or is late; whether anything changed.

    The stage of ingest is noted by `note_ingested`, because only the event store knows.
    """
    before = (run.outcome, stage_of(run))
    while run.outcome == DrillOutcome.RUNNING:
        stage = stage_of(run)
        step = _STEPS.get(stage)
        passed = None if step is None else step(session, run, now)
        if passed is None:
            break
        setattr(run, f"{stage.value}_at", passed)
        if stage is DrillStage.DELIVERED:
            run.outcome, run.finished_at = DrillOutcome.PASSED.value, now
    if run.outcome == DrillOutcome.RUNNING:
        stage = stage_of(run)
        late = lateness(stage, _since(run), now)
        if late is not None:
            fail(session, run, stage, LATE_TEXTS[stage] if late is DrillOutcome.FAILED else UNWATCHED_TEXT, now, late)
    session.flush()
    return (run.outcome, stage_of(run)) != before


def note_ingested(session: Session, run: AlertDrillRun, now: datetime) -> None:
    """The event store has the canary: ask for the scan that counts it."""
    run.ingested_at = now
    config = rows.config(session, run.scan_config_id)
    if config is None:
        fail(session, run, DrillStage.COUNTED, "The scan of the drill was removed while it ran.", now)
        return
    summary = {"mode": JobMode.COLLECTION.value}
    run.scan_job_id = scans.create_job(session, config, requested_by=None, summary=summary, now=now).id
    session.flush()


def fail(
    session: Session,
    run: AlertDrillRun,
    stage: DrillStage,
    detail: str,
    now: datetime,
    outcome: DrillOutcome = DrillOutcome.FAILED,
) -> None:
    """End the drill and tell the backup destination, through the same outbox, which stage broke."""
    run.outcome, run.finished_at, run.detail = outcome.value, now, detail
    run.failed_stage = stage.value if outcome is DrillOutcome.FAILED else None
    project = rows.project(session, run.project_id)
    backup = destinations.find_destination(session, run.project_id, run.backup_destination_id or "")
    if project is not None and backup is not None and rows.config(session, run.scan_config_id) is not None:
        copy = rows.copied_destination(session, backup, run.canary_project_id)
        text = failure_message(project.name, run.destination_name, stage, outcome, detail)
        rows.add(session, found := _told(run, copy, project.name, project.slug, text, now))
        run.backup_delivery_id = found.id
    session.flush()


def _told(run: AlertDrillRun, backup: AlertDestination, name: str, slug: str, text: str, now: datetime) -> AlertDelivery:
    snapshot: dict[str, object] = {
        "message_format": "plain",
        "rendered_message": text,
        "subject": text.splitlines()[0],
        "link": get_settings().base_url + ui_paths.project_fire_drill(slug),
        "project": {"name": name, "slug": slug},
        "destination": {"id": run.backup_destination_id, "name": backup.name},
        "rule": {"id": run.rule_id, "name": RULE_NAME},
        "scan": {"id": run.scan_config_id, "name": RULE_NAME},
        "matched_count": 0,
        "items": [],
    }
    return AlertDelivery(
        project_id=run.canary_project_id, scan_config_id=run.scan_config_id, destination_id=backup.id,
        rule_id=f"{run.rule_id[:29]}-backup", destination_name=backup.name, rule_name=RULE_NAME, scan_name=RULE_NAME,
        channel=backup.type, payload_snapshot=snapshot, next_attempt_at=now, created_at=now, updated_at=now,
    )  # fmt: skip


def _since(run: AlertDrillRun) -> datetime:
    """When the stage that a drill waits for began."""
    passed = [at for stage in STAGES if (at := getattr(run, f"{stage.value}_at")) is not None]
    since: datetime = max([run.started_at, *passed])
    return since


def _counted(session: Session, run: AlertDrillRun, now: datetime) -> datetime | None:
    if rows.counted_total(session, run.scan_config_id, run.bucket) >= CANARY_COUNT:
        found = rows.anomaly_at(session, run.scan_config_id, run.bucket)
        return now if found is None else min(now, found)
    job = rows.job(session, run.scan_job_id or "")
    if job is None or job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        why = "" if job is None else (job.error_message or "")
        fail(session, run, DrillStage.COUNTED, f"The scan of the canary failed. {why}".strip(), now)
    elif job.status == JobStatus.COMPLETED:
        fail(session, run, DrillStage.COUNTED, "The scan ran, but did not count the canary.", now)
    return None


def _detected(session: Session, run: AlertDrillRun, now: datetime) -> datetime | None:
    found = rows.anomaly_at(session, run.scan_config_id, run.bucket)
    if found is not None:
        return min(now, found)
    if not rows.detection_enabled(session, run.canary_project_id):
        fail(session, run, DrillStage.DETECTED, "Anomaly detection is switched off in this project.", now)
        return None
    job = rows.job(session, run.scan_job_id or "")
    if job is not None and job.status == JobStatus.FAILED:
        fail(session, run, DrillStage.DETECTED, f"Detection failed. {job.error_message or ''}".strip(), now)
    elif job is not None and job.status == JobStatus.COMPLETED:
        text = "Detection ran, but did not call four times the usual count an anomaly."
        fail(session, run, DrillStage.DETECTED, text, now)
    return None


def _decided(session: Session, run: AlertDrillRun, now: datetime) -> datetime | None:
    found = rows.delivery_of(session, run.scan_config_id, run.rule_id)
    if found is not None:
        return found.created_at
    if rows.asked_at(session, run.scan_config_id) is not None:
        asked = "The rules were asked, but none told about the canary. Is the destination switched off?"
        fail(session, run, DrillStage.DECIDED, asked, now)
    return None


def _delivered(session: Session, run: AlertDrillRun, now: datetime) -> datetime | None:
    found = rows.delivery_of(session, run.scan_config_id, run.rule_id)
    if found is not None and found.status == DeliveryStatus.SENT:
        return found.sent_at or now
    if found is not None and found.status == DeliveryStatus.FAILED and found.next_attempt_at is None:
        detail = f"{run.destination_name} did not take the message: {found.error_message or 'no reason was given'}"
        fail(session, run, DrillStage.DELIVERED, detail, now)
    return None


_STEPS: dict[DrillStage, Callable[[Session, AlertDrillRun, datetime], datetime | None]] = {
    DrillStage.COUNTED: _counted,
    DrillStage.DETECTED: _detected,
    DrillStage.DECIDED: _decided,
    DrillStage.DELIVERED: _delivered,
}
