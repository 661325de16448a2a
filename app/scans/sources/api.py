"""Routes tagged data-sources (contract section 3)."""

from __future__ import annotations

import logging
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.http import Caller, Db, WaitingCaller
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import InvalidInput, Unavailable
from app.scans.sources import service
from app.scans.sources.contracts import DataSourceFields
from app.scans.sources.shapes import (
    DataSourceCreate,
    DataSourceResponse,
    DataSourceSchemaResponse,
    DataSourceStatsResponse,
    DataSourceTable,
    DataSourceTestResponse,
    DataSourceUpdate,
    source_response,
)
from app.warehouse.contracts import QueryFailed

router = APIRouter(tags=["data-sources"])
log = logging.getLogger("plumbline.scans")

SOURCES = "/api/v1/data-sources"
SOURCE = SOURCES + "/{ds_id}"


def _owner(actor: Caller) -> Actor:
    """An owner's session, asked for before the body is looked at."""
    actor.require_reach(None)
    actor.require_owner()
    return actor


Owner = Annotated[Actor, Depends(_owner)]


@router.get(SOURCES, operation_id="list_data_sources")
def list_data_sources(session: Db, actor: Caller) -> list[DataSourceResponse]:
    """All data sources, newest first."""
    return [source_response(view) for view in service.list_sources(session, actor)]


@router.post(SOURCES, operation_id="create_data_source", status_code=201)
def create_data_source(session: Db, actor: Owner, body: DataSourceCreate) -> DataSourceResponse:
    """Add a data source."""
    return source_response(service.create_source(session, actor, DataSourceFields(**body.model_dump())))


@router.get(SOURCE, operation_id="get_data_source")
def get_data_source(ds_id: UUID, session: Db, actor: Caller) -> DataSourceResponse:
    """One data source."""
    return source_response(service.get_source(session, actor, str(ds_id)))


@router.patch(SOURCE, operation_id="update_data_source")
def update_data_source(ds_id: UUID, session: Db, actor: Owner, body: DataSourceUpdate) -> DataSourceResponse:
    """Change a data source."""
    return source_response(service.update_source(session, actor, str(ds_id), body.model_dump(exclude_unset=True)))


@router.delete(SOURCE, operation_id="delete_data_source", status_code=204)
def delete_data_source(ds_id: UUID, session: Db, actor: Owner) -> None:
    """Remove a data source with its scan configs."""
    service.delete_source(session, actor, str(ds_id))


@router.get(SOURCE + "/stats", operation_id="get_data_source_stats")
def get_data_source_stats(
    ds_id: UUID, session: Db, actor: Caller, window_hours: Annotated[int, Query(ge=1, le=720)] = 48
) -> DataSourceStatsResponse:
    """What scans of the source counted lately."""
    stats = service.source_stats(session, actor, str(ds_id), window_hours=window_hours, now=SYSTEM_CLOCK.now())
    return DataSourceStatsResponse.model_validate(stats)


@router.get(SOURCE + "/schema", operation_id="get_data_source_schema", response_model=DataSourceSchemaResponse)
def get_data_source_schema(ds_id: UUID, request: Request, actor: WaitingCaller) -> DataSourceSchemaResponse | JSONResponse:
    """Tables and columns that the connection shows; 500 with a reason when the warehouse cannot be reached."""
    try:
        with session_scope(write=False) as session:
            connection = service.connection_to_browse(session, actor, str(ds_id))
        tables = service.list_tables(connection)
    except (Unavailable, QueryFailed, InvalidInput) as refusal:
        request_id = request.scope.get("state", {}).get("request_id", "")
        log.warning("data source %s cannot be browsed: %s", ds_id, refusal)
        return JSONResponse({"detail": str(refusal), "request_id": request_id}, status_code=500)
    return DataSourceSchemaResponse(tables=[DataSourceTable.model_validate(table) for table in tables])


@router.post(SOURCE + "/test", operation_id="test_data_source_connection")
def test_data_source_connection(ds_id: UUID, actor: WaitingCaller) -> DataSourceTestResponse:
    """Connect and run a trivial query. A source that does not work is an answer, not an error."""
    with session_scope(write=False) as session:
        connection = service.connection_to_test(session, actor, str(ds_id))
    outcome = service.try_connection(connection, SYSTEM_CLOCK.now())
    with session_scope() as session:
        view = service.record_test(session, actor, str(ds_id), outcome)
    return DataSourceTestResponse(
        success=outcome.success, message=outcome.message, tested_at=outcome.tested_at, data_source=source_response(view)
    )
