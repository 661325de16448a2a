"""A read-only connection to PostgreSQL: every transaction read-only, every statement and every answer bounded."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import tuple_row
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from app.warehouse.contracts import QueryFailed, SourceConnection, TooManyRows
from app.warehouse.faults import CONNECT_SECONDS, ConnectionFault, FaultKind, fault_of, reach
from app.warehouse.tables import MOST_COLUMNS, Table, tables_of

DEFAULT_PORT = 5432
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_FETCH_ROWS = 5_000

_TABLES = """
SELECT CASE WHEN n.nspname = 'public' THEN quote_ident(c.relname) ELSE quote_ident(n.nspname) || '.' || quote_ident(c.relname) END,
       a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
ORDER BY (n.nspname <> 'public'), n.nspname, c.relname, a.attnum
LIMIT %(limit)s
"""

# libpq reports what the server says during the handshake as text only; the language is the server's, so codes come first.
_HANDSHAKE = (
    (re.compile(r"unexpected response|invalid response|received invalid|expected authentication", re.I), FaultKind.PROTOCOL),
    (re.compile(r"password|authentication|pg_hba|role .* does not exist|no PostgreSQL user name", re.I), FaultKind.AUTH),
    (re.compile(r"database .* does not exist", re.I), FaultKind.DATABASE),
    (re.compile(r"ssl|tls|certificate", re.I), FaultKind.TLS),
    (re.compile(r"could not translate|name or service|resolve", re.I), FaultKind.DNS),
    (re.compile(r"refused", re.I), FaultKind.REFUSED),
    (re.compile(r"timeout|timed out", re.I), FaultKind.TIMEOUT),
    (re.compile(r"too many|remaining connection slots|starting up|shutting down", re.I), FaultKind.BUSY),
    (re.compile(r"closed the connection|connection to server was lost", re.I), FaultKind.PROTOCOL),
)
_STATES = {
    "28": FaultKind.AUTH,
    "3D": FaultKind.DATABASE,
    "53": FaultKind.BUSY,
    "57P": FaultKind.BUSY,
    "08": FaultKind.LOST,
}
_COLUMN = re.compile(r'column (?:"([^"]+)"|([\w.]+)) does not exist')


class _DateOrText(DateLoader):
    """Infinity, and years that Python's dates do not have, stay the server's text: one such row must not end a scan."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _TimestampOrText(TimestampLoader):
    """As _DateOrText."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _TimestamptzOrText(TimestamptzLoader):
    """As _DateOrText."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class PostgresLink:
    """One connection, opened at once. Errors of every method: ConnectionFault, QueryFailed."""

    def __init__(self, connection: SourceConnection, timeout_seconds: float) -> None:
        self._limit = timeout_seconds
        self._session = _open(connection, timeout_seconds)

    def rows(self, sql: str, parameters: Mapping[str, Any], *, most: int, timeout_seconds: float) -> list[Sequence[Any]]:
        """The statement's rows; TooManyRows beyond `most`, of which one row too many is fetched at worst."""
        found: list[Sequence[Any]] = []
        with self._read_only(timeout_seconds), self._session.cursor(name="plumbline", row_factory=tuple_row) as cursor:
            cursor.itersize = min(_FETCH_ROWS, most + 1)
            cursor.execute(sql, parameters)
            while batch := cursor.fetchmany(min(_FETCH_ROWS, most + 1 - len(found))):
                found.extend(batch)
                if len(found) > most:
                    raise TooManyRows(most)
        return found

    def describe(self, sql: str, *, timeout_seconds: float) -> list[tuple[str, int]]:
        """Names and type numbers of the answer's columns; reads no row."""
        with self._read_only(timeout_seconds), self._session.cursor() as cursor:
            # Asking for binary answers makes the driver use the protocol that takes one statement only.
            cursor.execute(f"SELECT * FROM ({sql}) AS described LIMIT 0", binary=True)
            return [(column.name, column.type_code) for column in cursor.description or ()]

    def types(self, numbers: Sequence[int], *, timeout_seconds: float) -> dict[int, str]:
        """The server's names of its types."""
        with self._read_only(timeout_seconds), self._session.cursor() as cursor:
            cursor.execute(
                "SELECT oid::bigint, format_type(oid, NULL) FROM pg_catalog.pg_type WHERE oid = ANY(%s)", (list(numbers),)
            )
            return {int(number): str(name) for number, name in cursor.fetchall()}

    def tables(self) -> list[Table]:
        """Tables and views the user may read; those of the schema `public` without its name."""
        return tables_of(self.rows(_TABLES, {"limit": MOST_COLUMNS}, most=MOST_COLUMNS, timeout_seconds=self._limit))  # type: ignore[arg-type]

    def check(self) -> None:
        """A trivial query."""
        self.rows("SELECT 1", {}, most=1, timeout_seconds=self._limit)

    def close(self) -> None:
        """Give the connection back; never raises."""
        try:
            self._session.close()
        except psycopg.Error:
            return

    @contextmanager
    def _read_only(self, timeout_seconds: float) -> Iterator[None]:
        try:
            with self._session.transaction(force_rollback=True):
                # Each transaction says it anew: a statement before could have changed the session's own default.
                self._session.execute("SET TRANSACTION READ ONLY")
                self._session.execute("SELECT set_config('statement_timeout', %s, true)", (str(int(timeout_seconds * 1000)),))
                yield
        except psycopg.Error as error:
            raise _translated(error) from None


