"""The ledger of a project: planned, ingested and warehoused counts side by side, and what is wrong with the warehouse's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.intervals import Interval, floor_to_bucket
from app.plan.contracts import EventStatus
from app.projects import service as projects
from app.reconciliation import ledger_repository as repository
from app.reconciliation.ledger import HOUR, Allowance, Finding, HourCount, find, is_settled
from app.reconciliation.ledger_books import Books, counted_until
from models.reconciliation import LedgerSettings
from models.scans import ScanConfig

DEFAULT_HOURS = 48
LONGEST_HOURS = 168
KEPT_FOR = timedelta(hours=LONGEST_HOURS + 24)
COUNTED_TWICE_AFTER = 2 * HOUR
"""An hour's usual counts are made at its end and an hour later."""

KEEPING_UP = timedelta(hours=24)
"""What had arrived of older hours is not noted any more: it would be one statement for every event of a week."""

YOUNG = timedelta(minutes=30)
"""Only a count made so soon after the end of its hour tells late from lost."""


@dataclass(frozen=True, slots=True)
class LedgerPair:
    """The built-in scan and a scan of a warehouse that holds the same events; `counted_until` is as far as both have counted."""

    scan_config_id: str
    scan_config_name: str
    counted_until: datetime
    event_count: int


@dataclass(frozen=True, slots=True)
class EventFinding:
    """A finding about one event, or about all shared events together when `event_id` is None."""

    scan_config_id: str
    scan_config_name: str
    event_id: str | None
    event_name: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What is wrong, newest first; without pairs no warehouse holds events that arrive here."""

    pairs: list[LedgerPair]
    findings: list[EventFinding]
    hours: int
    events: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class LedgerHour:
    """One hour of a series. `planned` is 0 for an archived event; a side is None while it was not counted."""

    hour: datetime
    planned: int
    ingested: int | None
    warehoused: int | None
    first_warehoused: int | None
    is_settled: bool


@dataclass(frozen=True, slots=True)
class LedgerSeries:
    """An event's counts, oldest hour first."""

    scan_config_id: str | None
    scan_config_name: str | None
    event_id: str
    event_name: str
    event_type_name: str
    hours: list[LedgerHour]
    findings: list[Finding]


def get_allowance(session: Session, actor: Actor, slug: str) -> Allowance:
    """The project's allowance; anybody signed in."""
    return _allowance(session, projects.get_project(session, actor, slug).id)


