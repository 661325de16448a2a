"""Reading any base query on any warehouse (contract 4.3 to 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.metrics.recording import BreakdownRow
from app.plan import service as plan
from app.plan.contracts import PlanIdentities, SyncResult
from app.plan.sync import MOST_CREATIONS_PER_PASS
from app.scans import summaries
from app.scans.catalog import PlanSide, ReadCatalog, read_catalog
from app.scans.config_rules import DEFAULT_KEEP_RELEASES
from app.scans.contracts import ScanFailure
from app.scans.counting import (
    CollectedCounts,
    CountedValue,
    broken_down,
    collect,
    distributed,
    folded,
    top_values,
)
from app.scans.layout import Layout, lay_out
from app.scans.naming import Naming, Row
from app.scans.readers import bounded_by
from app.scans.repository import configs
from app.scans.runs import Run
from app.scans.templates import Template
from app.scans.values import stored_text
from app.scans.versions import newest_versions
from app.scans.windows import Window
from app.warehouse.contracts import Arrivals, GroupKey, JsonPathSample, ScanQuery, SqlWarehouse, TimeWindow, TooManyRows, Value
from app.warehouse.rollup_contracts import CountedBucket


@dataclass(slots=True)
class SqlReader:
    """Any base query (contract 4.3 to 5.5)."""

    run: Run
    warehouse: SqlWarehouse
    layout: Layout
    side: PlanSide
    catalog: ReadCatalog | None = None
    naming: Naming | None = None
    identities: PlanIdentities = field(default_factory=lambda: PlanIdentities({}, {}))
    own_columns: dict[str, set[str]] = field(default_factory=dict)
    kept_values: dict[str, Sequence[Value]] = field(default_factory=dict)
    kept_versions: frozenset[str] = frozenset()
    window: TimeWindow | None = None

    @classmethod
    def open(cls, run: Run, warehouse: SqlWarehouse, side: PlanSide) -> SqlReader:
        """Look at the query's columns first. Errors: ScanFailure for a config that does not fit them, as SqlWarehouse."""
        columns = warehouse.columns(ScanQuery(run.config.base_query, timeout_seconds=run.connection.timeout_seconds))
        return cls(run, warehouse, lay_out(columns, run.config), side)

    @property
    def query(self) -> ScanQuery:
        """What the catalog sync asks for."""
        seconds = self.run.connection.timeout_seconds
        return self.layout.query(self.run.config, row_limit=self.run.scan_row_limit, timeout_seconds=seconds)

    def arrivals(self, after: datetime | None) -> Arrivals | None:
        """As Reader."""
        return self.warehouse.arrivals(self.query, after) if self.layout.time is not None else None

    def look(self, window: Window | None, now: datetime) -> None:
        """As Reader; a look-back of the config widens the window."""
        reach = self._reach(window, now)
        try:
            groups = self.warehouse.groups(self.query, reach)
        except TooManyRows as excess:
            raise ScanFailure(
                f"The scan found more than {excess.limit} distinct rows. Raise scan_row_limit of this scan, shorten its look-back, "
                "or select fewer columns."
            ) from None
        samples: Mapping[str, Sequence[JsonPathSample]] = {}
        if self.layout.json_columns:
            samples = self.warehouse.preview(self.query, reach, limit=1, with_json_paths=True).json_paths
        self.catalog = read_catalog(
            groups, self.query, self.layout, self.run.config, self.side,
            known=stored_templates(self.run.naming), samples=samples,
        )  # fmt: skip

    def sync(self, session: Session, now: datetime) -> dict[str, object]:
        """As Reader."""
        catalog = self.catalog
        assert catalog is not None
        result = plan.apply_scanned_catalog(session, self.run.project_id, catalog.scanned)
        drift_count = plan.record_drifts(session, self.run.project_id, self.run.config_id, catalog.drifts, now)
        config = configs.lock_config(session, self.run.config_id)
        if config is not None:
            config.naming = stored_naming(catalog.naming)
        return scanned_keys(result, catalog, drift_count)

    def prepare_counting(self, session: Session, window: Window) -> None:
        """As Reader."""
        self.identities = plan.plan_identities(session, self.run.project_id)
        self.naming = self._current_naming()
        self.window = TimeWindow(window.start, window.stop)
        self.own_columns = {}
        for event_id, columns in plan.own_breakdown_columns(session, self.run.project_id).items():
            for column in columns:
                if self.layout.is_plain(column) and column not in self.layout.breakdown_columns:
                    self.own_columns.setdefault(column, set()).add(event_id)

    def count(self, piece: Window) -> CollectedCounts:
        """As Reader."""
        naming, interval = self.naming, self.run.interval
        assert naming is not None and interval is not None
        query = naming.counting_query(self.query, row_limit=self.run.row_limit)
        reach = TimeWindow(piece.start, piece.stop)
        name = self._namer(query)
        counted = [
            CountedBucket(*name(row.key), row.bucket, row.count)
            for row in bounded_by(self.run.row_limit, piece, lambda: self.warehouse.bucket_counts(query, reach, interval))
        ]
        collected = collect(self.run.config_id, piece, interval, counted, self.identities)
        for column in self.layout.breakdown_columns:
            values = self._values(query, column, piece, self._kept(query, column))
            collected.breakdowns.extend(broken_down(self.run.config_id, column, values, self.identities))
        for column, events in self.own_columns.items():
            collected.breakdowns.extend(self._own_breakdown(query, column, events, piece))
        if self.layout.app_version_column is not None:
            collected.breakdowns.extend(self._versions(query, self.layout.app_version_column, piece))
        for column in self.layout.distribution_columns:
            values = self._values(query, column, piece, None)
            collected.distributions.extend(distributed(column, values, self.identities))
        return collected

    @property
    def tells_arrivals(self) -> bool:
        """As Reader."""
        return self.run.connection.is_builtin

    @property
    def leaves_types_out(self) -> bool:
        """As Reader."""
        return self.catalog is not None and bool(self.catalog.skipped_types)

    def close(self) -> None:
        """As Reader."""
        self.warehouse.close()

    def _reach(self, window: Window | None, now: datetime) -> TimeWindow | None:
        if self.layout.time is None:
            return None
        hours = self.run.config.scan_lookback_hours
        since = None if hours is None else hours_before(now, hours)
        if window is None:
            return None if since is None else TimeWindow(since, now)
        return TimeWindow(min(window.start, since or window.start), max(now, window.stop))

    def _current_naming(self) -> Naming:
        if self.catalog is not None:
            return self.catalog.naming
        config = self.run.config
        fields = {name: frozenset(one.name for one in target.fields) for name, target in self.side.targets.items()}
        return Naming(
            self.layout, config.event_name_format, self.side.fixed_event_type, fields, stored_templates(self.run.naming),
            tuple(config.event_group_rules),
        )  # fmt: skip

    def _namer(self, query: ScanQuery) -> Callable[[GroupKey], tuple[str, str]]:
        naming, read = self.naming, Row.reader(query)
        assert naming is not None
        known: dict[GroupKey, tuple[str, str]] = {}

        def name(key: GroupKey) -> tuple[str, str]:
            found = known.get(key)
            if found is None:
                named = naming.named(read(key))
                found = known[key] = (named.event_type, named.name)
            return found

        return name

    def _kept(self, query: ScanQuery, column: str) -> Sequence[Value] | None:
        """The values with a series of their own, ranked once over the whole collection window."""
        limit = self.run.config.metric_breakdown_values_limit
        if limit is None:
            return None
        if column not in self.kept_values:
            assert self.window is not None
            self.kept_values[column] = self.warehouse.top_values(query, column, self.window, limit)
        return self.kept_values[column]

    def _values(self, query: ScanQuery, column: str, piece: Window, keep: Sequence[Value] | None) -> list[CountedValue]:
        interval, name = self.run.interval, self._namer(query)
        assert interval is not None
        reach = TimeWindow(piece.start, piece.stop)
        rows = bounded_by(self.run.row_limit, piece, lambda: self.warehouse.breakdown_counts(query, column, keep, reach, interval))
        return [CountedValue(*name(row.key), row.bucket, stored_text(row.value), row.is_other, row.count) for row in rows]

    def _own_breakdown(self, query: ScanQuery, column: str, events: set[str], piece: Window) -> list[BreakdownRow]:
        values = self._values(query, column, piece, None)
        limit = self.run.config.metric_breakdown_values_limit
        if limit is not None:
            of_event: dict[tuple[str, str], list[CountedValue]] = {}
            for value in values:
                of_event.setdefault((value.event_type, value.event_name), []).append(value)
            kept = {identity: top_values(rows, limit) for identity, rows in of_event.items()}
            values = folded(values, lambda row: row.value in kept[(row.event_type, row.event_name)])
        return broken_down(self.run.config_id, column, values, self.identities, events=events)

    def _versions(self, query: ScanQuery, column: str, piece: Window) -> Iterable[BreakdownRow]:
        values = self._values(query, column, piece, None)
        if not self.kept_versions:
            assert self.window is not None
            every = {row.value for row in values}
            if (piece.start, piece.stop) != (self.window.start, self.window.stop):
                # The whole window has more rows than a piece may have, but not more versions.
                found = self.warehouse.top_values(query, column, self.window, self.run.row_limit)
                every = {stored_text(value) for value in found}
            keep = self.run.config.app_version_keep_releases or DEFAULT_KEEP_RELEASES
            self.kept_versions = frozenset(newest_versions(every, keep))
        kept = folded(values, lambda row: row.value in self.kept_versions)
        return broken_down(self.run.config_id, column, kept, self.identities)


