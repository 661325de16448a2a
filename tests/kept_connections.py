"""Connections to a lent PostgreSQL database that outlive their test: the next engine on the database starts with them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import psycopg
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

# What a session could leave behind; the statements it prepared stay.
_RESET = b"RESET ALL; SELECT pg_advisory_unlock_all(); DISCARD TEMP; UNLISTEN *"


class KeptConnections:
    """Idle sessions by database URL. A new session costs a process, and reads the catalogues of every table it touches."""

    def __init__(self) -> None:
        self._idle: defaultdict[str, list[psycopg.Connection[Any]]] = defaultdict(list)

    def hand_to(self, engine: Engine, url: str) -> None:
        """Let the engine, which has not connected yet, take these before it opens its own. It prepares them like new ones."""
        open_new: Any = engine.pool._creator
        idle = self._idle[url]

        def open_one() -> Any:
            return idle.pop() if idle else open_new()

        engine.pool._creator = open_one

    def collect(self, engine: Engine, url: str) -> list[int]:
        """Take what lies idle in the engine's pool; the process ids of all sessions kept for the database."""
        pool: Any = engine.pool
        try:
            borrowed = [engine.raw_connection() for _ in range(pool.checkedin())]
        except DBAPIError:  # the test ended the server
            borrowed = []
        for each in borrowed:
            session: Any = each.driver_connection
            each.detach()
            try:
                session.rollback()
                session.execute(_RESET)
                session.commit()
            except psycopg.Error:
                session.close()
            else:
                self._idle[url].append(session)
        return [session.info.backend_pid for session in self._idle[url]]

    def close(self, url: str) -> None:
        """End those of a database that is not lent out again."""
        for session in self._idle.pop(url, []):
            session.close()
