"""The scan of the built-in event store that every watched project has."""

from __future__ import annotations

from typing import Protocol

from sqlmodel import Session

from app.kernel.intervals import Interval
from app.scans.repository import configs
from models.scans import ScanConfig

BUILTIN_SOURCE = "Built-in event store"
BUILTIN_SCAN = "Received events"
BUILTIN_QUERY = "SELECT source, name, time FROM events"
# Reading the store's own roll-up is cheap: ten thousand events that occur in every hour of a day fit.
BUILTIN_ROW_LIMIT = 500_000


class ProjectRef(Protocol):
    """Anything that stands for a project."""

    @property
    def id(self) -> str:
        """The project's id."""
        ...


def ensure_builtin_scan(session: Session, project: ProjectRef) -> ScanConfig:
    """The project's hourly scan of the built-in event store, made when missing. Commit is the caller's."""
    found = configs.builtin_config(session, project.id)
    if found is not None:
        return found
    source = configs.builtin_data_source(session, name=BUILTIN_SOURCE, db_type="clickhouse")
    wanted = ScanConfig(
        project_id=project.id,
        data_source_id=source.id,
        name=BUILTIN_SCAN,
        base_query=BUILTIN_QUERY,
        event_type_column="source",
        event_name_format="{name}",
        time_column="time",
        interval=Interval.HOUR.value,
        replay_chunk_interval=Interval.DAY.value,
        metrics_row_limit=BUILTIN_ROW_LIMIT,
    )
    configs.add_config_unless_present(session, wanted)
    found = configs.builtin_config(session, project.id)
    assert found is not None
    return found


def is_rollup_config(config: ScanConfig) -> bool:
    """Whether the store's own roll-up answers everything that a config on the built-in source asks."""
    has_more = (
        config.json_value_paths
        or config.event_group_rules
        or config.metric_breakdown_columns
        or config.distribution_drift_fields
        or config.app_version_column
        or config.event_type_id
    )
    shape = (config.base_query.strip(), config.event_type_column, config.event_name_format, config.time_column)
    return not has_more and bool(config.interval) and shape == (BUILTIN_QUERY, "source", "{name}", "time")
