"""PostgreSQL's way of saying things."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from app.kernel.intervals import Interval
from app.warehouse.contracts import Column, JsonPath, TimeColumn, TimeKind, TimeWindow, Value
from app.warehouse.dialect import Dialect, Statement

_TEXT = frozenset({"text", "character varying", "character", "name", '"char"', "citext"})
_PLAIN = _TEXT | frozenset(
    {
        "boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric", "date", "uuid", "bytea",
        "timestamp without time zone", "timestamp with time zone",
    }
)  # fmt: skip
_COMPARABLE = _TEXT | frozenset({"boolean", "smallint", "integer", "bigint", "numeric", "date", "uuid"})


class PostgresDialect(Dialect):
    """For psycopg, whose parameters make a percent sign special in everything else."""

    def quoted(self, name: str) -> str:
        """Double quotes, doubled inside."""
        return '"' + name.replace('"', '""').replace("%", "%%") + '"'

    def embedded(self, base_query: str) -> str:
        """As Dialect."""
        return super().embedded(base_query.replace("%", "%%"))

    def scalar(self, column: Column) -> str:
        """As Dialect."""
        name = self.column(column.name)
        return name if _bare(column) in _PLAIN else f"{name}::text"

    def breakdown_value(self, column: Column) -> str:
        """As Dialect."""
        name = self.column(column.name)
        kind = _bare(column)
        if kind in _COMPARABLE - _TEXT:
            return name
        return f"coalesce({name}::text, '')"

    def one_of(self, statement: Statement, column: Column, values: Sequence[Value]) -> str:
        """As Dialect."""
        expression = self.breakdown_value(column)
        is_text = _bare(column) not in _COMPARABLE - _TEXT
        given = [value for value in values if is_text or value != ""]
        parameter, cast = statement.next_name(), ""
        if _bare(column) == "date":
            # Some of them are text, such as infinity; the server reads both spellings.
            given, cast = [str(value) for value in given], "::date[]"
        statement.parameters[parameter] = given
        found = f"({expression} = ANY(%({parameter})s{cast}) AND {expression} IS NOT NULL)" if given else "false"
        if not given:
            del statement.parameters[parameter]
        return found if is_text or "" not in values else f"({found} OR {expression} IS NULL)"

    def json_paths(self, column: Column) -> str:
        """Keys of the outermost object."""
        name = f"{self.column(column.name)}::jsonb"
        keys = f"SELECT coalesce(json_agg(k ORDER BY k COLLATE \"C\")::text, '[]') FROM jsonb_object_keys({name}) AS k"
        return f"CASE WHEN jsonb_typeof({name}) = 'object' THEN ({keys}) END"

    def json_value(self, statement: Statement, column: Column, path: JsonPath) -> str:
        """As Dialect."""
        parameter = statement.next_name()
        statement.parameters[parameter] = list(path.keys)
        return f"({self.column(column.name)}::jsonb #>> %({parameter})s::text[])"

    def json_text(self, column: Column) -> str:
        """As Dialect."""
        return f"{self.column(column.name)}::text"

    def within(self, statement: Statement, time: TimeColumn, window: TimeWindow) -> str:
        """As Dialect."""
        name = self.column(time.name)
        start, stop = window.start.astimezone(UTC), window.stop.astimezone(UTC)
        if time.kind is not TimeKind.INSTANT:
            start, stop = start.replace(tzinfo=None), stop.replace(tzinfo=None)
        if time.kind is TimeKind.DATE:
            name = f"{name}::timestamp"
        first = statement.next_name()
        statement.parameters[first] = start
        last = statement.next_name()
        statement.parameters[last] = stop
        return f"{name} >= %({first})s AND {name} < %({last})s"

    def bucket(self, time: TimeColumn, interval: Interval) -> str:
        """As Dialect."""
        anchor = int(interval.anchor.timestamp())
        epoch = f"extract(epoch FROM {self.column(time.name)})"
        return f"(floor(({epoch} - {anchor}) / {interval.seconds}) * {interval.seconds} + {anchor})::bigint"

    def latest(self, time: TimeColumn) -> str:
        """As Dialect."""
        name = self.column(time.name)
        return f"(extract(epoch FROM max({name}) FILTER (WHERE isfinite({name}))) * 1000000)::bigint"

    def tie_order(self, expression: str, column: Column) -> str:
        """As Dialect."""
        is_text = _bare(column) not in _COMPARABLE - _TEXT
        return f'{expression} COLLATE "C" NULLS FIRST' if is_text else f"{expression} NULLS FIRST"


def _bare(column: Column) -> str:
    """The type without its length."""
    return column.type_name.partition("(")[0].strip()
