"""What one HTTP request asks of the embedded engine, sorted into queries and inserts before the engine sees any of it.

The engine runs several statements in one string, reads data behind an INSERT as further statements after a blank line,
and drops the rows of `INSERT ... FROM input()` without an error. None of these forms passes here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48

_INSERT = re.compile(r"\s*INSERT\b", re.IGNORECASE)
_TABLE = r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?[\w.`\"]+\s*(?:\([^()]*\))?"
_INSERT_DATA = re.compile(
    rf"(?P<target>{_TABLE})(?P<settings>\s+SETTINGS\s[^()]*?)?\s*\bFORMAT\s+(?P<format>[A-Za-z]+)\s*", re.IGNORECASE
)
_INSERT_FILE = re.compile(
    rf"(?P<target>{_TABLE})\s+FROM\s+INFILE\s+'(?P<file>[A-Za-z0-9_-]{{1,200}})'\s+FORMAT\s+(?P<format>[A-Za-z]+)", re.IGNORECASE
)
_INSERT_SELECT = re.compile(rf"{_TABLE}(?:\s+SETTINGS\s[^()]*?)?\s*\b(?:SELECT|WITH)\b", re.IGNORECASE)
_INPUT_FUNCTION = re.compile(r"\binput\s*\(", re.IGNORECASE)
_OUTPUT_FORMAT = re.compile(r"\bFORMAT\s+([A-Za-z]\w*)\s*$", re.IGNORECASE)


class Refused(Exception):
    """A form of statement that the front does not hand to the engine; `code` is ClickHouse's error code for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Query:
    """One statement without data; `output_format` is what its answer is written in."""

    sql: str
    output_format: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for a table. `data` is never part of a statement; with `file` the rows lie under that name in the handover folder."""

    target: str
    settings: str
    input_format: str
    data: bytes
    file: str = ""


def read_statement(query: str, body: bytes, default_format: str) -> Query | Insert:
    """Sort a request: `query` from the address, `body` as sent. Raises Refused."""
    if query:
        if body:
            return _insert(query, body)
        return _query(query, default_format)
    head, _, data = body.partition(b"\n")
    if _INSERT_DATA.fullmatch(_text(head[:65_536])):
        return _insert(_text(head), data)
    return _query(_text(body), default_format)


def _insert(statement: str, data: bytes) -> Insert:
    statement = _single(statement)
    match = _INSERT_DATA.fullmatch(statement)
    if match is None:
        raise Refused(NOT_IMPLEMENTED, "data is taken only for INSERT INTO table (columns) FORMAT name")
    return Insert(match["target"].strip(), (match["settings"] or "").strip(), match["format"], data)


def _query(statement: str, default_format: str) -> Query | Insert:
    statement = _single(statement)
    if _INSERT.match(statement):
        if match := _INSERT_FILE.fullmatch(statement):
            return Insert(match["target"].strip(), "", match["format"], b"", match["file"])
        if _INPUT_FUNCTION.search(statement):
            raise Refused(NOT_IMPLEMENTED, "INSERT ... FROM input() loses its rows in the embedded engine")
        if not _INSERT_SELECT.match(statement):
            raise Refused(NOT_IMPLEMENTED, "rows are sent after INSERT INTO table (columns) FORMAT name and a line end")
        return Query(statement, "TabSeparated")
    match = _OUTPUT_FORMAT.search(statement)
    return Query(statement, match[1] if match else default_format)


def _single(statement: str) -> str:
    # Refusing every semicolon, also one inside a text literal, needs no second opinion on how the engine reads
    # comments and quotes. Values with semicolons travel as bound parameters.
    statement = statement.strip().removesuffix(";").rstrip()
    if not statement:
        raise Refused(SYNTAX_ERROR, "empty statement")
    if ";" in statement:
        raise Refused(SYNTAX_ERROR, "one statement at a time; pass values with a semicolon as parameters")
    return statement


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refused(SYNTAX_ERROR, "the statement is not UTF-8") from None
