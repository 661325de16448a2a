"""Every query on data sources and scan configs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.intervals import Interval, floor_to_bucket
from app.scans.contracts import LIVE_STATUSES
from app.scans.repository.rows import insert_if_absent
from models.projects import Project
from models.scans import DataSource, ScanConfig, ScanJob


def builtin_data_source(session: Session, *, name: str, db_type: str) -> DataSource:
    """The instance's one built-in source, created when missing."""
    wanted = (
        sa.select(DataSource).where(col(DataSource.is_builtin)).order_by(col(DataSource.created_at), col(DataSource.id)).limit(1)
    )
    found: DataSource | None = session.execute(wanted).scalar_one_or_none()
    if found is not None:
        return found
    insert_if_absent(session, DataSource, DataSource(name=name, db_type=db_type, is_builtin=True).model_dump())
    created: DataSource = session.execute(wanted).scalar_one()
    return created


def data_source(session: Session, data_source_id: str) -> DataSource | None:
    """A data source of the instance."""
    return session.get(DataSource, data_source_id)


def builtin_config(session: Session, project_id: str) -> ScanConfig | None:
    """The project's config on the built-in source."""
    statement = (
        sa.select(ScanConfig)
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .where(col(ScanConfig.project_id) == project_id, col(DataSource.is_builtin))
        .order_by(col(ScanConfig.created_at), col(ScanConfig.id))
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def add_config_unless_present(session: Session, config: ScanConfig) -> None:
    """Store the config unless the project has one of that name on the source, also when another process is as fast."""
    insert_if_absent(session, ScanConfig, config.model_dump())


def configs_with_sources(session: Session, project_id: str, config_id: str | None = None) -> list[tuple[ScanConfig, DataSource]]:
    """The project's configs, newest first, each with its source; only one when `config_id` is given."""
    statement = (
        sa.select(ScanConfig, DataSource)
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .where(col(ScanConfig.project_id) == project_id)
        .order_by(col(ScanConfig.created_at).desc(), col(ScanConfig.id))
    )
    if config_id is not None:
        statement = statement.where(col(ScanConfig.id) == config_id)
    return [(row[0], row[1]) for row in session.execute(statement)]


def is_config_name_taken(session: Session, project_id: str, source: DataSource, name: str) -> bool:
    """Whether the source has a scan of that name; every project has scans of its own on the built-in source."""
    statement = sa.select(col(ScanConfig.id)).where(col(ScanConfig.data_source_id) == source.id, col(ScanConfig.name) == name)
    if source.is_builtin:
        statement = statement.where(col(ScanConfig.project_id) == project_id)
    return session.execute(statement.limit(1)).first() is not None


def lock_config(session: Session, config_id: str) -> ScanConfig | None:
    """The config, held until the transaction ends; whoever stores rows that refer to it is not waited for."""
    statement = sa.select(ScanConfig).where(col(ScanConfig.id) == config_id).with_for_update(key_share=True)
    return session.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()


def due_configs(session: Session, now: datetime) -> list[ScanConfig]:
    """Schedulable configs with a complete bucket to collect, that do not rest and have no live job; longest waiting first."""
    live = sa.select(col(ScanJob.id)).where(
        col(ScanJob.scan_config_id) == col(ScanConfig.id), col(ScanJob.status).in_(LIVE_STATUSES)
    )
    # A demo project is counted by its own job while it is being filled.
    being_generated = sa.select(col(Project.id)).where(col(Project.generation_status) == "running")
    waiting = [
        sa.and_(col(ScanConfig.interval) == interval.value, col(ScanConfig.collected_until) < floor_to_bucket(now, interval))
        for interval in Interval
    ]
    statement = (
        sa.select(ScanConfig)
        .where(
            col(ScanConfig.is_paused).is_(False),
            col(ScanConfig.interval).is_not(None),
            col(ScanConfig.time_column).is_not(None),
            col(ScanConfig.time_column) != "",
            sa.or_(col(ScanConfig.next_attempt_at).is_(None), col(ScanConfig.next_attempt_at) <= now),
            sa.or_(col(ScanConfig.collected_until).is_(None), *waiting),
            ~live.exists(),
            ~col(ScanConfig.project_id).in_(being_generated),
        )
        .order_by(col(ScanConfig.collected_until).is_not(None), col(ScanConfig.collected_until), col(ScanConfig.id))
    )
    return list(session.execute(statement).scalars())
