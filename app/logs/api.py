"""The log API (contract B): append rows, read pipes, run SQL, look after data sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from app.identity import service as identity
from app.identity.contracts import IngestPrincipal, IngestScope
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest, Conflict, NotFound, PayloadTooLarge
from app.kernel.ids import new_id
from app.logs import reading, service
from app.logs.access import ADMINISTERING, APPENDING, READING, SecondRate, application, principal_for, rate_headers, token_of
from app.logs.columns import QUARANTINE_SUFFIX, DataSource
from app.logs.contracts import Mode, Place, Received
from app.logs.formats import PIPE_FORMATS, Table, write_table
from app.logs.pipes import PIPES, Pipe

__all__ = ["application", "router"]

MOST_BYTES = 10 * 1024 * 1024
DEFAULT_SQL_FORMAT = "TSV"

P = ParamSpec("P")
R = TypeVar("R")

router = APIRouter(tags=["Logs"])
_rate = SecondRate()


@router.post("/v0/events", operation_id="append_log_rows", status_code=202)
async def append_rows(request: Request, name: str = "", wait: str = "") -> JSONResponse:
    """Append NDJSON or one JSON object to a data source, whatever its content type says; rows that do not fit are quarantined."""
    principal = await _principal(request, APPENDING)
    remaining = _rate.take(principal.key_id)
    if not name:
        raise BadRequest("parameter name is missing")
    body = await _body(request)
    is_admin = principal.scope is IngestScope.ADMIN
    place = _place(principal)
    # Log lines are sorted without the writers' lock of the metadata database.
    transact = _write if await _read(service.is_written_here, place, name) else _read
    cleaner = await ingest.value_cleaner(principal.project_id)
    received = await transact(service.receive, place, name, body, is_admin=is_admin, now=SYSTEM_CLOCK.now(), cleaner=cleaner)
    is_waiting = wait.lower() in ("true", "1")
    is_stored = await _keep(received, is_waiting=is_waiting)
    content = {"successful_rows": received.successful, "quarantined_rows": received.quarantined}
    return JSONResponse(content, status_code=200 if is_waiting and is_stored else 202, headers=rate_headers(remaining))


@router.get("/v0/pipes", operation_id="list_log_pipes")
async def list_pipes(request: Request) -> JSONResponse:
    """Every pipe with its parameters."""
    await _principal(request, READING)
    return JSONResponse({"pipes": [_pipe_view(pipe) for pipe in PIPES.values()]})


@router.get("/v0/pipes/{name}", operation_id="read_log_pipe")
@router.post("/v0/pipes/{name}", operation_id="read_log_pipe_by_post")
async def read_pipe(request: Request, name: str) -> Response:
    """`<name>.<format>` answers the pipe's rows; the bare name, what it is."""
    principal = await _principal(request, READING)
    pipe_name, _, wanted = name.partition(".")
    if pipe_name not in PIPES:
        raise NotFound(f"the pipe {pipe_name[:64]} does not exist")
    if not wanted and request.method == "GET":
        return JSONResponse(_pipe_view(PIPES[pipe_name]))
    output_format = PIPE_FORMATS.get(wanted)
    if output_format is None:
        raise NotFound(f"the format {wanted[:20]} is not one of json, csv, ndjson")
    given = {**dict(request.query_params), **(await _fields(request) if request.method == "POST" else {})}
    table, _ = await _read(reading.run_pipe, _place(principal), pipe_name, given, SYSTEM_CLOCK.now())
    return await run_in_threadpool(_table_answer, table, output_format)


@router.get("/v0/sql", operation_id="run_log_sql")
@router.post("/v0/sql", operation_id="run_log_sql_by_post")
async def run_sql(request: Request, q: str = "") -> Response:
    """Run one SELECT over the caller's data sources and pipes. The body of a POST is the query; it may end with FORMAT."""
    principal = await _principal(request, READING)
    question = q
    if request.method == "POST":
        question = await _question(request) or q
    if not question.strip():
        raise BadRequest("parameter q is missing")
    table, named = await _read(reading.run_sql, _place(principal), question, SYSTEM_CLOCK.now())
    return await run_in_threadpool(_table_answer, table, named or DEFAULT_SQL_FORMAT)


@router.get("/v0/datasources", operation_id="list_log_data_sources")
async def list_data_sources(request: Request) -> JSONResponse:
    """Every data source with its columns."""
    principal = await _principal(request, READING)
    sources = await _read(service.data_sources, _place(principal))
    return JSONResponse({"datasources": [_source_view(source) for source in sources]})


@router.get("/v0/datasources/{name}", operation_id="get_log_data_source")
async def get_data_source(request: Request, name: str) -> JSONResponse:
    """One data source."""
    principal = await _principal(request, READING)
    return JSONResponse(_source_view(await _read(service.data_source, _place(principal), name)))


