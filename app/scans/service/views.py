"""Rows as the views that leave the area."""

from __future__ import annotations

from app.kernel.intervals import Interval
from app.scans.contracts import JobStatus, LookKind, LookView, ScanConfigView, ScanJobView
from app.scans.groups import GroupRule
from models.scans import DataSource, ScanConfig, ScanJob, ScanLook


def config_view(config: ScanConfig, source: DataSource) -> ScanConfigView:
    """The config as others see it."""
    return ScanConfigView(
        id=config.id,
        project_id=config.project_id,
        data_source_id=source.id,
        data_source_name=source.name,
        is_builtin=source.is_builtin,
        event_type_id=config.event_type_id,
        name=config.name,
        base_query=config.base_query,
        event_type_column=config.event_type_column,
        time_column=config.time_column,
        event_name_format=config.event_name_format,
        json_value_paths=tuple(config.json_value_paths),
        event_group_rules=tuple(GroupRule.from_stored(rule) for rule in config.event_group_rules),
        metric_breakdown_columns=tuple(config.metric_breakdown_columns),
        metric_breakdown_values_limit=config.metric_breakdown_values_limit,
        distribution_drift_fields=tuple(config.distribution_drift_fields),
        cardinality_threshold=config.cardinality_threshold,
        interval=Interval(config.interval) if config.interval else None,
        replay_chunk_interval=Interval(config.replay_chunk_interval) if config.replay_chunk_interval else None,
        scan_lookback_hours=config.scan_lookback_hours,
        scan_row_limit=config.scan_row_limit,
        metrics_row_limit=config.metrics_row_limit,
        app_version_column=config.app_version_column,
        app_version_keep_releases=config.app_version_keep_releases,
        is_paused=config.is_paused,
        collected_until=config.collected_until,
        received_until=config.received_until,
        consecutive_failures=config.consecutive_failures,
        next_attempt_at=config.next_attempt_at,
        created_at=config.created_at,
        updated_at=config.updated_at,
    )


def job_view(job: ScanJob) -> ScanJobView:
    """The job as others see it."""
    mode = job.result_summary.get("mode")
    return ScanJobView(
        id=job.id,
        project_id=job.project_id,
        scan_config_id=job.scan_config_id,
        status=JobStatus(job.status),
        mode=None if mode is None else str(mode),
        progress_percent=job.progress_percent,
        progress_phase=job.progress_phase,
        result_summary=dict(job.result_summary),
        error_message=job.error_message,
        started_at=job.started_at,
        heartbeat_at=job.heartbeat_at,
        completed_at=job.completed_at,
        created_at=job.created_at,
        updated_at=job.updated_at,
    )


def look_view(look: ScanLook) -> LookView:
    """The look as others see it."""
    return LookView(
        id=look.id,
        project_id=look.project_id,
        kind=LookKind(look.kind),
        status=JobStatus(look.status),
        started_at=look.started_at,
        completed_at=look.completed_at,
        result_summary=look.result_summary,
        error_message=look.error_message,
        created_at=look.created_at,
        updated_at=look.updated_at,
    )
