"""What the scan queries need to know of a database: how it quotes, compares, buckets and reads JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.kernel.intervals import Interval
from app.warehouse.contracts import Column, JsonPath, TimeColumn, TimeWindow, Value

SOURCE = "plumbline_source"
"""The name of the base query inside of every generated statement."""


@dataclass(slots=True)
class Statement:
    """A statement in the making; `parameters` are in the driver's own form."""

    parameters: dict[str, Any] = field(default_factory=dict)
    sql: str = ""

    def next_name(self) -> str:
        """A parameter name nothing has yet."""
        return f"plumbline_{len(self.parameters)}"


class Dialect(ABC):
    """One database's way of saying things. Every name is quoted, every value travels as a parameter or is a number of ours."""

    count = "count(*)"

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A name that somebody typed."""

    def column(self, name: str) -> str:
        """A column of the base query."""
        return f"{SOURCE}.{self.quoted(name)}"

    def embedded(self, base_query: str) -> str:
        """The base query as the one source of a statement."""
        return f"(\n{base_query}\n) AS {SOURCE}"

    @abstractmethod
    def scalar(self, column: Column) -> str:
        """The column's value in a form that groups and that the driver returns as a plain value."""

    @abstractmethod
    def breakdown_value(self, column: Column) -> str:
        """The column's value as one of a few that are compared with given ones; null texts are empty texts."""

    @abstractmethod
    def one_of(self, statement: Statement, column: Column, values: Sequence[Value]) -> str:
        """Whether the breakdown value is among the values; "" stands for null too."""

    @abstractmethod
    def json_paths(self, column: Column) -> str:
        """The sorted list of paths in a JSON column as JSON text, null where it is no object."""

    @abstractmethod
    def json_value(self, statement: Statement, column: Column, path: JsonPath) -> str:
        """The text at the path; null for null and nothing."""

    @abstractmethod
    def json_text(self, column: Column) -> str:
        """The whole JSON column as text."""

    @abstractmethod
    def within(self, statement: Statement, time: TimeColumn, window: TimeWindow) -> str:
        """Whether a row's event time lies in the half-open window."""

    @abstractmethod
    def bucket(self, time: TimeColumn, interval: Interval) -> str:
        """The bucket's start in whole seconds of the epoch."""

    @abstractmethod
    def latest(self, time: TimeColumn) -> str:
        """The newest event time of a group in microseconds of the epoch."""

    def tie_order(self, expression: str, column: Column) -> str:
        """An order of values that is the same in every database: texts by code point, null first."""
        del column
        return f"{expression} NULLS FIRST"


def micros(moment: datetime) -> int:
    """Microseconds of the epoch."""
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + moment.microsecond
