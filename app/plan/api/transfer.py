"""Routes that carry a plan out as a file and in again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from app.http import PROJECT, Branch, Caller, Db, WaitingEditor, note_use
from app.kernel.database import session_scope
from app.kernel.errors import InvalidInput, PayloadTooLarge
from app.plan.api.bounded_uploads import BoundedUploadRoute
from app.plan.codegen.model import Language
from app.plan.codegen.service import tracking_code
from app.plan.shapes.transfer import MOST_ROWS, ImportReport, import_report
from app.plan.transfer import service
from app.plan.transfer.records import MOST_BYTES
from app.plan.transfer.service import Format

EXPORT = PROJECT + "/plan/export"
IMPORT = PROJECT + "/plan/import"

_FORMATS = {
    "application/json": Format.JSON,
    "text/csv": Format.CSV,
    "application/yaml": Format.YAML,
    "application/x-yaml": Format.YAML,
    "text/yaml": Format.YAML,
    "application/zip": Format.YAML,
}
_FILE = {"type": "string", "format": "binary"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}},
            **{media_type: {"schema": _FILE} for media_type in _FORMATS},
        },
    }
}


class _PlanFileRoute(BoundedUploadRoute):
    def bound(self) -> tuple[int, PayloadTooLarge]:
        return MOST_BYTES, PayloadTooLarge(f"A file has at most {MOST_BYTES} bytes")


CODE = PROJECT + "/plan/code/{language}"

router = APIRouter(tags=["plan-transfer"])
_uploads = APIRouter(tags=["plan-transfer"], route_class=_PlanFileRoute)


@dataclass(frozen=True, slots=True)
class _PlanFile:
    filename: str
    data: bytes
    format: Format | None


async def _plan_file(request: Request, _actor: WaitingEditor) -> _PlanFile:
    """The file: the part `file` of a form, or the whole body, whose type then says what it is."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        return _PlanFile("body", await request.body(), _FORMATS.get(media_type))
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput("Send the plan as the part file", field="file")
        return _PlanFile(file.filename or "file", await run_in_threadpool(file.file.read), None)


@router.get(CODE, operation_id="export_tracking_code", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def export_tracking_code(slug: str, language: Language, session: Db, actor: Caller, branch: Branch = None) -> Response:
    """Typed tracking code for the events of the branch, as a file."""
    code = tracking_code(session, actor, slug, language, branch)
    note_use(actor, "plan.export", "plan", branch or "main", slug, {"format": language.value})
    disposition = f"attachment; filename={code.filename}"
    return Response(code.text, media_type="text/plain; charset=utf-8", headers={"Content-Disposition": disposition})


@router.get(
    EXPORT,
    operation_id="export_plan",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}, "application/json": {}, "text/csv": {}}}},
)
def export_plan(slug: str, session: Db, actor: Caller, branch: Branch, format: Format = Format.YAML) -> Response:  # noqa: A002 - the query parameter
    """The branch's plan as a file, main's without `branch`. YAML is a zipped folder; CSV carries events only.

    Equal plans give equal bytes. Owners of events are members of this instance and are left out.
    """
    found = service.export_plan(session, actor, slug, format, branch)
    note_use(actor, "plan.export", "plan", branch or "main", slug, {"format": format.value})
    disposition = f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}"
    return Response(found.content, media_type=found.media_type, headers={"Content-Disposition": disposition})


@_uploads.post(IMPORT, operation_id="import_plan", openapi_extra=_BODY, responses={201: {"model": ImportReport}})
def import_plan(
    slug: str,
    actor: WaitingEditor,
    file: Annotated[_PlanFile, Depends(_plan_file)],
    response: Response,
    preview: bool = False,
    branch_name: Annotated[str, Query(max_length=255)] = "",
    format: Format | None = None,  # noqa: A002 - the query parameter
    limit: Annotated[int, Query(ge=0, le=MOST_ROWS)] = MOST_ROWS,
) -> ImportReport:
    """Lay a plan from a file over main, on a branch made for it, or only tell what that would do.

    What the file does not name stays. A file with a fault is refused as a whole, with the place and the reason of every fault.
    201 when a branch was made; 200 for a preview, and when the file says nothing that main does not hold.
    """
    document = service.read_file(file.data, file.filename, format or file.format)
    if preview:
        with session_scope(write=False) as session:
            return import_report(service.preview_import(session, actor, slug, document), limit)
    with session_scope() as session:
        imported = service.import_plan(session, actor, slug, document, branch_name=branch_name)
    response.status_code = 200 if imported.branch is None else 201
    return import_report(imported, limit)


router.routes.extend(_uploads.routes)