def stored_naming(naming: Naming) -> dict[str, object]:
    """What later windows need of the naming, as JSON."""
    return {
        "templates": {
            event_type: {column: template.as_stored() for column, template in columns.items()}
            for event_type, columns in naming.templates.items()
        }
    }


def stored_templates(stored: Mapping[str, Any]) -> dict[str, dict[str, Template]]:
    """The templates that the config keeps."""
    return {
        event_type: {column: Template.from_stored(template) for column, template in columns.items()}
        for event_type, columns in stored.get("templates", {}).items()
    }


def scanned_keys(result: SyncResult, catalog: ReadCatalog, drift_count: int) -> dict[str, object]:
    """The catalog sync's part of the summary."""
    keys = summaries.catalog_keys(result, creation_limit=MOST_CREATIONS_PER_PASS)
    return {
        **summaries.with_drifts(keys, drift_count, catalog.notes),
        "events_grouped": catalog.grouped_count,
        "variables_created": result.variables_created,
        "columns_analyzed": catalog.column_count,
    }


def hours_before(now: datetime, hours: int) -> datetime:
    """The start of a look-back."""
    # The earliest instants that warehouses keep; a look-back beyond them means everything.
    longest = int((now - datetime(1971, 1, 1, tzinfo=now.tzinfo)) / timedelta(hours=1))
    return now - timedelta(hours=min(hours, longest))
