"""Routes on runs of scans."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.http import Caller, Db, Editor, Owner
from app.scans import service
from app.scans.api.parameters import SCAN, OwnerOrKey
from app.scans.shapes import ScanJobResponse, ScanMetricsReplayRequest

router = APIRouter(tags=["scans"])


@router.post(SCAN + "/run", operation_id="run_scan", status_code=201)
def run_scan(slug: str, scan_id: UUID, session: Db, actor: Editor) -> ScanJobResponse:
    """Scan now, and collect when the scan is schedulable."""
    return ScanJobResponse.model_validate(service.request_run(session, actor, slug, str(scan_id)))


@router.post(SCAN + "/event-groups/apply", operation_id="apply_scan_event_groups", status_code=201)
def apply_scan_event_groups(slug: str, scan_id: UUID, session: Db, actor: Owner) -> ScanJobResponse:
    """Merge existing events by the scan's group rules."""
    return ScanJobResponse.model_validate(service.request_grouping(session, actor, slug, str(scan_id)))


@router.post(SCAN + "/metrics/replay", operation_id="replay_scan_metrics", status_code=201)
def replay_scan_metrics(
    slug: str, scan_id: UUID, body: ScanMetricsReplayRequest, session: Db, actor: OwnerOrKey
) -> ScanJobResponse:
    """Count a past range again."""
    job = service.request_replay(session, actor, slug, str(scan_id), body.time_from, body.time_to)
    return ScanJobResponse.model_validate(job)


@router.get(SCAN + "/jobs", operation_id="list_scan_jobs")
def list_scan_jobs(
    slug: str,
    scan_id: UUID,
    session: Db,
    actor: Caller,
    limit: Annotated[int, Query(ge=1, le=200, include_in_schema=False)] = 50,
) -> list[ScanJobResponse]:
    """The scan's runs, newest first."""
    found = service.list_jobs(session, actor, slug, str(scan_id), limit=limit)
    return [ScanJobResponse.model_validate(job) for job in found.items]


@router.get(SCAN + "/jobs/{job_id}", operation_id="get_scan_job")
def get_scan_job(slug: str, scan_id: UUID, job_id: UUID, session: Db, actor: Caller) -> ScanJobResponse:
    """One run of the scan."""
    job = service.get_job(session, actor, slug, str(job_id), scan_config_id=str(scan_id))
    return ScanJobResponse.model_validate(job)


@router.post(SCAN + "/jobs/{job_id}/cancel", operation_id="cancel_scan_job")
def cancel_scan_job(slug: str, scan_id: UUID, job_id: UUID, session: Db, actor: Editor) -> ScanJobResponse:
    """Stop a run that waits or runs."""
    job = service.cancel_job(session, actor, slug, str(job_id), scan_config_id=str(scan_id))
    return ScanJobResponse.model_validate(job)
