"""Any scope by the values of one of its columns; the API has this for events only."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.metrics import charts, repository
from app.metrics.contracts import ScopeType
from app.projects import service as projects


def scope_breakdown(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType,
    ref: str,
    column: str = "",
    start: datetime | None = None,
    stop: datetime | None = None,
) -> charts.BreakdownChart:
    """The scope by one column; the first one when `column` is empty or not one of its own. Errors: NotFound for the scan."""
    project_id = projects.get_project(session, actor, slug).id
    config = charts.scan_of(session, project_id, scan_config_id)
    stored_ref = None if scope_type is ScopeType.PROJECT_TOTAL else ref
    columns = [
        one for one in repository.breakdown_columns(session, config.id, scope_type, stored_ref) if one != config.app_version_column
    ]
    interval = charts.collected_interval(config)
    if not columns:
        return charts.BreakdownChart(config.id, interval, [], None, [])
    selected = column if column in columns else columns[0]
    series = charts.value_charts(session, config, scope_type, stored_ref, selected, start, stop)
    return charts.BreakdownChart(config.id, interval, columns, selected, series)
