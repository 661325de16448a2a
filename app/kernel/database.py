"""The metadata database: SQLite in WAL mode by default, PostgreSQL by URL. Both behave the same to the code above."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, Engine
from sqlmodel import Session

from app.kernel.clock import as_utc
from app.kernel.settings import get_settings

BUSY_TIMEOUT_MILLISECONDS = 30_000
_FOUND = "found by this reading transaction"

Found = TypeVar("Found")
_POSTGRES_SETTINGS = (
    # Compiling a query to machine code takes longer than any of ours.
    "jit = off",
    "idle_in_transaction_session_timeout = '15min'",
    "tcp_keepalives_idle = 60",
    "tcp_keepalives_interval = 10",
    "tcp_keepalives_count = 6",
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant on every engine; SQLite keeps no zone by itself."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Store as UTC."""
        return None if value is None else as_utc(value)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Hand out as UTC."""
        return None if value is None else as_utc(value)


def create_engine(url: str) -> Engine:
    """An engine for the URL with the settings this product relies on (WAL, foreign keys, busy time-out on SQLite)."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
        sa.event.listen(engine, "connect", _prepare_postgres)
        return engine
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MILLISECONDS / 1000})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate_for_writers)
    return engine


def _prepare_postgres(connection: Any, _record: Any) -> None:
    # A machine that vanishes in mid-transaction would keep its locks for hours, which is how long TCP waits by itself.
    with connection.cursor() as cursor:
        for setting in _POSTGRES_SETTINGS:
            cursor.execute(f"SET {setting}")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN below replaces the driver's lazy one
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own lower() knows ASCII only; searches ignore case in every script, as they do on PostgreSQL.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: object) -> str | None:
    return None if text is None else str(text).lower()


def _begin_immediate_for_writers(connection: sa.Connection) -> None:
    # A deferred transaction that turns from reader to writer fails at once with "database is locked" instead of
    # waiting; writers therefore say so when they open (session_scope(write=True)).
    write = connection.get_execution_options().get("write_transaction", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@lru_cache(maxsize=4)
def engine_for(url: str) -> Engine:
    """The shared engine of this process for the URL."""
    return create_engine(url)


def get_engine() -> Engine:
    """The shared engine of the configured database."""
    return engine_for(get_settings().database_url_resolved)


@contextmanager
def session_scope(engine: Engine | None = None, *, write: bool = True) -> Iterator[Session]:
    """One transaction: commits when the block ends, rolls back when it raises. The edge opens it, nobody else commits.

    `write=False` promises not to write and does not queue behind writers.
    """
    engine = engine or get_engine()
    bound = engine.execution_options(write_transaction=write) if engine.dialect.name == "sqlite" else engine
    with Session(bound, expire_on_commit=False) as session:
        if not write:
            session.info[_FOUND] = {}
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


def read_once(session: Session, key: Hashable, read: Callable[[], Found | None]) -> Found | None:
    """What `read` finds, asked once by a transaction that promised not to write; any other one asks every time.

    A page is put together by services that each look up their project, its settings and its scan. `key` names the query with its
    arguments. What was not found is asked for again.
    """
    found: dict[Hashable, Any] | None = session.info.get(_FOUND)
    if found is None:
        return read()
    answer = found.get(key)
    if answer is None:
        answer = read()
        if answer is not None:
            found[key] = answer
    return answer


def insert_into(session: Session, table: Any) -> Any:
    """An INSERT of the session's engine, which knows ON CONFLICT: SQLAlchemy has it for each engine apart, spelled alike."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(table)
