"""A read-only connection to ClickHouse over HTTP: every statement read-only, with bounds on time, memory and answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3.exceptions import HTTPError

from app.warehouse.contracts import QueryFailed, SourceConnection, TooManyRows
from app.warehouse.faults import CONNECT_SECONDS, ConnectionFault, FaultKind, fault_of, reach
from app.warehouse.tables import MOST_COLUMNS, Table, tables_of

DEFAULT_PORT = 8123
MOST_MEMORY_BYTES = 8_000_000_000
MOST_RESULT_BYTES = 1_000_000_000

_TABLES = f"""
SELECT table, name, type FROM system.columns WHERE database = currentDatabase() AND table NOT LIKE '.inner%'
ORDER BY table, position LIMIT {MOST_COLUMNS}
"""

_TOO_MANY_ROWS = 396
_UNKNOWN_COLUMN = frozenset({10, 16, 47})
_UNKNOWN_DATABASE = 81
_LINK_CODES = {
    **dict.fromkeys((192, 193, 194, 516), FaultKind.AUTH),
    _UNKNOWN_DATABASE: FaultKind.DATABASE,
    202: FaultKind.BUSY,
    **dict.fromkeys((209, 210), FaultKind.LOST),
}
_SENTENCES = {
    **dict.fromkeys((159, 160), "The query took longer than the data source's time limit allows."),
    **dict.fromkeys((164,), "The query tries to change data. Only reading is possible."),
    _UNKNOWN_DATABASE: "The query names a database that does not exist.",
    **dict.fromkeys((60,), "The query names a table that does not exist."),
    **dict.fromkeys((241, 307, 158, 198), "The query needs more memory or reads more than the server allows."),
    **dict.fromkeys((291, 497), "The data source's user may not read what the query names."),
    **dict.fromkeys((36, 42, 43, 44, 46, 48, 62, 63, 179, 184, 215, 352, 386), "The query is not valid in this database."),
    **dict.fromkeys(
        (6, 27, 38, 41, 53, 69, 70, 72, 117, 153, 321, 349, 407), "A value could not be converted while the query ran."
    ),
}
_COLUMN = re.compile(r"(?:identifier|columns?:?)\s+[`'\"]([^`'\"]+)[`'\"]")
_DRIVER_CODE = re.compile(r"Code: (\d+)")
_ADDRESS = re.compile(
    r"""https?://[^\s'")]+|\bhost=(?:'[^']*'|"[^"]*")|\bwith url: \S+|\bconnection to \S+|(?<=\bresolve )'[^']*'""", re.IGNORECASE
)
_NO_ENTRY = re.compile(r"(?<![:=])\b40[13]\b")  # a status, not a port


