"""Counts per value of a scope's columns: what one page shows of a column is read once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sqlmodel import Session

from app.metrics import breakdown_repository
from app.metrics.charts import CollectedScan
from app.metrics.contracts import ScopeType
from app.metrics.grid_repository import Grid

ValueCounts: TypeAlias = Mapping[tuple[str, bool], Sequence[int]]


class ScopeValues:
    """A scope of a scan that was found already. Counts are by (value, is_other)."""

    def __init__(self, session: Session, collected: CollectedScan, scope_type: ScopeType, ref: str) -> None:
        self.config, self.grid = collected.config, collected.grid
        self.scope_type = scope_type
        self.ref = self.config.id if scope_type is ScopeType.PROJECT_TOTAL else ref
        self._session = session
        self._read: dict[str, ValueCounts] = {}

    def columns(self) -> list[str]:
        """The columns with counts of any time, sorted, without that of app versions."""
        found = breakdown_repository.breakdown_columns(self._session, self.config.id, self.scope_type, self.ref)
        return [column for column in found if column != self.config.app_version_column]

    def of(self, column: str) -> ValueCounts:
        """The column's values on the scan's grid."""
        found = self._read.get(column)
        if found is None:
            found = self._read[column] = self._counts(self.grid, column)
        return found

    def within(self, grid: Grid, column: str) -> ValueCounts:
        """The column's values on another grid of the scan: cut out where they were read already. Values may count nothing there."""
        known = self._read.get(column)
        if known is not None and grid.buckets:
            first = bisect_left(self.grid.buckets, grid.buckets[0])
            stop = first + len(grid.buckets)
            if self.grid.buckets[first:stop] == grid.buckets:
                return {value: counts[first:stop] for value, counts in known.items()}
        return self._counts(grid, column)

    def _counts(self, grid: Grid, column: str) -> ValueCounts:
        return breakdown_repository.value_counts(self._session, self.config.id, self.scope_type, self.ref, grid, column)
