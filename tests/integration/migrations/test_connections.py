"""What every connection to the metadata database is set to, whoever runs the server."""

from __future__ import annotations

import sqlalchemy as sa

from app.kernel.database import session_scope
from tests.conftest import SQLITE

ON_SQLITE = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}
ON_POSTGRES = {
    "jit": "off",
    "idle_in_transaction_session_timeout": "15min",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}


def test_connections_keep_what_is_written_and_end_transactions_of_machines_that_vanished(engine):
    is_sqlite = engine.dialect.name == SQLITE
    wanted = ON_SQLITE if is_sqlite else ON_POSTGRES
    with session_scope(engine, write=False) as session:
        found = {name: session.execute(sa.text(f"{'PRAGMA' if is_sqlite else 'SHOW'} {name}")).scalar_one() for name in wanted}
        if not is_sqlite and session.execute(sa.text("SELECT inet_client_addr()")).scalar_one() is None:
            wanted = {name: value for name, value in wanted.items() if not name.startswith("tcp")}  # a socket has no keepalive
            found = {name: found[name] for name in wanted}
    assert found == wanted
