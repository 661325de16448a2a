"""Where an explanation leads in the user interface."""

from __future__ import annotations

from app import ui_paths
from app.detection.why.contracts import Cause, Explanation, Subject
from app.metrics.contracts import ScopeType


def link_of(slug: str, subject: Subject, one: Explanation) -> str:
    """The page that shows the thing itself, or the series where it is marked."""
    key = subject.key
    series = "" if key.scope_type is ScopeType.PROJECT_TOTAL else f"{key.scope_type.value}/{key.ref}"
    match one.cause:
        case Cause.PLANNED_EVENT:
            found = ui_paths.project_anomaly_settings(slug)
        case Cause.ANNOTATION:
            found = ui_paths.project_monitoring(slug, series=series)
        case Cause.RELEASE:
            found = ui_paths.project_releases(slug, key.scan_config_id)
        case Cause.PLAN_CHANGE:
            is_merge = one.figures.get("is_merge") == "true"
            found = ui_paths.project_branch(slug, one.ref) if is_merge else ui_paths.project_revisions(slug)
        case Cause.SCHEMA_DRIFT:
            found = ui_paths.project_unplanned(slug) if one.ref == "unmatched" else ui_paths.project_drifts(slug)
        case Cause.SOURCE:
            found = ui_paths.project_scan(slug, key.scan_config_id)
        case Cause.LOG_ERRORS:
            found = ui_paths.project_logs(slug)
        case Cause.BREAKDOWN:
            is_scope = one.ref.startswith((f"{ScopeType.EVENT.value}/", f"{ScopeType.EVENT_TYPE.value}/"))
            column = "" if is_scope else str(one.figures.get("column", ""))
            found = ui_paths.project_monitoring(slug, series=one.ref if is_scope else series, column=column)
    return found
