"""Queries of the log API: thresholds and data sources in the metadata database, rows in the event store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from clickhouse_connect.driver.exceptions import DatabaseError
from sqlmodel import Session, col, delete, select

from app.eventstore.service import get_event_store
from app.kernel.errors import BadRequest, Unavailable
from models.logs import LogDataSource, LogThreshold

MOST_THRESHOLD_ROWS = 10_000


def add_thresholds(session: Session, rows: Sequence[LogThreshold]) -> None:
    """Append rows in their order."""
    session.add_all(rows)
    session.flush()


def delete_thresholds(session: Session, project_id: str) -> None:
    """Remove every row of the project."""
    session.exec(delete(LogThreshold).where(col(LogThreshold.project_id) == project_id))


def list_thresholds(session: Session, project_id: str) -> Sequence[LogThreshold]:
    """The newest rows of the project as they were appended."""
    query = (
        select(LogThreshold)
        .where(LogThreshold.project_id == project_id)
        .order_by(col(LogThreshold.id).desc())
        .limit(MOST_THRESHOLD_ROWS)
    )
    return session.exec(query).all()[::-1]


def current_thresholds(session: Session, project_id: str) -> Sequence[LogThreshold]:
    """The row in force per service and severity, active or not: greatest `updated_at`, then the last written."""
    place = (
        sa.func.row_number()
        .over(
            partition_by=[col(LogThreshold.service), col(LogThreshold.severity)],
            order_by=[col(LogThreshold.updated_at).desc(), col(LogThreshold.id).desc()],
        )
        .label("place")
    )
    ranked = sa.select(col(LogThreshold.id), place).where(col(LogThreshold.project_id) == project_id).subquery()
    query = (
        select(LogThreshold)
        .join(ranked, ranked.c.id == col(LogThreshold.id))
        .where(ranked.c.place == 1)
        .order_by(col(LogThreshold.service), col(LogThreshold.severity))
        .limit(MOST_THRESHOLD_ROWS)
    )
    return session.exec(query).all()


def data_sources(session: Session, project_id: str) -> Sequence[LogDataSource]:
    """What clients made, and built-in ones that were emptied, by name."""
    query = select(LogDataSource).where(LogDataSource.project_id == project_id).order_by(col(LogDataSource.name))
    return session.exec(query).all()


def save_data_source(session: Session, row: LogDataSource) -> None:
    """Write a row that is not there yet or was changed."""
    session.add(row)
    session.flush()


def rows(sql: str, tenant_id: str, project_id: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
    """Rows of a statement written here. Errors: Unavailable."""
    return get_event_store().select(sql, tenant_id, project_id, parameters)


def client_rows(
    sql: str, tenant_id: str, project_id: str, parameters: Mapping[str, object]
) -> tuple[list[tuple[str, str]], Sequence[Sequence[Any]]]:
    """Columns with types, and rows, of a statement that a client wrote. Errors: BadRequest when it cannot run, Unavailable."""
    try:
        described = rows(f"DESCRIBE TABLE ({sql})", tenant_id, project_id, parameters)
        found = rows(sql, tenant_id, project_id, parameters)
    except Unavailable as error:
        if isinstance(error.__cause__, DatabaseError):
            raise BadRequest(_reason(str(error.__cause__))) from None
        raise
    return [(str(row[0]), str(row[1])) for row in described], found


def _reason(text: str) -> str:
    """What the engine says of the query itself, without what it says of the server."""
    first = text.split("\n", maxsplit=1)[0]
    for known in ("UNKNOWN_IDENTIFIER", "UNKNOWN_TABLE", "UNKNOWN_FUNCTION", "TYPE_MISMATCH", "ILLEGAL_TYPE_OF_ARGUMENT"):
        if known in text:
            return f"The query cannot run: {known.lower().replace('_', ' ')}."
    if "TIMEOUT" in first or "TOO_MANY_ROWS" in text or "MEMORY_LIMIT" in text:
        return "The query takes too much time, memory or result."
    return "The query cannot run on these data sources."


def milliseconds(moment: datetime | None) -> int:
    """Milliseconds since 1970; 0 for none."""
    return round(moment.timestamp() * 1000) if moment is not None else 0
