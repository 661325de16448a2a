"""Data sources: connections to warehouses that the whole instance shares (contract section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor, UserRole, Via
from app.kernel.errors import AppError, Conflict, InvalidInput, NotFound
from app.scans.sources import repository
from app.scans.sources.contracts import (
    ConnectionTest,
    DataSourceFields,
    DataSourceStats,
    DataSourceView,
    DependentScan,
    TestStatus,
    ThroughputPoint,
)
from app.scans.sources.secrets import seal, secret_params, store_params, unseal
from app.warehouse import service as warehouses
from app.warehouse.contracts import DEFAULT_TIMEOUT_SECONDS, QueryFailed, SourceConnection
from app.warehouse.declarations import DECLARATIONS, MASK
from app.warehouse.tables import Table
from models.scans import DataSource

CONNECTED = "Connection successful."
UNREADABLE_SECRET = "The stored secret was written with another encryption key. Enter it again."  # noqa: S105
LONGEST_TIMEOUT_SECONDS = 86_400
LONGEST_SECRET = 65_536
_KEPT = frozenset({"name", "db_type", "host", "port", "database_name", "username"})


def list_sources(session: Session, actor: Actor) -> list[DataSourceView]:
    """All sources, newest first; without connection details unless the caller is an owner in a browser session."""
    actor.require_reach(None)
    return [_for(actor, _view(source)) for source in repository.list_sources(session)]


def get_source(session: Session, actor: Actor, source_id: str) -> DataSourceView:
    """One source, as `list_sources` shows it. Errors: NotFound."""
    actor.require_reach(None)
    return _for(actor, _view(_find(session, source_id)))


def create_source(session: Session, actor: Actor, fields: DataSourceFields) -> DataSourceView:
    """Add a source. Errors: Forbidden unless an owner's session, Conflict for a name that is taken, InvalidInput."""
    _require_owner(actor)
    source = DataSource(name=fields.name, db_type=fields.db_type)
    _apply(source, fields, password=fields.password)
    if not repository.save(session, source):
        raise Conflict(f"A data source named {fields.name!r} exists already")
    _audit(session, actor, "data_source.create", source)
    return _view(source)


def update_source(session: Session, actor: Actor, source_id: str, changes: Mapping[str, object]) -> DataSourceView:
    """Change the fields named; null clears the time limit and the extra parameters and leaves everything else alone.

    An absent or null password keeps the stored one. Errors: as for `create_source`, and NotFound.
    """
    _require_owner(actor)
    source = _find_own(session, source_id)
    given = {name: value for name, value in changes.items() if name not in _KEPT or value is not None}
    password = given.pop("password", None)
    keeps = password is None or password == MASK
    fields = replace(_fields(source), **given)  # type: ignore[arg-type]
    _apply(source, fields, password=None if keeps else str(password))
    if not repository.save(session, source):
        raise Conflict(f"A data source named {fields.name!r} exists already")
    _audit(session, actor, "data_source.update", source, changed=sorted(changes))
    return _view(source)


def delete_source(session: Session, actor: Actor, source_id: str) -> None:
    """Remove a source with its scan configs and everything they counted. Errors: Forbidden, NotFound, Conflict (built in)."""
    _require_owner(actor)
    source = _find_own(session, source_id)
    repository.delete_source(session, source)
    _audit(session, actor, "data_source.delete", source)


def dependent_scans(session: Session, actor: Actor, source_id: str) -> list[DependentScan]:
    """The scan configs that would go away with the source."""
    actor.require_reach(None)
    return [DependentScan(*row) for row in repository.dependent_scans(session, source_id)]


def source_stats(session: Session, actor: Actor, source_id: str, *, window_hours: int, now: datetime) -> DataSourceStats:
    """What the source's scans counted in the last `window_hours`; zeros for an unknown source."""
    actor.require_reach(None)
    since = now - timedelta(hours=window_hours)
    points = [ThroughputPoint(bucket, count) for bucket, count in repository.throughput(session, source_id, since)]
    tracked = repository.tracked_events(session, source_id, since)
    return DataSourceStats(tracked, sum(point.count for point in points), window_hours, points)


def source_connection(
    session: Session, source_id: str, *, tenant_id: str = "", project_id: str = "", timeout_seconds: float | None = None
) -> SourceConnection:
    """How to reach the source, secrets included: for the process that connects, never for an answer.

    The two ids limit the built-in source. Errors: NotFound, InvalidInput when a secret cannot be read any more.
    """
    source = _find(session, source_id)
    limit = timeout_seconds or float(source.timeout_seconds or DEFAULT_TIMEOUT_SECONDS)
    if source.is_builtin:
        return SourceConnection(source.db_type, is_builtin=True, tenant_id=tenant_id, project_id=project_id, timeout_seconds=limit)
    try:
        password, secrets = unseal(source.sealed_password), secret_params(source.sealed_params)
    except ValueError:
        raise InvalidInput(UNREADABLE_SECRET) from None
    return SourceConnection(
        db_type=source.db_type,
        host=source.host,
        port=source.port,
        database_name=source.database_name,
        username=source.username,
        password=password,
        extra_params={**(source.extra_params or {}), **secrets},
        timeout_seconds=limit,
    )


