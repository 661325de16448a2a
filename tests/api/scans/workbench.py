"""A project with a scan, a run of it and a finished preview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from models.scans import DataSource, ScanConfig, ScanJob, ScanLook
from tests.factories import make_event_type, make_project, make_scan_config

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
QUERY = "SELECT kind, name, at FROM visits"
PREVIEW = {
    "columns": [{"name": "kind", "type_name": "text", "is_nullable": True}],
    "rows": [{"kind": "web"}],
    "json_columns": [
        {"column": "body", "paths": [{"full_path": "body.step", "path": "step", "sample_values": ["cart"]}]},
    ],
}


@dataclass(frozen=True)
class ScanWorld:
    """Ids of one of everything."""

    slug: str
    project_id: str
    data_source_id: str
    event_type_id: str
    scan_id: str
    job_id: str
    preview_id: str

    @property
    def base(self) -> str:
        """Where the project's scans are."""
        return f"/api/v1/projects/{self.slug}/scans"

    @property
    def scan(self) -> str:
        """Where the scan is."""
        return f"{self.base}/{self.scan_id}"


def make_scan_world(session: Session, *, job_status: str = "completed") -> ScanWorld:
    """A project with a schedulable scan that has group rules."""
    project = make_project(session)
    event_type = make_event_type(session, project, name="shop")
    config: ScanConfig = make_scan_config(session, project)
    config.event_group_rules = [
        {"name": "Orders", "condition_logic": "all", "conditions": [{"field": "event_name", "pattern": "^order"}]}
    ]
    source = session.get_one(DataSource, config.data_source_id)
    job = ScanJob(
        project_id=project.id, scan_config_id=config.id, status=job_status, result_summary={"mode": "metrics_collection"},
        started_at=AT, created_at=datetime.now(UTC), heartbeat_at=datetime.now(UTC),
    )  # fmt: skip
    preview = ScanLook(
        project_id=project.id, data_source_id=source.id, kind="preview", status="completed", result_summary=PREVIEW,
        started_at=AT, completed_at=AT,
    )  # fmt: skip
    session.add_all([job, preview])
    session.flush()
    return ScanWorld(project.slug, project.id, source.id, event_type.id, config.id, job.id, preview.id)
