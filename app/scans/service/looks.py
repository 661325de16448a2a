"""Looks into a data source before anything is written: previews of a query and rehearsals of a scan (contract 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.projects import service as projects
from app.scans.config_rules import ConfigDraft, checked_json_paths
from app.scans.contracts import JobStatus, LookKind, LookView
from app.scans.drafts import stored_values
from app.scans.repository import looks, rows
from app.scans.service.configs import checked_draft, find_source
from app.scans.service.views import look_view
from app.warehouse.service import check_base_query
from models.scans import ScanLook

DEFAULT_PREVIEW_ROWS = 10
MOST_PREVIEW_ROWS = 50


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What a preview shows: at most `limit` rows of the look-back window, and JSON paths when asked for."""

    data_source_id: str
    base_query: str
    limit: int = DEFAULT_PREVIEW_ROWS
    json_value_paths: Sequence[str] = ()
    time_column: str | None = None
    scan_lookback_hours: int | None = None
    include_json_paths: bool = False


def request_preview(session: Session, actor: Actor, slug: str, wanted: PreviewRequest, *, now: datetime | None = None) -> LookView:
    """Queue a preview. Owners. Errors: NotFound for the project or data source, InvalidInput for the query or a JSON path."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    source = find_source(session, wanted.data_source_id)
    query = wanted.base_query.strip()
    check_base_query(source.db_type, query, is_builtin=source.is_builtin)
    request: dict[str, object] = {
        "base_query": query,
        "limit": max(1, min(wanted.limit, MOST_PREVIEW_ROWS)),
        "json_value_paths": list(checked_json_paths(wanted.json_value_paths)),
        "time_column": (wanted.time_column or "").strip() or None,
        "scan_lookback_hours": wanted.scan_lookback_hours,
        "include_json_paths": wanted.include_json_paths,
    }
    return _queue(session, actor, project.id, source.id, LookKind.PREVIEW, request, now)


def request_dry_run(
    session: Session, actor: Actor, slug: str, data_source_id: str, draft: ConfigDraft, *, now: datetime | None = None
) -> LookView:
    """Queue a rehearsal: what a scan with this config would create, and why. Owners. Errors: as `create_config`, no Conflict."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    source = find_source(session, data_source_id)
    checked = checked_draft(session, project.id, source, draft)
    return _queue(session, actor, project.id, source.id, LookKind.DRY_RUN, stored_values(checked), now)


def get_look(session: Session, actor: Actor, slug: str, look_id: str, kind: LookKind) -> LookView:
    """A look of that kind. Owners. Errors: NotFound."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    look = looks.find_look(session, project.id, look_id, kind.value)
    if look is None:
        raise NotFound("Job not found")
    return look_view(look)


def _queue(
    session: Session,
    actor: Actor,
    project_id: str,
    source_id: str,
    kind: LookKind,
    request: dict[str, object],
    now: datetime | None,
) -> LookView:
    look = ScanLook(
        project_id=project_id,
        data_source_id=source_id,
        kind=kind.value,
        status=JobStatus.PENDING.value,
        request=request,
        requested_by=actor.user_id,
        created_at=now or SYSTEM_CLOCK.now(),
    )
    rows.add(session, look)
    return look_view(look)
