"""Running looks: previews and rehearsals of scans (contract 4.2). They read a warehouse and write nothing but their own row."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.kernel.intervals import floor_to_bucket
from app.kernel.settings import get_settings
from app.kernel.telemetry import JOB_RUNS
from app.plan import service as plan
from app.scans.catalog import PlanSide, read_catalog
from app.scans.config_rules import ConfigDraft
from app.scans.contracts import JobStatus, LookKind, ScanFailure
from app.scans.drafts import SHAPES_NAMING, draft_from
from app.scans.failures import INTERNAL_ERROR, curated
from app.scans.forecast import forecast_of
from app.scans.layout import lay_out
from app.scans.naming import Templates
from app.scans.previews import preview_result
from app.scans.repository import configs, looks
from app.scans.runs import DEFAULT_TOOLS, RunTools
from app.scans.sources.service import source_connection
from app.scans.sql_reader import hours_before, stored_templates
from app.scans.windows import FIRST_RUN_INTERVALS
from app.warehouse.contracts import (
    Column,
    ScanQuery,
    SourceConnection,
    SqlWarehouse,
    TimeColumn,
    TimeWindow,
    TooManyRows,
)

DEFAULT_PREVIEW_HOURS = 24
PREVIEW_SECONDS = 60.0

log = logging.getLogger("plumbline.scans")


@dataclass(frozen=True, slots=True)
class _Look:
    id: str
    kind: LookKind
    request: dict[str, Any]
    connection: SourceConnection
    project_id: str
    source_id: str


def claim_next_look(session: Session, holder: str, now: datetime) -> str | None:
    """Make the oldest waiting look the holder's; None when there is none."""
    for look_id in looks.oldest_pending_looks(session, 10):
        claimed = {"status": JobStatus.RUNNING.value, "claimed_by": holder, "started_at": now}
        if looks.change_look(session, look_id, JobStatus.PENDING, None, **claimed):
            return look_id
    return None


def has_pending_looks(session: Session) -> bool:
    """Whether a look waits to be claimed."""
    return bool(looks.oldest_pending_looks(session, 1))


def run_look(look_id: str, holder: str, *, tools: RunTools = DEFAULT_TOOLS) -> JobStatus | None:
    """Run a look that the holder has claimed, to its end; None when it is gone. Never raises for a look that fails."""
    try:
        with tools.transaction(write=False) as session:
            found = looks.look_with_context(session, look_id, holder)
            if found is None:
                return None
            row, source, project = found
            connection = source_connection(
                session, source.id, tenant_id=project.tenant_id, project_id=project.id, timeout_seconds=PREVIEW_SECONDS
            )
            look = _Look(row.id, LookKind(row.kind), dict(row.request), connection, project.id, source.id)
        values: dict[str, Any] = {"status": JobStatus.COMPLETED.value, "result_summary": _read(look, tools)}
    except Exception as error:
        sentence = curated(error)
        if sentence is None:
            log.exception("look %s failed", look_id)
        else:
            log.warning("look %s failed: %s", look_id, sentence)
        values = {"status": JobStatus.FAILED.value, "error_message": (sentence or INTERNAL_ERROR)[:1000]}
    status = JobStatus(values["status"])
    with tools.transaction() as session:
        looks.change_look(session, look_id, JobStatus.RUNNING, holder, completed_at=tools.clock.now(), **values)
    JOB_RUNS.labels(job="run_scan_look", result=status.value).inc()
    return status


def _read(look: _Look, tools: RunTools) -> dict[str, object]:
    warehouse = tools.open_sql(look.connection)
    try:
        if look.kind is LookKind.PREVIEW:
            return _preview(look, warehouse, tools.clock.now())
        return _rehearse(look, warehouse, tools)
    finally:
        warehouse.close()


def _preview(look: _Look, warehouse: SqlWarehouse, now: datetime) -> dict[str, object]:
    request = look.request
    query = ScanQuery(request["base_query"], timeout_seconds=look.connection.timeout_seconds)
    window = None
    if request["time_column"]:
        columns = warehouse.columns(query)
        hours = request["scan_lookback_hours"] or DEFAULT_PREVIEW_HOURS
        query = ScanQuery(
            query.base_query,
            time=_time(columns, request["time_column"]),
            timeout_seconds=query.timeout_seconds,
        )
        window = TimeWindow(hours_before(now, hours), now)
    preview = warehouse.preview(query, window, limit=request["limit"], with_json_paths=bool(request["include_json_paths"]))
    return preview_result(preview)


def _time(columns: Sequence[Column], name: str) -> TimeColumn:
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        raise ScanFailure(f'The time column "{name}" is not among the columns of the query.')
    if column.time_kind is None:
        raise ScanFailure(f'The time column "{name}" holds no time: its type is {column.type_name}.')
    return TimeColumn(name, column.time_kind)


def _rehearse(look: _Look, warehouse: SqlWarehouse, tools: RunTools) -> dict[str, object]:
    config = draft_from(look.request)
    columns = warehouse.columns(ScanQuery(config.base_query, timeout_seconds=look.connection.timeout_seconds))
    layout = lay_out(columns, config)
    limit = config.scan_row_limit or get_settings().scans.scan_row_limit_default
    query = layout.query(config, row_limit=limit, timeout_seconds=look.connection.timeout_seconds)
    window = _window(config, tools.clock.now()) if layout.time is not None else None
    with tools.transaction(write=False) as session:
        targets = plan.scan_targets(session, look.project_id)
        identities = plan.plan_identities(session, look.project_id)
        known_variables = plan.variable_sources(session, look.project_id)
        known = _known_templates(session, look)
    fixed = next((name for name, target in targets.items() if target.id == config.event_type_id), None)
    if config.event_type_id is not None and fixed is None:
        raise ScanFailure("The event type of this scan is not on the main branch.")
    is_schedulable = config.interval is not None and layout.time is not None
    side = PlanSide(targets, fixed, creates_event_types=is_schedulable)
    try:
        groups = warehouse.groups(query, window)
    except TooManyRows as excess:
        raise ScanFailure(
            f"The scan found more than {excess.limit} distinct rows. Raise scan_row_limit, shorten the look-back, or select fewer "
            "columns."
        ) from None
    catalog = read_catalog(groups, query, layout, config, side, known=known)
    return forecast_of(
        catalog,
        config,
        event_types=frozenset(targets),
        identities=identities,
        variables=known_variables,
        sensitive=frozenset(field.name for target in targets.values() for field in target.fields if field.is_sensitive),
        window=window,
    )


def _known_templates(session: Session, look: _Look) -> Templates:
    """What the scan that is rehearsed has learnt in its runs: a column that had too many values once stays so."""
    for config, source in configs.configs_with_sources(session, look.project_id):
        if source.id == look.source_id and all(getattr(config, name) == look.request[name] for name in SHAPES_NAMING):
            return stored_templates(config.naming)
    return {}


def _window(config: ConfigDraft, now: datetime) -> TimeWindow | None:
    if config.scan_lookback_hours is not None:
        return TimeWindow(hours_before(now, config.scan_lookback_hours), now)
    if config.interval is None:
        return None
    first: timedelta = FIRST_RUN_INTERVALS * config.interval.duration
    return TimeWindow(floor_to_bucket(now, config.interval) - first, now)