def _open(connection: SourceConnection, timeout_seconds: float) -> psycopg.Connection[Any]:
    port = connection.port or DEFAULT_PORT
    reach(connection.host, port)
    params = connection.extra_params
    mode = str(params.get("sslmode") or "prefer")
    authority = params.get("sslrootcert")
    with tempfile.NamedTemporaryFile("w", prefix="plumbline-", suffix=".pem") as file:
        more: dict[str, Any] = {}
        if isinstance(authority, str) and "-----BEGIN CERTIFICATE-----" in authority:
            file.write(authority)
            file.flush()
            more["sslrootcert"] = file.name
        elif mode.startswith("verify"):
            more["sslrootcert"] = "system"
            mode = "verify-full"  # the only mode libpq allows with the system's authorities, and the stricter one
        try:
            session = psycopg.connect(
                host=connection.host,
                port=port,
                dbname=connection.database_name,
                user=connection.username or "postgres",
                password=connection.password or None,
                sslmode=mode if mode in _SSL_MODES else "prefer",
                connect_timeout=CONNECT_SECONDS,
                application_name="plumbline",
                client_encoding="utf8",
                gssencmode="disable",
                # The server's own settings of the session; a base query cannot reach them, and transactions repeat them.
                options=f"-c default_transaction_read_only=on -c statement_timeout={int(timeout_seconds * 1000)} "
                "-c idle_in_transaction_session_timeout=600000 -c timezone=UTC -c intervalstyle=postgres",
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
                tcp_user_timeout=60_000,
                autocommit=True,
                **more,
            )
        except (psycopg.Error, UnicodeError, ValueError) as error:
            raise ConnectionFault(_handshake_fault(error)) from None
    for name, loader in (("date", _DateOrText), ("timestamp", _TimestampOrText), ("timestamptz", _TimestamptzOrText)):
        session.adapters.register_loader(name, loader)
    session.prepare_threshold = None  # poolers in transaction mode lose prepared statements
    return session


def _handshake_fault(error: Exception) -> FaultKind:
    state = getattr(error, "sqlstate", None) or ""
    for prefix, kind in _STATES.items():
        if state.startswith(prefix):
            return kind
    if isinstance(error, errors.ConnectionTimeout):
        return FaultKind.TIMEOUT
    text = str(error)
    # The text repeats host and database; only what follows the address is the reason.
    reason = text.rpartition("failed: ")[2] or text
    for pattern, kind in _HANDSHAKE:
        if pattern.search(reason):
            return kind
    return fault_of(error) or FaultKind.LOST


_REFUSALS: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.QueryCanceled, "The query took longer than the data source's time limit allows."),
    (errors.ReadOnlySqlTransaction, "The query tries to change data. Only reading is possible."),
    (errors.UndefinedTable, "The query names a table that does not exist."),
    (errors.InvalidSchemaName, "The query names a schema that does not exist."),
    (errors.InsufficientPrivilege, "The data source's user may not read what the query names."),
    (errors.DiskFull, "The query needs more disk than the server allows."),
    (errors.OutOfMemory, "The query needs more memory than the server allows."),
)


def _translated(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if isinstance(error, errors.UndefinedColumn):
        found = _COLUMN.search(str(error))
        name = (found[1] or found[2]).rpartition(".")[2] if found else None
        return QueryFailed("The query names a column that does not exist.", column=name)
    sentence = next((sentence for refusal, sentence in _REFUSALS if isinstance(error, refusal)), None)
    if state == "08P01":  # the query holds a parameter
        sentence = "The query is not valid in this database."
    if sentence is None and state.startswith(("42", "0A")):
        sentence = "The query is not valid in this database."
    if sentence is None and state.startswith(("22", "21")):
        sentence = "A value could not be converted while the query ran."
    if sentence is not None:
        return QueryFailed(sentence)
    kind = next((kind for prefix, kind in _STATES.items() if state.startswith(prefix)), None)
    if kind is None and not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        kind = fault_of(error) or FaultKind.LOST
    return ConnectionFault(kind) if kind else QueryFailed("The database refused the query.")