@router.post("/v0/datasources", operation_id="load_log_data_source")
async def load_data_source(
    request: Request, name: str = "", mode: Mode = Mode.CREATE, wanted: Annotated[str, Query(alias="format")] = ""
) -> JSONResponse:
    """Append rows of CSV or NDJSON, make a data source from them, or replace what it held."""
    principal = await _principal(request, APPENDING if mode is Mode.APPEND else ADMINISTERING)
    if not name:
        raise BadRequest("parameter name is missing")
    if wanted not in ("", "csv", "ndjson", "json"):
        raise BadRequest("parameter format must be csv or ndjson")
    body, field = await _upload(request)
    is_csv = wanted == "csv" or (not wanted and (field == "csv" or body.lstrip()[:1] not in (b"{", b"[")))
    is_admin = principal.scope is IngestScope.ADMIN
    place = _place(principal)
    cleaner = await ingest.value_cleaner(principal.project_id)
    received = await _write(
        service.load, place, name, body, mode, is_admin=is_admin, now=SYSTEM_CLOCK.now(), is_csv=is_csv, cleaner=cleaner
    )
    if mode is not Mode.APPEND:
        action = f"log_data_source.{mode.value}"
        await _write(identity.record_key_audit, principal, action, "log_data_source", name[:64])
    await _keep(received, is_waiting=True)
    source = await _read(service.data_source, place, name)
    return JSONResponse(
        {
            "datasource": _source_view(source),
            "import_id": new_id(),
            "invalid_lines": 0,
            "quarantine_rows": received.quarantined,
            "error": False,
        }
    )


@router.post("/v0/datasources/{name}/truncate", operation_id="truncate_log_data_source", status_code=204)
async def truncate_data_source(request: Request, name: str) -> Response:
    """Hide every row the data source holds."""
    principal = await _principal(request, ADMINISTERING)
    await _write(_empty, principal, name)
    return Response(status_code=204)


def _empty(session: Session, principal: IngestPrincipal, name: str) -> None:
    service.empty(session, _place(principal), name, SYSTEM_CLOCK.now())
    identity.record_key_audit(session, principal, "log_data_source.truncate", "log_data_source", name[:64])


async def _principal(request: Request, scopes: frozenset[IngestScope]) -> IngestPrincipal:
    return await _read(principal_for, token_of(request.headers, request.query_params), scopes, SYSTEM_CLOCK.now())


def _place(principal: IngestPrincipal) -> Place:
    return Place(principal.tenant_id, principal.project_id)


async def _read(fn: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await run_in_threadpool(partial(_in_transaction, False, fn, *args, **kwargs))


async def _write(fn: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await run_in_threadpool(partial(_in_transaction, True, fn, *args, **kwargs))


def _in_transaction(write: bool, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    try:
        with session_scope(write=write) as session:
            return fn(session, *args, **kwargs)
    except IntegrityError:
        raise Conflict("the data source was made by another request at the same time") from None


async def _keep(received: Received, *, is_waiting: bool) -> bool:
    if received.lines is None:
        return True
    return await ingest.keep(received.lines, is_waiting=is_waiting) is True


async def _body(request: Request) -> bytes:
    try:
        return await ingest.read_body(dict(request.scope["headers"]), request.receive, MOST_BYTES)
    except ingest.ClientGone:
        raise BadRequest("the request ended before its body did") from None


async def _fields(request: Request) -> dict[str, str]:
    """Parameters in the body of a POST, as a form or as a JSON object."""
    body = await _body(request)
    if body.lstrip()[:1] == b"{":
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            raise BadRequest("the body is not valid JSON") from None
        return {
            str(name): value if isinstance(value, str) else json.dumps(value) for name, value in found.items() if value is not None
        }
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=100))


async def _question(request: Request) -> str:
    body = (await _body(request)).decode(errors="replace").strip()
    if body[:1] == "{":
        try:
            return str(json.loads(body).get("q", ""))
        except (ValueError, RecursionError):
            raise BadRequest("the body is not valid JSON") from None
    if body.startswith("q=") and "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return dict(parse_qsl(body)).get("q", "")
    return body


async def _upload(request: Request) -> tuple[bytes, str]:
    """The rows of an upload and the name of the form field they came in; raw bodies come in no field."""
    body = await _body(request)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return body, ""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(request.scope, receive).form(max_files=1, max_fields=10) as form:
        for field, part in form.multi_items():
            content = await part.read() if isinstance(part, UploadFile) else part.encode()
            if content:
                if len(content) > MOST_BYTES:
                    raise PayloadTooLarge("the upload is too large")
                return content, field
    raise BadRequest("the form holds no rows")


def _table_answer(table: Table, output_format: str) -> Response:
    written = write_table(table, output_format)
    if written is None:
        raise BadRequest(f"the format {output_format[:40]} is not known")
    return Response(written[0], media_type=written[1])


def _pipe_view(pipe: Pipe) -> dict[str, object]:
    parameters = [
        {"name": one.name, "type": one.type, "default": one.default, "description": one.description, "required": False}
        for one in pipe.parameters
    ]
    return {
        "id": pipe.name,
        "name": pipe.name,
        "description": pipe.description,
        "type": "endpoint",
        "endpoint": f"/v0/pipes/{pipe.name}.json",
        "parameters": parameters,
        "columns": [{"name": column.name, "type": column.type} for column in pipe.columns],
    }


def _source_view(source: DataSource) -> dict[str, object]:
    return {
        "id": source.name,
        "name": source.name,
        "description": source.description,
        "columns": [{"name": column.name, "type": column.type, "nullable": False} for column in source.columns],
        "quarantine": f"{source.name}{QUARANTINE_SUFFIX}",
    }
