"""A project with a scan of a table in memory: a SqlWarehouse whose rows are dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.kernel.intervals import floor_to_bucket
from app.plan.service import main_branch_id
from app.scans import service as scans
from app.scans.config_rules import ConfigDraft
from app.scans.drafts import stored_values
from app.scans.runs import RunTools
from app.warehouse.contracts import (
    BreakdownCount,
    BucketCount,
    Column,
    ColumnKind,
    Group,
    GroupKey,
    JsonPath,
    JsonPathSample,
    Preview,
    TimeKind,
    TooManyRows,
)
from models.metrics import MetricBreakdown, MetricDistribution
from models.plan import Event
from models.plan_drifts import SchemaDrift
from models.plan_entities import EventFieldValue, FieldDefinition, Variable, VariableContext
from models.scans import DataSource, ScanConfig, ScanJob
from tests.factories import make_event_type
from tests.integration.scans_workbench import Workbench


@dataclass
class TableInMemory:
    """Rows with their counts; every statement that was asked is remembered."""

    columns_: list[Column]
    rows: list[dict[str, Any]] = field(default_factory=list)
    fail_with: Exception | None = None
    asked: list[str] = field(default_factory=list)
    on_ask: dict[str, Callable[[], None]] = field(default_factory=dict)
    is_closed: bool = False

    def add(self, count: int = 1, **values: Any) -> None:
        self.rows += [values] * count

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.on_ask:
            self.on_ask[what]()
        if self.fail_with is not None:
            raise self.fail_with

    def columns(self, query):
        self._ask("columns")
        return self.columns_

    def _within(self, query, window):
        if window is None:
            return self.rows
        moments = [(row, row.get(query.time.name)) for row in self.rows]
        return [row for row, at in moments if at is not None and window.start <= at < window.stop]

    @staticmethod
    def _key(query, row) -> GroupKey:
        def paths(value, prefix=""):
            for key, inner in value.items():
                if isinstance(inner, dict):
                    yield from paths(inner, f"{prefix}{key}.")
                else:
                    yield prefix + key

        def found(path):
            value = row.get(path.column)
            for key in path.keys:
                value = value.get(key) if isinstance(value, dict) else None
            return None if value is None else str(value)

        return GroupKey(
            tuple(row.get(name) for name in query.group_columns),
            tuple(tuple(sorted(paths(row[name]))) if row.get(name) is not None else None for name in query.json_columns),
            tuple(found(path) for path in query.json_value_paths),
        )

    @staticmethod
    def _bounded(query, rows):
        if len(rows) > query.row_limit:
            raise TooManyRows(query.row_limit)
        return rows

    def groups(self, query, window):
        self._ask("groups")
        counts, last = Counter(), {}
        for row in self._within(query, window):
            key = self._key(query, row)
            counts[key] += 1
            if query.time:
                last[key] = max(row[query.time.name], last.get(key, row[query.time.name]))
        return self._bounded(query, [Group(key, count, last.get(key)) for key, count in counts.most_common()])

    def bucket_counts(self, query, window, interval):
        self._ask("bucket_counts")
        counts = Counter(
            (floor_to_bucket(row[query.time.name], interval), self._key(query, row)) for row in self._within(query, window)
        )
        return self._bounded(query, [BucketCount(*key, count) for key, count in counts.items()])

    def top_values(self, query, column, window, limit):
        self._ask("top_values")
        counts = Counter("" if row[column] is None else row[column] for row in self._within(query, window))
        return [value for value, _ in sorted(counts.items(), key=lambda entry: (-entry[1], str(entry[0])))[:limit]]

    def breakdown_counts(self, query, column, keep, window, interval):
        self._ask(f"breakdown_counts {column}")
        counts = Counter()
        for row in self._within(query, window):
            value = "" if row[column] is None else row[column]
            is_other = keep is not None and value not in keep
            bucket = floor_to_bucket(row[query.time.name], interval)
            counts[(bucket, self._key(query, row), "Other" if is_other else value, is_other)] += 1
        return self._bounded(query, [BreakdownCount(*key, count) for key, count in counts.items()])

    def preview(self, query, window, *, limit, with_json_paths):
        self._ask("preview")
        rows = self._within(query, window)
        found = {}
        for column in self.columns_ if with_json_paths else ():
            if column.kind is ColumnKind.JSON:
                keys = sorted({key for row in rows for key in row.get(column.name) or {}})
                found[column.name] = tuple(
                    JsonPathSample(
                        JsonPath(column.name, (key,)),
                        tuple(sorted({str(row[column.name][key]) for row in rows if key in (row.get(column.name) or {})})[:3]),
                    )
                    for key in keys
                )
        return Preview(tuple(self.columns_), tuple(rows[:limit]), found)

    def arrivals(self, query, after):
        return None

    def close(self) -> None:
        self.is_closed = True


def column(name: str, type_name: str = "text", kind: ColumnKind = ColumnKind.SCALAR, time_kind: TimeKind | None = None) -> Column:
    return Column(name, type_name, True, kind, time_kind)


AT = column("at", "timestamp with time zone", time_kind=TimeKind.INSTANT)
DEFAULT = ConfigDraft(name="Visits", base_query="SELECT * FROM visits", event_type_column="kind")


class SqlWorkbench(Workbench):
    """The workbench with one scan of `table`; its draft is the test's."""

    def __init__(self, engine: sa.Engine, *columns: Column, **config: Any) -> None:
        super().__init__(engine)
        self.table = TableInMemory(list(columns))
        draft = replace(DEFAULT, **config)
        with self.transaction() as session:
            session.get_one(ScanConfig, self.config_id).is_paused = True  # the built-in scan keeps out of the way
            source = DataSource(name="Warehouse", db_type="postgres")
            session.add(source)
            session.flush()
            self.source_id = source.id
            row = ScanConfig(project_id=self.project.id, data_source_id=source.id, **stored_values(draft))
            session.add(row)
            session.flush()
            self.config_id = row.id

    @property
    def tools(self) -> RunTools:
        return replace(super().tools, open_sql=lambda connection: self.table)

    def add_scan(self, name: str, **changes: Any) -> str:
        """Another scan of the same table like the first, with these attributes changed."""
        with self.transaction() as session:
            like = session.get_one(ScanConfig, self.config_id).model_dump()
            own = ("id", "collected_until", "received_until", "naming", "created_at", "updated_at")
            kept = {key: value for key, value in like.items() if key not in own}
            row = ScanConfig(**{**kept, "name": name, **changes})
            session.add(row)
            session.flush()
            return row.id

    def add_type(self, name: str, /, **fields: Any) -> str:
        """An event type with fields: `url="string"`, or a dictionary of the definition's attributes."""
        with self.transaction() as session:
            main_branch_id(session, self.project.id)
            event_type = make_event_type(session, self.project, name=name)
            for order, (field_name, spec) in enumerate(fields.items()):
                attributes = {"field_type": spec} if isinstance(spec, str) else spec
                session.add(
                    FieldDefinition(
                        event_type_id=event_type.id, name=field_name, display_name=field_name, order=order, **attributes
                    )
                )
            return event_type.id

    def dispatch(self) -> ScanJob:
        """A scheduled collection, to its end."""
        with self.transaction() as session:
            scans.create_due_jobs(session, self.clock.now())
        return self.work()

    def rows_of(self, model: Any) -> list[Any]:
        with self.transaction(write=False) as session:
            return list(session.execute(sa.select(model)).scalars())

    def values(self) -> dict[str, dict[str, str]]:
        """Field values by event name."""
        with self.transaction(write=False) as session:
            found: dict[str, dict[str, str]] = {}
            rows = session.execute(
                sa.select(Event.name, FieldDefinition.name, EventFieldValue.value)
                .join(EventFieldValue, EventFieldValue.event_id == Event.id)
                .join(FieldDefinition, FieldDefinition.id == EventFieldValue.field_definition_id)
            )
            for event, name, value in rows:
                found.setdefault(event, {})[name] = value
            return found

    def names(self) -> set[str]:
        return {name for _, name in self.events()}

    def variables(self) -> dict[str, Variable]:
        return {variable.source_name or variable.name: variable for variable in self.rows_of(Variable)}

    def contexts(self) -> list[VariableContext]:
        return self.rows_of(VariableContext)

    def drifts(self) -> set[tuple[str, str]]:
        return {(drift.field_name, drift.drift_type) for drift in self.rows_of(SchemaDrift)}

    def breakdowns(self, scope_type: str = "event") -> Counter:
        """Counts by (column, value, is_other), all buckets together."""
        counts = Counter()
        for row in self.rows_of(MetricBreakdown):
            if row.scope_type == scope_type:
                counts[(row.breakdown_column, row.breakdown_value, row.is_other)] += row.count
        return counts

    def distributions(self) -> dict[str, int]:
        counts = Counter()
        for row in self.rows_of(MetricDistribution):
            counts[row.value] += row.count
        return dict(counts)

    def moment(self, hours: float = 1) -> datetime:
        """An instant so many hours before the last full hour."""
        return self.clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
