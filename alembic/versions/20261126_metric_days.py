"""Sums of the counts of each event over whole days, for the days that a ranking of events reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alembic import op

revision: str = "20261126_metric_days"
down_revision: str | None = "20261125_password_reset"
branch_labels: str | None = None
depends_on: str | None = None

_DAY = timedelta(days=1)
# Rankings reach 30 days back; older days are never read.
_DAYS = 31
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "metric_days",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("day", _MOMENT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id", "event_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_summed_days",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("day", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id", "day"),
        sqlite_with_rowid=False,
    )
    _sum_newest_days()
    op.create_index("ix_metric_days_config_day", "metric_days", ["scan_config_id", "day", "event_id", "count"])


def downgrade() -> None:
    op.drop_table("metric_summed_days")
    op.drop_table("metric_days")


def _sum_newest_days() -> None:
    buckets = _table("metric_buckets", "scan_config_id", "scope_type", "scope_ref", "bucket", "count")
    coverage = _table("metric_coverage", "scan_config_id", "bucket")
    days = _table("metric_days", "scan_config_id", "event_id", "day", "count")
    marks = _table("metric_summed_days", "scan_config_id", "day")
    newest = sa.select(coverage.c.scan_config_id, sa.func.max(coverage.c.bucket)).group_by(coverage.c.scan_config_id)
    connection = op.get_bind()
    for config_id, moment in connection.execute(newest).all():
        today = _day_of(moment)
        for day in (today - back * _DAY for back in range(_DAYS, -1, -1)):
            counts = sa.select(buckets.c.scope_ref, buckets.c.count).where(
                buckets.c.scan_config_id == config_id,
                buckets.c.scope_type == "event",
                buckets.c.bucket >= day,
                buckets.c.bucket < day + _DAY,
            )
            # Set apart from the sum: grouped at once, SQLite goes event by event and so through every count ever stored.
            rows = counts.cte("counted").prefix_with("MATERIALIZED")
            summed = sa.select(
                sa.literal(config_id), rows.c.scope_ref, sa.literal(day, _MOMENT), sa.func.sum(rows.c.count)
            ).group_by(rows.c.scope_ref)
            connection.execute(days.insert().from_select(["scan_config_id", "event_id", "day", "count"], summed))
            connection.execute(marks.insert(), {"scan_config_id": config_id, "day": day})


def _table(name: str, *columns: str) -> sa.TableClause:
    kinds = {"bucket": _MOMENT, "day": _MOMENT, "count": sa.BigInteger()}
    return sa.table(name, *(sa.column(one, kinds.get(one, sa.String())) for one in columns))


def _day_of(moment: datetime) -> datetime:
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(hour=0, minute=0, second=0, microsecond=0)
