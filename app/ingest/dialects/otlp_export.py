"""What becomes of an OpenTelemetry request, whichever way it came: the same rules, quota, log and quarantine as other events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from app.identity.contracts import IngestPrincipal
from app.ingest.dialects.otlp import Telemetry
from app.ingest.dialects.shapes import Json
from app.ingest.key_cache import check_principal
from app.ingest.outcomes import counted_refusals
from app.ingest.pipeline import Pipeline
from app.ingest.records import Record, RefusedRecord, encode_records
from app.ingest.rules import masked_text
from app.ingest.validation import ProjectChecks
from app.kernel.errors import BadRequest

TOO_OLD: Final = "the time is outside what is kept"


async def admitted(pipeline: Pipeline, token: bytes, headers: Mapping[bytes, bytes]) -> IngestPrincipal:
    """Who sends. Unauthorized, Forbidden, Unavailable when nothing can be taken, TooManyRequests; each is counted here."""
    with counted_refusals():
        principal = pipeline.keys.cached(token) or await pipeline.keys.resolve(token)
        check_principal(principal, headers.get(b"x-tenant-id"), pipeline.clock.now())
        pipeline.check_room()
        pipeline.take_request(principal)
        return principal


async def take_in(pipeline: Pipeline, principal: IngestPrincipal, signal: str, found: Telemetry) -> int:
    """Store the telemetry durably; how many of its entries were refused and kept in quarantine. Errors as `Pipeline.accept`.

    `signal` is traces, logs or metrics.
    """
    if found.events:
        outcome = await pipeline.accept(principal, events_body(found.events))
        return len(outcome.faults)
    if found.records or found.refused:
        return await _keep(pipeline, principal, signal, found)
    return 0


def events_body(events: list[Json]) -> bytes:
    """The events as a body of the event API. BadRequest for values that are not JSON."""
    try:
        return msgspec.json.encode({"events": events})
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        raise BadRequest("the body holds values that are not JSON") from None


async def _keep(pipeline: Pipeline, principal: IngestPrincipal, signal: str, found: Telemetry) -> int:
    records, refused = found.records, list(found.refused)
    checks = (await pipeline.project_plan(principal.project_id)).checks
    if checks is not None and checks.labelled:
        records = [_treated(record, checks) for record in records]
        refused = [replace(record, raw=masked_text(record.raw, checks)) for record in refused]
    kept: list[Record] = []
    for record in records:
        if pipeline.is_storable(record.time):
            kept.append(record)
        else:
            refused.append(RefusedRecord(record.kind, record.received_at, TOO_OLD, record.body or record.name))
    async with pipeline.charging(principal, len(kept)):
        await pipeline.keep(encode_records(f"otlp {signal}", principal.tenant_id, principal.project_id, kept, refused))
    return len(refused)


def _treated(record: Record, checks: ProjectChecks) -> Record:
    """The record with every labelled value treated, also those that became members."""
    members: Json = {
        "user_id": record.actor_id,
        "session_id": record.session_id,
        "severity": record.severity,
        "body": record.body,
    }
    told = checks.cleaned({name: value for name, value in members.items() if value})
    return replace(
        record,
        properties=checks.cleaned(record.properties),
        actor_id=told.get("user_id", ""),
        session_id=told.get("session_id", ""),
        severity=told.get("severity", ""),
        body=told.get("body", ""),
    )
