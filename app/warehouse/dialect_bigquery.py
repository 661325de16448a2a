"""BigQuery's way of saying things (GoogleSQL)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from app.kernel.intervals import Interval
from app.warehouse.contracts import Column, JsonPath, QueryFailed, TimeColumn, TimeKind, TimeWindow, Value
from app.warehouse.dialect import Dialect, Statement

_PLAIN = frozenset(
    {"STRING", "INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC", "BOOLEAN", "BOOL", "DATE", "DATETIME", "TIMESTAMP"}
)
_COMPARABLE = {"INTEGER": "INT64", "INT64": "INT64", "BOOLEAN": "BOOL", "BOOL": "BOOL", "DATE": "DATE"}
REPEATED = "ARRAY<"


class BigQueryDialect(Dialect):
    """For google-cloud-bigquery; a parameter is a pair of type and value."""

    def quoted(self, name: str) -> str:
        """Backquotes; no name can hold one."""
        if "`" in name or "\\" in name:
            raise QueryFailed("The query names a column that does not exist.", column=name)
        return f"`{name}`"

    def scalar(self, column: Column) -> str:
        """As Dialect."""
        name = self.column(column.name)
        return name if column.type_name in _PLAIN else f"TO_JSON_STRING({name})"

    def breakdown_value(self, column: Column) -> str:
        """As Dialect."""
        name = self.column(column.name)
        if column.type_name in _COMPARABLE:
            return name
        text = f"CAST({name} AS STRING)" if column.type_name in _PLAIN else f"TO_JSON_STRING({name})"
        return f"IFNULL({text}, '')"

    def one_of(self, statement: Statement, column: Column, values: Sequence[Value]) -> str:
        """As Dialect."""
        expression, kind = self.breakdown_value(column), _COMPARABLE.get(column.type_name, "STRING")
        is_text = kind == "STRING"
        placeholders = []
        for value in values:
            if value == "" and not is_text:
                continue
            parameter = statement.next_name()
            statement.parameters[parameter] = (kind, value)
            placeholders.append(f"@{parameter}")
        found = f"IFNULL({expression} IN ({', '.join(placeholders)}), FALSE)" if placeholders else "FALSE"
        return found if is_text or "" not in values else f"({found} OR {expression} IS NULL)"

    def json_paths(self, column: Column) -> str:
        """Keys of the outermost object."""
        name = self._json(column)
        keys = f"TO_JSON_STRING(ARRAY(SELECT k FROM UNNEST(JSON_KEYS({name}, 1)) AS k ORDER BY k))"
        return f"IF(JSON_TYPE({name}) = 'object', {keys}, NULL)"

    def json_value(self, statement: Statement, column: Column, path: JsonPath) -> str:
        """As Dialect."""
        del statement  # a path must be a literal
        place = "'$" + "".join("." + _path_key(key) for key in path.keys) + "'"
        name = self._json(column)
        return f"COALESCE(JSON_VALUE({name}, {place}), NULLIF(TO_JSON_STRING(JSON_QUERY({name}, {place})), 'null'))"

    def json_text(self, column: Column) -> str:
        """As Dialect."""
        return f"TO_JSON_STRING({self.column(column.name)})"

    def within(self, statement: Statement, time: TimeColumn, window: TimeWindow) -> str:
        """As Dialect."""
        first = statement.next_name()
        statement.parameters[first] = ("TIMESTAMP", window.start)
        last = statement.next_name()
        statement.parameters[last] = ("TIMESTAMP", window.stop)
        name = self._moment(time)
        return f"{name} >= @{first} AND {name} < @{last}"

    def bucket(self, time: TimeColumn, interval: Interval) -> str:
        """As Dialect; a DATE holds no hours to tell apart."""
        if time.kind is TimeKind.DATE and interval not in (Interval.DAY, Interval.WEEK):
            raise QueryFailed("A DATE column of BigQuery can be collected by day or by week only.")
        anchor = int(interval.anchor.timestamp())
        seconds = f"UNIX_SECONDS({self._moment(time)})"  # rounds down, also before 1970
        offset = f"MOD(MOD({seconds} - {anchor}, {interval.seconds}) + {interval.seconds}, {interval.seconds})"
        return f"({seconds} - {offset})"

    def latest(self, time: TimeColumn) -> str:
        """As Dialect."""
        return f"UNIX_MICROS(MAX({self._moment(time)}))"

    def _moment(self, time: TimeColumn) -> str:
        name = self.column(time.name)
        return name if time.kind is TimeKind.INSTANT else f"TIMESTAMP({name})"

    def _json(self, column: Column) -> str:
        name = self.column(column.name)
        return name if column.type_name == "JSON" else f"TO_JSON({name})"


def _path_key(key: str) -> str:
    return json.dumps(key, ensure_ascii=True).replace("\\", "\\\\").replace("'", "\\'")