def connection_to_test(session: Session, actor: Actor, source_id: str) -> SourceConnection | None:
    """What `try_connection` needs, read before it and outside its waiting; None when the stored secret cannot be read any more.

    Errors: Forbidden, NotFound.
    """
    _require_owner(actor)
    try:
        return source_connection(session, source_id)
    except InvalidInput:
        return None


def connection_to_browse(session: Session, actor: Actor, source_id: str) -> SourceConnection:
    """What `list_tables` needs, read before it and outside its waiting. Errors: NotFound."""
    actor.require_reach(None)
    return source_connection(session, source_id)


def try_connection(connection: SourceConnection | None, now: datetime) -> ConnectionTest:
    """Connect and run a trivial query; takes seconds and needs no transaction. Never raises for a source that does not work."""
    if connection is None:
        return ConnectionTest(False, UNREADABLE_SECRET, now)
    try:
        warehouses.probe(connection)
    except AppError as refusal:
        return ConnectionTest(False, refusal.message, now)
    except QueryFailed as refusal:
        return ConnectionTest(False, refusal.sentence, now)
    return ConnectionTest(True, CONNECTED, now)


def record_test(session: Session, actor: Actor, source_id: str, outcome: ConnectionTest) -> DataSourceView:
    """Keep how the test ended. Errors: Forbidden, NotFound when the source went away meanwhile."""
    _require_owner(actor)
    source = _find(session, source_id)
    source.last_test_at = outcome.tested_at
    source.last_test_status = (TestStatus.SUCCESS if outcome.success else TestStatus.FAILED).value
    source.last_test_message = outcome.message[:500]
    repository.save(session, source)
    _audit(session, actor, "data_source.test", source, success=outcome.success)
    return _view(source)


def list_tables(connection: SourceConnection) -> list[Table]:
    """Tables and columns of the source; takes seconds and needs no transaction. Errors: ConnectionFault, QueryFailed."""
    return warehouses.list_tables(connection)


def require_owner(_session: Session, actor: Actor) -> None:
    """Return for an owner in a browser session. Errors: Forbidden."""
    _require_owner(actor)


def _require_owner(actor: Actor) -> None:
    actor.require_reach(None)
    actor.require_owner()


def _find(session: Session, source_id: str) -> DataSource:
    source = repository.find_source(session, source_id)
    if source is None:
        raise NotFound("Data source not found")
    return source


def _find_own(session: Session, source_id: str) -> DataSource:
    source = _find(session, source_id)
    if source.is_builtin:
        raise Conflict("The built-in event store cannot be changed")
    return source


def _fields(source: DataSource) -> DataSourceFields:
    return DataSourceFields(
        name=source.name,
        db_type=source.db_type,
        host=source.host,
        port=source.port,
        database_name=source.database_name,
        username=source.username,
        timeout_seconds=source.timeout_seconds,
        extra_params=source.extra_params,
    )


def _apply(source: DataSource, fields: DataSourceFields, *, password: str | None) -> None:
    if fields.db_type not in DECLARATIONS:
        raise InvalidInput("There is no such kind of data source", field="db_type")
    if fields.timeout_seconds is not None and not 1 <= fields.timeout_seconds <= LONGEST_TIMEOUT_SECONDS:
        raise InvalidInput(f"The time limit lies between 1 and {LONGEST_TIMEOUT_SECONDS} seconds", field="timeout_seconds")
    if password is not None and len(password) > LONGEST_SECRET:
        raise InvalidInput(f"The password is longer than {LONGEST_SECRET} characters", field="password")
    try:
        params = store_params(fields.db_type, fields.extra_params, source.sealed_params)
    except ValueError:
        raise InvalidInput(UNREADABLE_SECRET, field="extra_params") from None
    source.name, source.db_type = fields.name, str(fields.db_type)
    source.host, source.port = fields.host, fields.port
    source.database_name, source.username = fields.database_name, fields.username
    source.timeout_seconds = fields.timeout_seconds
    source.extra_params, source.sealed_params = params.shown, params.sealed
    if password is not None:
        source.sealed_password = seal(password)


def _view(source: DataSource) -> DataSourceView:
    return DataSourceView(
        id=source.id,
        name=source.name,
        db_type=source.db_type,
        is_builtin=source.is_builtin,
        host=source.host,
        port=source.port,
        database_name=source.database_name,
        username=source.username,
        password_set=source.sealed_password is not None,
        timeout_seconds=source.timeout_seconds,
        extra_params=source.extra_params,
        last_test_at=source.last_test_at,
        last_test_status=TestStatus(source.last_test_status) if source.last_test_status else None,
        last_test_message=source.last_test_message,
        created_at=source.created_at,
        updated_at=source.updated_at,
    )


def _for(actor: Actor, view: DataSourceView) -> DataSourceView:
    sees_details = actor.role is UserRole.OWNER and actor.via is not Via.KEY
    return view if sees_details else view.without_details()


def _audit(session: Session, actor: Actor, action: str, source: DataSource, **more: object) -> None:
    payload = {"name": source.name, "db_type": source.db_type, **more}
    identity.record_audit(session, actor, action, "data_source", source.id, payload=payload)
