"""Records, trails and metrics (contract D.2 to D.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from app.audit import accounts, records
from app.audit.api.dialect import bearer, checked
from app.audit.contracts import Bucket, bucket_of
from app.audit.durations import duration_of, moment_of
from app.audit.figures import RecordFilter
from app.audit.shapes import RecordIn
from app.identity import service as identity
from app.identity.contracts import IngestKind, IngestScope
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, InvalidInput, NotFound, PayloadTooLarge, Unauthorized
from models.audit import AuditAccount

router = APIRouter(tags=["audit-log"])

LARGEST_BODY = 10 * 1_048_576
MOST_RECORDS = 1000
Caller = Annotated[AuditAccount, Depends(bearer)]
Optional = Annotated[str | None, Query(max_length=1000)]


@router.post("/audit/log", operation_id="audit_log_append", status_code=204)
async def append(request: Request) -> Response:
    """Keep one record or an array of them under one id."""
    key = request.headers.get("api-key", "")
    if not key:
        raise Unauthorized("The header api-key is missing")
    bucket = await run_in_threadpool(_bucket_of, key)
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        raise PayloadTooLarge("The body is too large")
    body = await request.body()
    if len(body) > LARGEST_BODY:
        raise PayloadTooLarge("The body is too large")
    found = _records_of(body)
    await run_in_threadpool(records.append, bucket, found, SYSTEM_CLOCK.now())
    return Response(status_code=204)


def _bucket_of(key: str) -> Bucket:
    """Where the records of this key go: to the project of an ingest key for audit records, else to an account's bucket."""
    now = SYSTEM_CLOCK.now()
    with session_scope(write=False) as session:
        principal = identity.ingest_principal_for(session, key, now) if key.startswith("pl_") else None
        if principal is None:
            return bucket_of(accounts.of_access_key(session, key).id)
    if principal.kind is not IngestKind.AUDIT or (principal.expires_at is not None and now >= principal.expires_at):
        raise NotFound("Unknown api key")
    if principal.tenant_status == "suspended" or principal.scope is IngestScope.READ:
        raise Forbidden("The key may not append audit records")
    return Bucket(principal.tenant_id, principal.project_id)


def _records_of(body: bytes) -> list[RecordIn]:
    try:
        values = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise RequestValidationError([{"loc": ("body",), "msg": "JSON decode error", "type": "json_invalid"}]) from None
    if not isinstance(values, list):
        return [checked(RecordIn, values)]
    if not 1 <= len(values) <= MOST_RECORDS:
        fault = {"loc": ("body",), "msg": f"send 1 to {MOST_RECORDS} records", "type": "value_error"}
        raise RequestValidationError([fault])
    return [checked(RecordIn, value, index) for index, value in enumerate(values)]


def _filter(
    category: Annotated[str, Query(max_length=1000)],
    app: Annotated[str, Query(max_length=1000)],
    env: Optional = None,
    method: Optional = None,
    status: Optional = None,
    origin: Optional = None,
    start: Annotated[str, Query(max_length=100)] = "1d",
    stop: Annotated[str, Query(max_length=100)] = "now()",
) -> RecordFilter:
    now = SYSTEM_CLOCK.now()
    since, until = _moment("start", start, now), _moment("stop", stop, now)
    if since >= until:
        raise InvalidInput("start lies before stop", field="start")
    return RecordFilter(category, app, since, until, env, method, status, origin)


Wanted = Annotated[RecordFilter, Depends(_filter)]


def _moment(name: str, text: str, now: datetime) -> datetime:
    try:
        return moment_of(text, now)
    except (ValueError, OverflowError) as fault:
        raise InvalidInput(str(fault), field=name) from None


def _step(interval: Annotated[str, Query(max_length=50)] = "1m") -> timedelta:
    try:
        return duration_of(interval)
    except ValueError as fault:
        raise InvalidInput(str(fault), field="interval") from None


Step = Annotated[timedelta, Depends(_step)]


@router.get("/audit/log", operation_id="audit_log_list")
def list_records(account: Caller, wanted: Wanted, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1) -> list[dict[str, Any]]:
    """Fifty records, newest first."""
    return records.listed(bucket_of(account.id), wanted, page)


@router.get("/audit/log/{event_id}", operation_id="audit_log_trail")
def trail(event_id: str, account: Caller) -> list[dict[str, Any]]:
    """Every record of one id, the last stage first."""
    return records.trail(bucket_of(account.id), event_id)


@router.get("/audit/metrics", operation_id="audit_metric_names")
def metric_names(account: Caller) -> list[str]:
    """Names of metrics."""
    return records.metric_names(bucket_of(account.id))


@router.get("/audit/metrics/{field}/count", operation_id="audit_metric_counts")
def counts(field: str, account: Caller, wanted: Wanted, step: Step) -> list[dict[str, Any]]:
    """Records by value of a field, window by window."""
    return records.counts(bucket_of(account.id), field, wanted, step)


@router.get("/audit/metrics/{metric}", operation_id="audit_metric")
def metric(
    metric: str,
    account: Caller,
    wanted: Wanted,
    step: Step,
    agg: Annotated[str, Query(max_length=50)] = "mean",
    group_by: Optional = None,
) -> list[dict[str, Any]]:
    """A metric window by window."""
    found = records.metric(bucket_of(account.id), metric, wanted, step, agg, group_by or None)
    return [{"groupKey": group.key, "data": group.data} for group in found]
