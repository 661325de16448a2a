"""Taking rows into data sources, and the data sources themselves (contract B.2, B.3, B.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.ingest import service as ingest
from app.kernel.errors import BadRequest, Conflict, InvalidInput, NotFound
from app.kernel.ids import new_id
from app.kernel.settings import get_settings
from app.logs import repository, rows
from app.logs.columns import BUILT_IN, QUARANTINE_SUFFIX, SYSTEM_LOGS, THRESHOLDS, Column, DataSource, is_name, may_be_made
from app.logs.contracts import Mode, Place, Received, ThresholdView
from app.logs.pipes import PIPES
from app.projects import service as projects
from models.logs import LogDataSource, LogThreshold

FURTHEST_FUTURE = timedelta(days=366)
MOST_DATA_SOURCES = 100
# All refused rows are counted; what one request can leave in quarantine is bounded.
MOST_KEPT_REFUSALS = 1000
TOO_OLD = "timestamp: outside the time that is kept"


def receive(
    session: Session,
    place: Place,
    name: str,
    body: bytes,
    *,
    is_admin: bool,
    now: datetime,
    is_csv: bool = False,
    cleaner: ingest.ValueCleaner | None = None,
) -> Received:
    """Sort the rows of a request into the data source and its quarantine. Thresholds are written here, log lines by the caller.

    The cleaner treats values under a label before anything is made of them.
    An administrator's rows make a data source that is not there. Errors: BadRequest, NotFound, PayloadTooLarge.
    """
    made = {row.name: row for row in repository.data_sources(session, place.project_id)}
    source = _source(made, name)
    columns = source.columns if source else ()
    read = list(rows.read_csv(body, columns) if is_csv else rows.read_rows(body))
    if cleaner is not None:
        read = [_cleaned(raw, item, cleaner) for raw, item in read]
    if source is None or not source.columns:
        if not is_admin:
            raise NotFound(f"the data source {name[:64]} does not exist")
        columns = rows.inferred_columns(read)
        _make(session, place, made, name, columns, now)
    found = rows.sort_rows(columns, read)
    if name == THRESHOLDS:
        _add_thresholds(session, place, found)
        return _received(place, name, found, [], len(found.rows), now)
    oldest = now - timedelta(days=get_settings().storage.retention_days)
    records: list[ingest.Record] = []
    for values in found.rows:
        moment = values.get("timestamp") if name == SYSTEM_LOGS else now
        if isinstance(moment, datetime) and oldest < moment < now + FURTHEST_FUTURE:
            records.append(_record(name, values, moment, now))
        else:
            found.refused.append((_shown(values), TOO_OLD))
    return _received(place, name, found, records, len(records), now)


def _cleaned(raw: bytes, item: object | None, cleaner: ingest.ValueCleaner) -> rows.Read:
    """The row with its labelled values treated, and its text made anew from it; what was no row keeps its text, treated."""
    if item is None:
        return cleaner.text(raw), None
    cleaned = cleaner.cleaned(item)
    return msgspec.json.encode(cleaned), cleaned


def is_written_here(session: Session, place: Place, name: str) -> bool:
    """Whether receiving rows of this name may change the metadata database, so that it needs a writing transaction."""
    return name == THRESHOLDS or name not in {source.name for source in data_sources(session, place)}


def _received(
    place: Place, name: str, found: rows.Sorted, records: list[ingest.Record], successful: int, now: datetime
) -> Received:
    refused = [
        ingest.RefusedRecord("log", now, f"{name}: {reason}", raw[: 16 * 1024].decode(errors="ignore"))
        for raw, reason in found.refused[:MOST_KEPT_REFUSALS]
    ]
    lines = None
    if records or refused:
        lines = ingest.encode_records("logs", place.tenant_id, place.project_id, records, refused)
    return Received(successful, len(found.refused), lines)


def _record(name: str, values: rows.Values, moment: datetime, now: datetime) -> ingest.Record:
    if name == SYSTEM_LOGS:
        kept = {key: values[key] for key in ("server_id", "error_code", "resource_id", "metadata")}
        texts = {key: str(values[key]) for key in ("service", "severity", "message")}
        return ingest.Record(
            "log", texts["service"], name, moment, now, new_id(), dict(kept), severity=texts["severity"], body=texts["message"]
        )
    kept = {key: int(value.timestamp()) if isinstance(value, datetime) else value for key, value in values.items()}
    return ingest.Record("log", "", name, now, now, new_id(), dict(kept))


def _shown(values: rows.Values) -> bytes:
    return ", ".join(f"{key}={value}" for key, value in values.items()).encode(errors="replace")


def _add_thresholds(session: Session, place: Place, found: rows.Sorted) -> None:
    fitting: list[rows.Values] = []
    entries: list[LogThreshold] = []
    for values in found.rows:
        service, severity, threshold, moment = (
            str(values["service"]), str(values["severity"]), values["threshold_per_minute"], values["updated_at"]
        )  # fmt: skip
        if "\x00" in service + severity or len(service) > 500 or len(severity) > 200:
            found.refused.append((_shown(values), "service, severity: longer than 500 or 200 characters, or holding NUL"))
            continue
        assert isinstance(threshold, float) and isinstance(moment, datetime)
        fitting.append(values)
        entries.append(
            LogThreshold(
                project_id=place.project_id, service=service, severity=severity, threshold_per_minute=threshold,
                active=bool(values["active"]), updated_at=moment,
            )
        )  # fmt: skip
    found.rows = fitting
    repository.add_thresholds(session, entries)


def _source(made: dict[str, LogDataSource], name: str) -> DataSource | None:
    if not is_name(name):
        raise BadRequest("parameter name must be the name of a data source: letters, digits and _")
    if name in BUILT_IN:
        return BUILT_IN[name]
    row = made.get(name)
    return DataSource(name, tuple(Column(*pair) for pair in row.columns)) if row is not None else None


def _make(
    session: Session, place: Place, made: dict[str, LogDataSource], name: str, columns: Sequence[Column], now: datetime
) -> None:
    if not may_be_made(name, frozenset(PIPES)):
        raise BadRequest(f"a data source must not be named {name[:64]}")
    row = made.get(name)
    if row is None and len(made) >= MOST_DATA_SOURCES:
        raise BadRequest(f"a project may have at most {MOST_DATA_SOURCES} data sources")
    row = row or LogDataSource(project_id=place.project_id, name=name, created_at=now)
    row.columns = [[column.name, column.type] for column in columns]
    repository.save_data_source(session, row)


def load(
    session: Session,
    place: Place,
    name: str,
    body: bytes,
    mode: Mode,
    *,
    is_admin: bool,
    now: datetime,
    is_csv: bool,
    cleaner: ingest.ValueCleaner | None = None,
) -> Received:
    """`POST /v0/datasources`: make a data source from rows, append to one, or put rows in the place of what it held.

    Errors: Conflict when one to be made is there, and as for `receive`.
    """
    exists = name in {source.name for source in data_sources(session, place)}
    if mode is Mode.CREATE and exists:
        raise Conflict(f"the data source {name} exists")
    if mode is Mode.APPEND and not exists and not is_admin:
        raise NotFound(f"the data source {name[:64]} does not exist")
    if mode is Mode.REPLACE and exists:
        empty(session, place, name, now)
        now += timedelta(milliseconds=2)  # rows received up to the emptying are hidden
    return receive(session, place, name, body, is_admin=is_admin, now=now, is_csv=is_csv, cleaner=cleaner)


def empty(session: Session, place: Place, name: str, now: datetime) -> None:
    """Hide every row the data source holds; the event store deletes them with their age. Errors: NotFound, BadRequest."""
    made = {row.name: row for row in repository.data_sources(session, place.project_id)}
    if _source(made, name) is None:
        raise NotFound(f"the data source {name[:64]} does not exist")
    if name == THRESHOLDS:
        repository.delete_thresholds(session, place.project_id)
        return
    row = made.get(name) or LogDataSource(project_id=place.project_id, name=name, created_at=now)
    row.emptied_at = now
    repository.save_data_source(session, row)


def data_sources(session: Session, place: Place) -> list[DataSource]:
    """Built-in data sources and those clients made, without their quarantines."""
    made = repository.data_sources(session, place.project_id)
    own = [DataSource(row.name, tuple(Column(*pair) for pair in row.columns)) for row in made if row.name not in BUILT_IN]
    return [*BUILT_IN.values(), *own]


def data_source(session: Session, place: Place, name: str) -> DataSource:
    """One data source. Errors: NotFound."""
    for source in data_sources(session, place):
        if source.name == name.removesuffix(QUARANTINE_SUFFIX):
            return source
    raise NotFound(f"the data source {name[:64]} does not exist")


def place_of(session: Session, actor: Actor, slug: str) -> Place:
    """The project as this area reads it. Errors: NotFound, Forbidden."""
    project = projects.get_project(session, actor, slug)
    return Place(project.tenant_id, project.id)


def thresholds(session: Session, actor: Actor, slug: str) -> list[ThresholdView]:
    """The rows in force, by service and severity. Errors: NotFound."""
    place = place_of(session, actor, slug)
    return [
        ThresholdView(row.service, row.severity, row.threshold_per_minute, row.active, row.updated_at)
        for row in repository.current_thresholds(session, place.project_id)
    ]


def set_threshold(
    session: Session, actor: Actor, slug: str, *, service: str, severity: str, per_minute: float, active: bool, now: datetime
) -> None:
    """Append the row that is in force from now on. Errors: Forbidden, NotFound, InvalidInput."""
    actor.require_editor()
    place = place_of(session, actor, slug)
    service, severity = service.strip(), severity.strip()
    if not service or len(service) > 500:
        raise InvalidInput("Enter a service of at most 500 characters.", field="service")
    if not severity or len(severity) > 200:
        raise InvalidInput("Enter a severity of at most 200 characters.", field="severity")
    if not math.isfinite(per_minute) or per_minute < 0:
        raise InvalidInput("Enter a number of log lines, zero or more.", field="per_minute")
    known = repository.current_thresholds(session, place.project_id)
    newest = max((row.updated_at for row in known if (row.service, row.severity) == (service, severity)), default=now)
    row = LogThreshold(
        project_id=place.project_id, service=service, severity=severity, threshold_per_minute=per_minute, active=active,
        updated_at=max(now, newest),
    )  # fmt: skip
    repository.add_thresholds(session, [row])
    payload: dict[str, object] = {"service": service, "severity": severity, "threshold_per_minute": per_minute, "active": active}
    identity.record_audit(session, actor, "log_threshold.set", "project", place.project_id, project_slug=slug, payload=payload)
