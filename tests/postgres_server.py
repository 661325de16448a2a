"""A PostgreSQL server of the tests' own: started on a free port, without durability, gone at the end."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg

from app.kernel.database import engine_for
from app.migrations import upgrade
from tests.kept_connections import KeptConnections
from tests.ports import free_port
from tests.postgres_emptying import Template

START_SECONDS = 60
TEMPLATE = "plumbline_template"
_OPTIONS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200", "shared_buffers=64MB")


class PostgresServer:
    """One server with a migrated template; each test gets a database for itself, copied from it or made fresh again."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="plumbline-postgres-"))
        self._port = free_port()
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            account = pwd.getpwnam("postgres")
            self._identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        data = self._folder / "data"
        initdb = [self._binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=self._folder, **self._identity)
        options = [part for option in _OPTIONS for part in ("-c", option)]
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", data, "-p", str(self._port), "-h", "127.0.0.1", "-k", self._folder, *options],
            stdout=self._log,
            stderr=self._log,
            cwd=self._folder,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call of libc, no lock taken
            **self._identity,
        )
        self._wait()
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        upgrade(self.url(TEMPLATE))
        self._template = Template(self.url(TEMPLATE))
        self._fresh: list[str] = []
        self._connections = KeptConnections()
        self._keepers: dict[str, psycopg.Connection[tuple[object, ...]]] = {}

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def create_database(self, *, migrated: bool = True) -> str:
        """The name of a fresh database."""
        name = f"test_{uuid.uuid4().hex}"
        # Copying files takes half the time of going through the log, which only matters for servers that must survive.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE if migrated else 'template0'} STRATEGY FILE_COPY")
        return name

    def lend_database(self) -> str:
        """The name of a fresh, migrated database that is to be given back."""
        name = self._fresh.pop() if self._fresh else self.create_database()
        self._connections.hand_to(engine_for(self.url(name)), self.url(name))
        return name

    def take_back(self, name: str) -> None:
        """Make a lent database fresh for the next test; the engine of the process for it comes to its end."""
        url = self.url(name)
        kept = self._connections.collect(engine_for(url), url)
        engine_for(url).dispose()
        try:
            is_fresh = self._template.restore(self._keeper(name), kept)
        except psycopg.Error:
            is_fresh = False
        if is_fresh:
            self._fresh.append(name)
        else:
            self._connections.close(url)
            if name in self._keepers:
                self._keepers.pop(name).close()
            self.drop_database(name)

    def _keeper(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        """The server's own connection to a lent database, open as long as the database is lent out again and again."""
        if name not in self._keepers:
            self._keepers[name] = psycopg.connect(self.url(name), autocommit=True)
        return self._keepers[name]

    def drop_database(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # immediate: nothing here is worth a clean shutdown
        self._process.wait(timeout=START_SECONDS)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._execute("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()[-2000:]}") from None
                time.sleep(0.05)


def _binaries() -> Path:
    found = [Path(path).parent for name in ("initdb",) if (path := shutil.which(name))]
    found += sorted((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)
    usable = [folder for folder in found if (folder / "postgres").exists()]
    if not usable:
        raise RuntimeError("These tests need PostgreSQL: `apt-get install postgresql`, or `make servers` which does it.")
    return usable[0]


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