class ClickHouseLink:
    """One connection. Errors of every method: ConnectionFault, QueryFailed. `more_settings` go with every statement."""

    def __init__(
        self, connection: SourceConnection, timeout_seconds: float, more_settings: Mapping[str, str] | None = None, *,
        is_ours: bool = False,
    ) -> None:  # fmt: skip
        self._more = dict(more_settings or {})
        self._limit = timeout_seconds
        self._pool = get_pool_manager(maxsize=2, num_pools=1, verify=bool_param(connection.extra_params, "verify", default=True))
        self._client = self._open(connection, timeout_seconds, is_ours=is_ours)
        # A user who may only read can have a profile in which nothing can be set; what the server fixes is left as it is.
        self._fixed = {name for name, entry in self._client.server_settings.items() if entry.readonly}

    def rows(self, sql: str, parameters: Mapping[str, Any], *, most: int, timeout_seconds: float) -> list[Sequence[Any]]:
        """The statement's rows; TooManyRows beyond `most`, before they travel."""
        settings = {
            **self._more,
            "max_execution_time": max(1, int(timeout_seconds)),
            "timeout_overflow_mode": "throw",
            "max_memory_usage": MOST_MEMORY_BYTES,
            "max_result_rows": most,
            "max_result_bytes": MOST_RESULT_BYTES,
            "result_overflow_mode": "throw",
            "cancel_http_readonly_queries_on_client_close": 1,
            "readonly": 1,
        }
        sent = {name: value for name, value in settings.items() if name not in self._fixed}
        with self._translating(most):
            result = self._client.query(sql, parameters=dict(parameters) or None, settings=sent)
            found = list(result.result_rows)
        if len(found) > most:
            raise TooManyRows(most)
        return found

    def describe(self, sql: str, *, timeout_seconds: float) -> list[tuple[str, str]]:
        """Names and types of the answer's columns; reads no row."""
        found = self.rows(f"DESCRIBE TABLE ({sql})", {}, most=MOST_COLUMNS, timeout_seconds=timeout_seconds)
        return [(str(row[0]), str(row[1])) for row in found]

    def tables(self) -> list[Table]:
        """Tables and views of the connection's database that the user may see."""
        return tables_of(self.rows(_TABLES, {}, most=MOST_COLUMNS, timeout_seconds=self._limit))  # type: ignore[arg-type]

    def check(self) -> None:
        """A trivial query."""
        self.rows("SELECT 1", {}, most=1, timeout_seconds=self._limit)

    def close(self) -> None:
        """Give the connection back; never raises."""
        self._client.close()
        self._pool.clear()

    def _open(self, connection: SourceConnection, timeout_seconds: float, *, is_ours: bool) -> Client:
        port = connection.port or DEFAULT_PORT
        if not is_ours:
            reach(connection.host, port)
        is_secure = bool_param(connection.extra_params, "secure", default=port in (443, 8443))
        with self._translating(0, is_opening=True):
            return clickhouse_connect.get_client(
                host=connection.host,
                port=port,
                username=connection.username or "default",
                password=connection.password,
                database=connection.database_name or "default",
                interface="https" if is_secure else "http",
                verify=bool_param(connection.extra_params, "verify", default=True),
                compress=not is_ours,
                connect_timeout=CONNECT_SECONDS,
                send_receive_timeout=int(timeout_seconds) + 10,
                query_retries=0,
                autogenerate_session_id=False,
                pool_mgr=self._pool,
            )

    @contextmanager
    def _translating(self, most: int, *, is_opening: bool = False) -> Iterator[None]:
        try:
            yield
        except (ClickHouseError, HTTPError, OSError, ValueError) as error:
            raise _translated(error, most, is_opening=is_opening) from None


def bool_param(params: Mapping[str, object], name: str, *, default: bool) -> bool:
    """A switch among the extra parameters; clients send it as a boolean, a number or a word."""
    value = params.get(name)
    if value is None or value == "":
        return default
    return str(value).strip().lower() in ("1", "true", "yes", "on")


def _translated(error: Exception, most: int, *, is_opening: bool) -> Exception:
    code = getattr(error, "code", None)
    text = str(error)
    if not isinstance(code, int):
        match = _DRIVER_CODE.search(text)
        code = int(match[1]) if match else None
    if code == _TOO_MANY_ROWS:
        return TooManyRows(most)
    if code in _UNKNOWN_COLUMN:
        found = _COLUMN.search(text)
        return QueryFailed("The query names a column that does not exist.", column=found[1].rpartition(".")[2] if found else None)
    if code in _LINK_CODES and (is_opening or code != _UNKNOWN_DATABASE):
        return ConnectionFault(_LINK_CODES[code])
    if code is not None:
        return QueryFailed(_SENTENCES.get(code, "The database refused the query."))
    return ConnectionFault(fault_of(error) or _by_text(text))


def _by_text(text: str) -> FaultKind:
    # The HTTP library hands some causes over as words only, among addresses that may hold the same words.
    said = _ADDRESS.sub(" ", text)
    lowered = said.lower()
    for words, kind in (
        (("certificate", "ssl", "tls"), FaultKind.TLS),
        (("timed out", "timeout"), FaultKind.TIMEOUT),
        (("resolve", "nameresolution", "name or service"), FaultKind.DNS),
        (("refused",), FaultKind.REFUSED),
    ):
        if any(word in lowered for word in words):
            return kind
    return FaultKind.AUTH if _NO_ENTRY.search(said) else FaultKind.PROTOCOL
