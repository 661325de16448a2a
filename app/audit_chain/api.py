"""The export of the audit chain as a download."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from app.audit_chain import exporting
from app.http import reading_caller
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope

router = APIRouter(tags=["audit"])

EXPORT = "/api/v1/audit/export"


@router.get(
    EXPORT,
    operation_id="export_audit",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}}},
)
def export_audit(request: Request, project_slug: str | None = None) -> StreamingResponse:
    """Audit records with their chain, one JSON object a line; of one project when it is named. Owners."""
    actor = reading_caller(request)
    now = SYSTEM_CLOCK.now()
    with session_scope() as session:
        exporting.note_export(session, actor, project_slug, now)
    name = f"audit-{project_slug or 'all'}-{now:%Y%m%d-%H%M%S}.jsonl"
    # What fails before the first line is answered as a refusal; what fails later ends the file early, which its reader finds.
    lines = _lines(actor, project_slug)
    first = next(lines)
    return StreamingResponse(
        _joined(first, lines),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": f"attachment; filename={name}", "Cache-Control": "no-store"},
    )


def _lines(actor: Actor, project_slug: str | None) -> Iterator[bytes]:
    with session_scope(write=False) as session:
        yield from exporting.export(session, actor, project_slug, SYSTEM_CLOCK.now())


def _joined(first: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from lines
