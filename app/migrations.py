"""Bringing the metadata database to the newest schema, by one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.kernel.database import create_engine
from app.kernel.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
HEAD = "head"
BASE = "base"

# Any fixed number does; every process that migrates this product's database takes the same lock.
_LOCK_NUMBER = 7_051_964_323


def upgrade(target: Settings | str, revision: str = HEAD) -> None:
    """Bring the database of these settings (or of this URL) to the revision. Nothing happens when it is there already.

    Processes that start together wait for each other; the later ones find the work done.
    """
    from alembic import command

    with locked_connection(target) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(target: Settings | str, revision: str) -> None:
    """Take the database back to the revision, `base` for an empty one. Data of what is removed is lost."""
    from alembic import command

    with locked_connection(target) as connection:
        command.downgrade(_config(connection), revision)


def current(target: Settings | str) -> str | None:
    """The revision the database is at; None before the first one."""
    from alembic.runtime.migration import MigrationContext

    with locked_connection(target) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def differences(target: Settings | str) -> list[Any]:
    """What the tables of the code and the database differ in; empty when every change of a model has its migration."""
    from alembic.autogenerate import produce_migrations
    from alembic.runtime.migration import MigrationContext
    from sqlmodel import SQLModel

    import models  # noqa: F401 - importing it registers every table

    with locked_connection(target) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        operations = produce_migrations(context, SQLModel.metadata).upgrade_ops
        return [] if operations is None else operations.as_diffs()


def _config(connection: sa.Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "alembic").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def locked_connection(target: Settings | str) -> Iterator[sa.Connection]:
    """A connection that holds the migration lock and commits at the end.

    SQLite rebuilds a table to change it; with foreign keys on, dropping the old one would delete every row that refers to it.
    They are off here and checked before the commit instead.
    """
    url = target if isinstance(target, str) else target.database_url_resolved
    with _file_lock(url):
        engine = create_engine(url)
        try:
            with engine.execution_options(write_transaction=True).connect() as connection:
                if connection.dialect.name == "sqlite":
                    _without_foreign_keys(connection)
                else:
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
                yield connection
                if connection.dialect.name == "sqlite":
                    _check_foreign_keys(connection)
                connection.commit()
        finally:
            engine.dispose()


def _without_foreign_keys(connection: sa.Connection) -> None:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute("PRAGMA foreign_keys=OFF")  # has no effect once a transaction is open


def _check_foreign_keys(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise RuntimeError(f"the migration would leave rows that refer to nothing in: {tables}")


@contextmanager
def _file_lock(url: str) -> Iterator[None]:
    """For SQLite a lock beside the database file; creating the file itself is already a race."""
    database = make_url(url).database if url.startswith("sqlite") else None
    if not database or database == ":memory:":
        yield
        return
    path = Path(database)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = path.with_name(path.name + ".migrating")
    for file in (path, lock):
        file.touch(mode=0o600)  # it holds password hashes: nobody else on the machine may read it
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