def set_allowance(
    session: Session, actor: Actor, slug: str, *, settling_minutes: int | None = None, lateness_minutes: int | None = None
) -> Allowance:
    """Change the allowance; None leaves a part alone. Editors and owners."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    known = _allowance(session, project.id)
    settling = int(known.settling.total_seconds() // 60) if settling_minutes is None else settling_minutes
    lateness = int(known.lateness.total_seconds() // 60) if lateness_minutes is None else lateness_minutes
    repository.save_settings(session, LedgerSettings(project_id=project.id, settling_minutes=settling, lateness_minutes=lateness))
    identity.record_audit(
        session, actor, "ledger_settings.update", "project", project.id, project_slug=slug,
        payload={"settling_minutes": settling, "lateness_minutes": lateness},
    )  # fmt: skip
    return Allowance(timedelta(minutes=settling), timedelta(minutes=lateness))


def get_ledger(session: Session, actor: Actor, slug: str, *, hours: int = DEFAULT_HOURS, now: datetime | None = None) -> LedgerView:
    """What is wrong in the last hours, for every warehouse; anybody signed in. Errors: NotFound for an unknown project."""
    project = projects.get_project(session, actor, slug)
    allowance = _allowance(session, project.id)
    pairs: list[LedgerPair] = []
    found: list[EventFinding] = []
    shared: dict[str, str] = {}
    for built_in, warehouse in _pairs(session, project.id):
        books = Books.read(session, built_in, warehouse, hours, now or SYSTEM_CLOCK.now())
        names = repository.events_on_main(session, project.id, books.events)
        pairs.append(LedgerPair(warehouse.id, warehouse.name, books.counted_until, len(names)))
        shared |= {event_id: event.name for event_id, (event, _) in names.items()}
        subjects: list[tuple[str | None, str, list[HourCount]]] = [(key, one[0].name, books.of(key)) for key, one in names.items()]
        if len(subjects) > 1:
            subjects.append((None, "All shared events", books.total(names)))
        found += [
            EventFinding(warehouse.id, warehouse.name, event_id, name, finding)
            for event_id, name, counts in subjects
            for finding in find(counts, books.counted_until, allowance)
        ]
    found.sort(key=lambda one: (one.finding.until, one.finding.difference), reverse=True)
    return LedgerView(pairs, found, hours, sorted(shared.items(), key=lambda entry: (entry[1], entry[0])))


def get_ledger_series(
    session: Session,
    actor: Actor,
    slug: str,
    event_id: str,
    *,
    hours: int = DEFAULT_HOURS,
    scan_config_id: str | None = None,
    now: datetime | None = None,
) -> LedgerSeries:
    """One event hour by hour, against the named warehouse or the first that holds it; anybody signed in.

    Errors: NotFound for an event that is not on main, or a scan that is no warehouse of the project.
    """
    project = projects.get_project(session, actor, slug)
    named = repository.events_on_main(session, project.id, {event_id}).get(event_id)
    if named is None:
        raise NotFound("Event not found")
    event, event_type = named
    pairs = _pairs(session, project.id)
    if scan_config_id is not None:
        pairs = [pair for pair in pairs if pair[1].id == scan_config_id]
        if not pairs:
            raise NotFound("Scan not found")
    allowance = _allowance(session, project.id)
    is_planned = event.status != EventStatus.ARCHIVED
    for built_in, warehouse in pairs:
        books = Books.read(session, built_in, warehouse, hours, now or SYSTEM_CLOCK.now())
        if event_id not in books.events and scan_config_id is None:
            continue
        counts = books.of(event_id)
        rows = [
            LedgerHour(
                hour=one.hour,
                planned=one.ingested if is_planned else 0,
                ingested=one.ingested,
                warehoused=one.warehoused,
                first_warehoused=one.first_warehoused,
                is_settled=one.warehoused is not None and is_settled(one.hour, books.counted_until, allowance),
            )
            for one in counts
        ]
        findings = find(counts, books.counted_until, allowance)
        return LedgerSeries(warehouse.id, warehouse.name, event_id, event.name, event_type, rows, findings)
    return LedgerSeries(None, None, event_id, event.name, event_type, [], [])


def settling_of(session: Session, project_id: str) -> timedelta:
    """How long after an hour's end the project's warehouses may still grow: until then they have to be looked at."""
    return _allowance(session, project_id).settling


def note_first_counts(session: Session, now: datetime) -> int:
    """Keep what warehouses held of the hours that ended a moment ago, before they are counted again; how many rows.

    Of hours that were counted for good, keep what had arrived here by then: rows that come later are nobody's loss.
    """
    hour = floor_to_bucket(now, Interval.HOUR) - HOUR
    noted = 0
    if now - (hour + HOUR) <= YOUNG:
        for built_in, warehouse in _pairs(session, None):
            is_due = hour in repository.covered(session, warehouse.id, hour, hour + HOUR)
            if not is_due or repository.has_first_counts(session, warehouse.id, hour):
                continue
            counts = {key: count for key, _, count in repository.event_counts(session, warehouse.id, hour, hour + HOUR)}
            shared = repository.counted_events(session, warehouse.id) & repository.counted_events(session, built_in.id)
            rows = [
                {"scan_config_id": warehouse.id, "event_id": key, "hour": hour, "count": counts.get(key, 0), "counted_at": now}
                for key in repository.events_on_main(session, warehouse.project_id, shared)
            ]
            repository.insert_first_counts(session, rows)
            noted += len(rows)
    for built_in, warehouse in _pairs(session, None):
        _note_arrived(session, built_in, warehouse, now)
    repository.prune_first_counts(session, before=now - KEPT_FOR)
    return noted


def _note_arrived(session: Session, built_in: ScanConfig, warehouse: ScanConfig, now: datetime) -> None:
    stop = counted_until(session, built_in, warehouse) - max(COUNTED_TWICE_AFTER, HOUR + settling_of(session, built_in.project_id))
    start = floor_to_bucket(now, Interval.HOUR) - KEEPING_UP
    stop = floor_to_bucket(stop, Interval.HOUR) + HOUR
    if start >= stop:
        return
    missing = repository.covered(session, built_in.id, start, stop) - repository.noted_hours(session, built_in.id, start, stop)
    if not missing:
        return
    counts = {(key, hour): count for key, hour, count in repository.event_counts(session, built_in.id, min(missing), stop)}
    shared = repository.counted_events(session, warehouse.id) & repository.counted_events(session, built_in.id)
    rows = [
        {"scan_config_id": built_in.id, "event_id": key, "hour": hour, "count": counts.get((key, hour), 0), "counted_at": now}
        for key in repository.events_on_main(session, built_in.project_id, shared)
        for hour in sorted(missing)
    ]
    repository.insert_first_counts(session, rows)


def _pairs(session: Session, project_id: str | None) -> list[tuple[ScanConfig, ScanConfig]]:
    """(built-in scan, scan of another data source) of each project; the oldest built-in scan stands for what arrived."""
    found = repository.hourly_scans(session, project_id)
    built_in: dict[str, ScanConfig] = {}
    for config, is_builtin in found:
        if is_builtin:
            built_in.setdefault(config.project_id, config)
    return [
        (built_in[config.project_id], config) for config, is_builtin in found if not is_builtin and config.project_id in built_in
    ]


def _allowance(session: Session, project_id: str) -> Allowance:
    row = repository.settings_of(session, project_id)
    if row is None:
        return Allowance()
    return Allowance(timedelta(minutes=row.settling_minutes), timedelta(minutes=row.lateness_minutes))
