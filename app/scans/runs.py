"""What a run knows and works with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from app.kernel.intervals import Interval
from app.scans.config_rules import ConfigDraft
from app.scans.progress import Transaction
from app.scans.windows import Window
from app.warehouse import service as warehouses
from app.warehouse.contracts import SourceConnection, SqlWarehouse
from app.warehouse.rollup_contracts import Warehouse


class Evaluation(Protocol):
    """What detection reports after a run."""

    @property
    def anomaly_count(self) -> int:
        """Anomalies stored."""
        ...

    @property
    def signal_count(self) -> int:
        """Signals that are active now."""
        ...

    @property
    def unknown_count(self) -> int:
        """Series that could not be judged."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """What a run needs to know, read once when it starts.

    `is_rollup` says that the product's own roll-up answers everything the config asks. `interval` is None for a config that only
    has a catalog to scan.
    """

    job_id: str
    config_id: str
    project_id: str
    tenant_id: str
    is_rollup: bool
    connection: SourceConnection
    mode: str | None
    config: ConfigDraft
    naming: dict[str, object]
    interval: Interval | None
    chunk_width: timedelta | None
    scan_row_limit: int
    row_limit: int
    collected_until: datetime | None
    received_until: datetime | None


def _open_sql(connection: SourceConnection) -> SqlWarehouse:
    return warehouses.open_warehouse(connection)


@dataclass(frozen=True, slots=True)
class RunTools:
    """What a run works with; tests bring their own."""

    transaction: Transaction
    open_warehouse: Callable[[Run], Warehouse]
    # Judges while it only reads; what it returns stores the findings in a transaction that writes.
    evaluate: Callable[[Session, str, datetime, Window], Callable[[Session], Evaluation]]
    clock: Clock
    open_sql: Callable[[SourceConnection], SqlWarehouse] = _open_sql


def _transaction(*, write: bool = True) -> AbstractContextManager[Session]:
    return session_scope(write=write)


def _open_warehouse(run: Run) -> Warehouse:
    return warehouses.open_builtin(run.tenant_id, run.project_id)


def _evaluate(session: Session, config_id: str, now: datetime, window: Window) -> Callable[[Session], Evaluation]:
    from app.detection import service as detection  # imported when a run ends: detection reads scans

    judged = detection.judge_config(session, config_id, now, window=(window.start, window.stop))
    return lambda writing: detection.store_judged(writing, judged)


DEFAULT_TOOLS = RunTools(_transaction, _open_warehouse, _evaluate, SYSTEM_CLOCK)
