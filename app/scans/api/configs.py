"""Routes on scan configs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import Caller, Db, Owner
from app.scans import service
from app.scans.api.parameters import SCAN, SCANS
from app.scans.shapes import ScanConfigCreate, ScanConfigResponse, ScanConfigUpdate

router = APIRouter(tags=["scans"])


@router.get(SCANS, operation_id="list_scan_configs")
def list_scan_configs(slug: str, session: Db, actor: Caller) -> list[ScanConfigResponse]:
    """The project's scans, newest first."""
    return [ScanConfigResponse.model_validate(config) for config in service.list_configs(session, actor, slug)]


@router.post(SCANS, operation_id="create_scan_config", status_code=201)
def create_scan_config(slug: str, body: ScanConfigCreate, session: Db, actor: Owner) -> ScanConfigResponse:
    """Make a scan."""
    config = service.create_config(session, actor, slug, str(body.data_source_id), body.draft())
    return ScanConfigResponse.model_validate(config)


@router.get(SCAN, operation_id="get_scan_config")
def get_scan_config(slug: str, scan_id: UUID, session: Db, actor: Caller) -> ScanConfigResponse:
    """One scan."""
    return ScanConfigResponse.model_validate(service.get_config(session, actor, slug, str(scan_id)))


@router.patch(SCAN, operation_id="update_scan_config")
def update_scan_config(slug: str, scan_id: UUID, body: ScanConfigUpdate, session: Db, actor: Owner) -> ScanConfigResponse:
    """Change a scan; the rules hold for the result."""
    config = service.update_config(session, actor, slug, str(scan_id), body.changes())
    return ScanConfigResponse.model_validate(config)


@router.delete(SCAN, operation_id="delete_scan_config", status_code=204)
def delete_scan_config(slug: str, scan_id: UUID, session: Db, actor: Owner) -> None:
    """Delete a scan with its jobs and counts; the plan keeps its events."""
    service.delete_config(session, actor, slug, str(scan_id))
