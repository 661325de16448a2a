"""Whole days of every event's buckets packed into one row, of all days, and a day's sums of all events beside its mark."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alembic import op

revision: str = "20261127_packed_days"
down_revision: str | None = "20261126_delivery_claims"
branch_labels: str | None = None
depends_on: str | None = None

_DAY = timedelta(days=1)
_MOMENT = sa.DateTime(timezone=True)
_INDEX = "ix_metric_days_config_day"
_SEPARATOR = ","


def upgrade() -> None:
    # What the tables hold is made again from the buckets.
    op.drop_table("metric_days")
    op.drop_table("metric_summed_days")
    op.create_table(
        "metric_days",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("day", _MOMENT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id", "event_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_summed_days",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("day", _MOMENT, nullable=False),
        sa.Column("buckets", sa.LargeBinary(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id", "day"),
    )
    _pack_days()
    op.create_index(_INDEX, "metric_days", ["scan_config_id", "day"])


def downgrade() -> None:
    op.drop_index(_INDEX, "metric_days")
    op.drop_column("metric_days", "counts")
    for name in ("buckets", "events", "totals", "counts"):
        op.drop_column("metric_summed_days", name)
    op.create_index(_INDEX, "metric_days", ["scan_config_id", "day", "event_id", "count"])


def _pack_days() -> None:
    buckets = _table("metric_buckets", "scan_config_id", "scope_type", "scope_ref", "bucket", "count")
    days = _table("metric_days", "scan_config_id", "event_id", "day", "count", "counts")
    marks = _table("metric_summed_days", "scan_config_id", "day", "buckets", "events", "totals", "counts")
    connection = op.get_bind()
    for config_id in connection.execute(sa.select(sa.column("id")).select_from(sa.table("scan_configs"))).scalars().all():
        of_events = (buckets.c.scan_config_id == config_id, buckets.c.scope_type == "event")
        for day in _counted_days(connection, buckets.c.bucket, of_events):
            texts = (
                sa.func.aggregate_strings(sa.cast(one, sa.String), _SEPARATOR) for one in (buckets.c.scope_ref, buckets.c.count)
            )
            packed = sa.select(buckets.c.bucket, *texts).where(*of_events, buckets.c.bucket >= day, buckets.c.bucket < day + _DAY)
            rows = connection.execute(packed.group_by(buckets.c.bucket).order_by(buckets.c.bucket)).all()
            counts: dict[str, list[int]] = {}
            for place, (_, refs, values) in enumerate(rows):
                for ref, value in zip(refs.split(_SEPARATOR), values.split(_SEPARATOR), strict=True):
                    counts.setdefault(ref, [0] * len(rows))[place] = int(value)
            events = sorted(counts)
            key = {"scan_config_id": config_id, "day": day}
            connection.execute(
                days.insert(),
                [{**key, "event_id": one, "count": sum(counts[one]), "counts": _bytes(counts[one])} for one in events],
            )
            mark = {
                "buckets": _bytes([int(_utc(bucket).timestamp()) for bucket, _, _ in rows]),
                "events": _SEPARATOR.join(events),
                "totals": _bytes([sum(counts[one]) for one in events]),
                "counts": b"".join(_bytes(counts[one]) for one in events),
            }
            connection.execute(marks.insert(), {**key, **mark})


def _counted_days(
    connection: sa.Connection, bucket: sa.ColumnClause[datetime], of_events: Sequence[sa.ColumnElement[bool]]
) -> Iterator[datetime]:
    """Every day with a count, each found from the one before."""
    oldest = sa.select(sa.func.min(bucket)).where(*of_events)
    found = connection.execute(oldest).scalar_one_or_none()
    while found is not None:
        day = _utc(found).replace(hour=0, minute=0, second=0, microsecond=0)
        yield day
        found = connection.execute(oldest.where(bucket >= day + _DAY)).scalar_one_or_none()


def _table(name: str, *columns: str) -> sa.TableClause:
    kinds: dict[str, sa.types.TypeEngine[object]] = {
        "bucket": _MOMENT, "day": _MOMENT, "count": sa.BigInteger(),
        "counts": sa.LargeBinary(), "buckets": sa.LargeBinary(), "totals": sa.LargeBinary(),
    }  # fmt: skip
    return sa.table(name, *(sa.column(one, kinds.get(one, sa.String())) for one in columns))


def _bytes(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
