"""Engines of tests share one dialect and its compiled statements: each test has a database of its own, but writing the same
statements anew for every one of them took a fifth of the tests' time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.util import LRUCache

from app.kernel import database

_STATEMENTS = 3000
"""More than the whole suite has of one dialect: nothing is written twice."""
_create_engine = database.create_engine
_shared: dict[str, _Shared] = {}


class _Shared:
    """A dialect, the statements compiled for it, and whether a connection told it about its server yet."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.statements: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
        self._initialize = dialect.initialize
        self._is_initialized = False

    def adopt(self, engine: Engine) -> None:
        """Give the engine, which has not connected yet, this dialect in place of its own."""
        # What SQLAlchemy does on the first connection of a pool still holds the dialect the engine was made with.
        engine.dialect.initialize = self._initialize_once  # type: ignore[method-assign]
        engine.dialect = self.dialect
        engine.pool._dialect = self.dialect
        engine._compiled_cache = self.statements

    def _initialize_once(self, connection: Connection) -> None:
        if not self._is_initialized:
            self._initialize(connection)
            self._is_initialized = True


def create_engine(url: str) -> Engine:
    """What `app.kernel.database.create_engine` makes, with the shared dialect."""
    engine = _create_engine(url)
    shared = _shared.setdefault(engine.dialect.name, _Shared(engine.dialect))
    shared.adopt(engine)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "close", _leave_without_waiting)
    return engine


def _leave_without_waiting(connection: Any, _record: Any) -> None:
    # The last one to close a file writes it out and waits for the disk, for a file that nobody opens again.
    connection.execute("PRAGMA synchronous=OFF")


def share_dialects() -> None:
    """From now on `engine_for` of this process makes engines that share; `create_engine` imported by name stays as it is."""
    database.create_engine = create_engine
