"""ClickHouse's way of saying things."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.intervals import Interval
from app.warehouse.contracts import Column, JsonPath, TimeColumn, TimeKind, TimeWindow, Value
from app.warehouse.dialect import Dialect, Statement, micros

_WRAPPERS = ("Nullable(", "LowCardinality(")
_PLAIN = ("Int", "UInt", "Float", "BFloat", "Decimal", "String", "Bool", "Date", "UUID", "Enum")
_COMPARABLE = ("Int", "UInt", "Bool", "UUID", "Date32", "Date")
# One column, many types.
_MIXED = ("Dynamic", "Variant")


class ClickHouseDialect(Dialect):
    """For clickhouse-connect, whose parameters are bound by the server."""

    count = "count()"

    def quoted(self, name: str) -> str:
        """Backquotes; backslash and backquote escaped inside."""
        return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def scalar(self, column: Column) -> str:
        """As Dialect."""
        name, kind = self.column(column.name), bare_type(column.type_name)
        if kind.startswith("FixedString"):
            return f"toStringCutToZero({name})"
        if kind.startswith(_MIXED):
            return f"if(isNull({name}), NULL, toString({name}))"  # the text of their null would be empty
        return name if kind.startswith(_PLAIN) else f"toString({name})"

    def breakdown_value(self, column: Column) -> str:
        """As Dialect."""
        name = self.column(column.name)
        if _is_comparable(column):
            return name
        if bare_type(column.type_name).startswith("FixedString"):
            name = f"toStringCutToZero({name})"
        return f"ifNull(toString({name}), '')"

    def one_of(self, statement: Statement, column: Column, values: Sequence[Value]) -> str:
        """As Dialect."""
        expression = self.breakdown_value(column)
        is_text = not _is_comparable(column)
        kind = "String" if is_text else bare_type(column.type_name)
        placeholders = []
        for value in values:
            if value == "" and not is_text:
                continue
            parameter = statement.next_name()
            statement.parameters[parameter] = value
            placeholders.append(f"{{{parameter}:{kind}}}")
        found = f"ifNull({expression} IN ({', '.join(placeholders)}), 0)" if placeholders else "0"
        return found if is_text or "" not in values else f"({found} OR {expression} IS NULL)"

    def json_paths(self, column: Column) -> str:
        """Paths of the leaves at any depth."""
        name, kind = self.column(column.name), bare_type(column.type_name)
        if kind.startswith("Map("):
            return f"toJSONString(arraySort(mapKeys({name})))"
        if kind.startswith("String"):
            is_object = f"(isValidJSON({name}) AND JSONType({name}) = 'Object')"
            return f"if({is_object}, toJSONString(arraySort(JSONAllPaths(CAST(if({is_object}, {name}, '{{}}') AS JSON)))), NULL)"
        return f"toJSONString(arraySort(JSONAllPaths({name})))"

    def json_value(self, statement: Statement, column: Column, path: JsonPath) -> str:
        """As Dialect."""
        text = self.json_text(column)
        keys = []
        for key in path.keys:
            parameter = statement.next_name()
            statement.parameters[parameter] = key
            keys.append(f"{{{parameter}:String}}")
        place = ", ".join([text, *keys])
        return (
            f"multiIf(JSONType({place}) = 'String', JSONExtractString({place}), "
            f"JSONType({place}) = 'Null' OR JSONExtractRaw({place}) = '', NULL, JSONExtractRaw({place}))"
        )

    def json_text(self, column: Column) -> str:
        """As Dialect."""
        name, kind = self.column(column.name), bare_type(column.type_name)
        if kind.startswith("String"):
            return name
        return f"toJSONString({name})"

    def within(self, statement: Statement, time: TimeColumn, window: TimeWindow) -> str:
        """As Dialect."""
        del statement  # numbers of ours need no parameter
        name = self._moment(time) if time.kind is TimeKind.DATE else self.column(time.name)
        first, last = (f"fromUnixTimestamp64Micro({micros(edge)}, 'UTC')" for edge in (window.start, window.stop))
        return f"{name} >= {first} AND {name} < {last}"

    def bucket(self, time: TimeColumn, interval: Interval) -> str:
        """As Dialect."""
        moment = f"toUnixTimestamp64Micro({self._moment(time)})"
        width, anchor = interval.seconds * 1_000_000, micros(interval.anchor)
        return f"intDiv({moment} - positiveModulo({moment} - {anchor}, {width}), 1000000)"

    def latest(self, time: TimeColumn) -> str:
        """As Dialect."""
        return f"toUnixTimestamp64Micro(max(toDateTime64({self.column(time.name)}, 6, 'UTC')))"

    def _moment(self, time: TimeColumn) -> str:
        # The window lets no null through; assuming so keeps every expression above free of null types.
        return f"assumeNotNull(toDateTime64({self.column(time.name)}, 6, 'UTC'))"


def bare_type(name: str) -> str:
    """The type inside of Nullable and LowCardinality."""
    while name.startswith(_WRAPPERS) and name.endswith(")"):
        name = name.partition("(")[2][:-1]
    return name


def _is_comparable(column: Column) -> bool:
    kind = bare_type(column.type_name)
    return kind.startswith(_COMPARABLE) and not kind.startswith(("DateTime", "Interval"))
