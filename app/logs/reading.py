"""Answers from pipes and from SQL that clients send, each limited to one project (contract B.4, B.5)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from app.kernel.errors import NotFound
from app.logs import repository, service, sql
from app.logs.columns import BUILT_IN, QUARANTINE_SUFFIX, SYSTEM_LOGS, THRESHOLDS, Column
from app.logs.contracts import Place
from app.logs.formats import Table
from app.logs.pipes import ERROR_DISTRIBUTION, LOG_ANOMALIES, PIPES, RECENT_LOGS, Arguments, Pipe, read_arguments
from app.logs.repository import milliseconds
from app.logs.statements import Statement, read_statement

PIPE_ROWS = "_"
_STATEMENTS = {
    RECENT_LOGS.name: (sql.RECENT_LOGS, sql.MATCHING_LOGS),
    ERROR_DISTRIBUTION.name: (sql.ERROR_DISTRIBUTION, sql.MATCHING_GROUPS),
    LOG_ANOMALIES.name: (sql.LOG_ANOMALIES, sql.MATCHING_ANOMALIES),
}


def run_pipe(session: Session, place: Place, name: str, given: Mapping[str, str], now: datetime) -> tuple[Table, str | None]:
    """The pipe's rows, after the client's `q` when there is one; the second is the format that `q` names.

    Errors: NotFound, BadRequest, Unavailable.
    """
    pipe = PIPES.get(name)
    if pipe is None:
        raise NotFound(f"the pipe {name[:64]} does not exist")
    arguments = read_arguments(pipe, given, now)
    parameters = parameters_of(session, place, arguments, now)
    text, counting = (_with_thresholds(session, place, part) for part in _STATEMENTS[name])
    question = given.get("q", "").strip()
    if question:
        statement = read_statement(question, [PIPE_ROWS])
        return _run_statement(place, statement, {PIPE_ROWS: text}, parameters), statement.format
    return _run_own(place, pipe, text, counting, parameters, arguments.limit), None


def run_sql(session: Session, place: Place, question: str, now: datetime) -> tuple[Table, str | None]:
    """The rows of a client's SELECT over its data sources and pipes, and the format it names. Errors: BadRequest, Unavailable."""
    sources = service.data_sources(session, place)
    quarantines = {f"{source.name}{QUARANTINE_SUFFIX}": source.name for source in sources}
    names = [*(source.name for source in sources), *quarantines, *PIPES]
    statement = read_statement(question, names)
    emptied = {row.name: row.emptied_at for row in repository.data_sources(session, place.project_id)}
    parameters = parameters_of(session, place, read_arguments(RECENT_LOGS, {}, now), now)
    bound: dict[str, str] = {}
    for place_in_list, name in enumerate(sorted(set(statement.marks.values()))):
        key = f"source{place_in_list}"
        if name in PIPES:
            bound[name] = _with_thresholds(session, place, _STATEMENTS[name][0])
        elif name in quarantines:
            bound[name] = sql.refused_rows(key)
            parameters[f"{key}_prefix"] = f"{quarantines[name]}: "
        elif name == SYSTEM_LOGS:
            bound[name] = sql.SYSTEM_LOGS
        elif name == THRESHOLDS:
            bound[name] = _threshold_rows(session, place)
        else:
            columns = next(source.columns for source in sources if source.name == name)
            bound[name] = sql.custom_rows(columns, key)
            parameters[f"{key}_name"] = name
            parameters[f"{key}_emptied"] = milliseconds(emptied.get(name))
    return _run_statement(place, statement, bound, parameters), statement.format


def parameters_of(session: Session, place: Place, arguments: Arguments, now: datetime) -> dict[str, object]:
    """What the statements of this area bind, from checked parameters."""
    emptied = {row.name: row.emptied_at for row in repository.data_sources(session, place.project_id)}
    return {
        "emptied": milliseconds(emptied.get(SYSTEM_LOGS)),
        "start": int(arguments.start.timestamp()),
        "stop": int(arguments.stop.timestamp()),
        "since": milliseconds(now - timedelta(minutes=arguments.window)),
        "now": milliseconds(now),
        "window": arguments.window,
        "service": arguments.service,
        "severity": arguments.severity,
        "limit": arguments.limit,
    }


def _with_thresholds(session: Session, place: Place, text: str) -> str:
    if "@thresholds@" not in text:
        return text
    active = [row for row in repository.current_thresholds(session, place.project_id) if row.active]
    return sql.anomalies(text, [(row.service, row.severity, row.threshold_per_minute) for row in active])


def _threshold_rows(session: Session, place: Place) -> str:
    kept = repository.list_thresholds(session, place.project_id)
    rows = [(row.service, row.severity, row.threshold_per_minute, int(row.active), int(row.updated_at.timestamp())) for row in kept]
    return sql.inline_rows(rows, [(column.name, column.type) for column in BUILT_IN[THRESHOLDS].columns])


def _run_own(place: Place, pipe: Pipe, text: str, counting: str, parameters: dict[str, object], limit: int) -> Table:
    started = time.perf_counter()
    found = repository.rows(text, place.tenant_id, place.project_id, parameters) if limit else []
    total = len(found)
    if total >= limit:
        total = int(repository.rows(counting, place.tenant_id, place.project_id, parameters)[0][0])
    return Table(pipe.columns, found, total, time.perf_counter() - started)


def _run_statement(place: Place, statement: Statement, bound: Mapping[str, str], parameters: dict[str, object]) -> Table:
    text = statement.text.replace("{", "{{").replace("}", "}}")
    for mark, name in statement.marks.items():
        text = text.replace(mark, f"({bound[name]})")
    if not statement.marks:  # also a query that reads nothing is bound to the project, as every query of the store is
        text = f"SELECT * FROM ({text}) WHERE {{{{project:String}}}} != '' AND {{{{tenant:String}}}} != ''"
    started = time.perf_counter()
    described, found = repository.client_rows(text + sql.SETTINGS, place.tenant_id, place.project_id, parameters)
    columns = tuple(Column(name, kind.replace("DateTime('UTC')", "DateTime")) for name, kind in described)
    return Table(columns, found, len(found), time.perf_counter() - started)
