"""Routes on previews and dry runs. They come before those with a scan's id: `preview` is none."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import Db, Owner
from app.scans import service
from app.scans.api.parameters import SCANS
from app.scans.contracts import LookKind
from app.scans.shapes import ScanConfigCreate, ScanConfigPreviewRequest, ScanDryRunJobResponse, ScanPreviewJobResponse

router = APIRouter(tags=["scans"])


@router.post(SCANS + "/preview", operation_id="preview_scan_config", status_code=202)
def preview_scan_config(slug: str, body: ScanConfigPreviewRequest, session: Db, actor: Owner) -> ScanPreviewJobResponse:
    """Queue a look at the query's rows."""
    return ScanPreviewJobResponse.model_validate(service.request_preview(session, actor, slug, body.wanted()))


@router.get(SCANS + "/preview-jobs/{job_id}", operation_id="get_scan_preview_job")
def get_scan_preview_job(slug: str, job_id: UUID, session: Db, actor: Owner) -> ScanPreviewJobResponse:
    """How the preview stands."""
    look = service.get_look(session, actor, slug, str(job_id), LookKind.PREVIEW)
    return ScanPreviewJobResponse.model_validate(look)


@router.post(SCANS + "/dry-run", operation_id="dry_run_scan_config", status_code=202)
def dry_run_scan_config(slug: str, body: ScanConfigCreate, session: Db, actor: Owner) -> ScanDryRunJobResponse:
    """Queue a rehearsal of a scan: what it would create, and why. Nothing is written to the plan."""
    look = service.request_dry_run(session, actor, slug, str(body.data_source_id), body.draft())
    return ScanDryRunJobResponse.model_validate(look)


@router.get(SCANS + "/dry-run-jobs/{job_id}", operation_id="get_scan_dry_run_job")
def get_scan_dry_run_job(slug: str, job_id: UUID, session: Db, actor: Owner) -> ScanDryRunJobResponse:
    """How the dry run stands."""
    look = service.get_look(session, actor, slug, str(job_id), LookKind.DRY_RUN)
    return ScanDryRunJobResponse.model_validate(look)
