"""Taking a backup of an instance, also of one that runs, and restoring it on an empty one."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
import httpx
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from app.backup import events, metadata
from app.backup.archive import Archive, ArchiveWriter
from app.eventstore.address import (
    PORT_VARIABLE,
    SECRET_VARIABLE,
    StoreAddress,
    answers,
    embedded_address,
    free_port,
    parse_address,
)
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.schema import INSERTABLE_TABLES
from app.kernel.clock import Clock
from app.kernel.database import create_engine
from app.kernel.errors import Conflict, Unavailable
from app.kernel.settings import Settings
from app.migrations import current, locked_connection, upgrade
from app.runtime_file import DataFolderInUse, DataFolderLock, read_runtime_record

FOLDERS: Final = ("photos", "secrets")
SETTLE_SECONDS: Final = 60.0
STORE_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a backup holds, or what a restore has brought back."""

    taken_at: str
    revision: str
    rows: dict[str, int]
    events: dict[str, dict[str, Any]]
    files: int


def take(settings: Settings, path: Path, clock: Clock, say: Say) -> Report:
    """Write a backup of the instance. It may run; then events acknowledged before the start of the backup are in it.

    Conflict when the database is empty, Unavailable when the event store does not answer or does not catch up, FileExistsError.
    """
    started = clock.now()
    url = settings.database_url_resolved
    revision = current(url)
    if revision is None:
        raise Conflict("there is nothing to back up: the database is empty")
    with _untouched(settings), ArchiveWriter(path) as archive:
        with _event_client(settings) as (client, database):
            _wait_until_stored(settings, started, clock)
            say("Copying events")
            sums = {}
            columns = {table: events.columns_of(client, f"{database}.{table}") for table in INSERTABLE_TABLES}
            for table in INSERTABLE_TABLES:
                copied = 0
                for number, (block, rows) in enumerate(events.dumped(client, f"{database}.{table}", started)):
                    archive.add(f"events/{table}/{number:06d}.native", block)
                    copied += rows
                sums[table] = asdict(events.summed(client, f"{database}.{table}", started, columns[table]))
                if copied != sums[table]["rows"]:
                    raise Conflict(f"{table} changed while it was copied; try again")
        say("Copying the database")
        counts = _add_database(archive, url)
        files = _add_files(archive, settings.data_dir)
        report = Report(started.isoformat(), revision, counts, sums, files)
        archive.finish({**asdict(report), "version": version("plumbline"), "columns": columns, "id": secrets.token_hex(16)})
    return report


def restore(settings: Settings, path: Path, say: Say) -> Report:
    """Bring an empty instance to the state of the backup. It must not run. Safe to repeat after a failure.

    BadArchive; Conflict when the instance runs or has data, or when what was stored differs from the backup; Unavailable.
    """
    say("Checking the backup")
    archive = Archive(path)
    facts = archive.facts
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = DataFolderLock(settings.data_dir)
    except DataFolderInUse:
        raise Conflict("an instance runs on the data folder: stop it first") from None
    with lock:
        url = settings.database_url_resolved
        if current(url) not in (None, facts["revision"]):
            raise Conflict("the database is at another version than the backup; restore on an empty database")
        upgrade(url, facts["revision"])
        with locked_connection(url) as connection:
            if not metadata.is_empty(connection):
                raise Conflict("the instance has data already; a backup is restored on an empty one only")
        # The files first: with other secrets what is sealed in the database could not be opened.
        files = _restore_files(archive, settings.data_dir)
        with _event_client(settings) as (client, database):
            say("Restoring events")
            sums = _restore_events(archive, client, database)
        say("Restoring the database")
        with locked_connection(url) as connection:
            counts = metadata.load(connection, ((name.split("/")[1], archive.read(name)) for name in archive.names("database")))
        if any(counts.get(table, 0) != rows for table, rows in facts["rows"].items()):
            raise Conflict("the database does not hold as many rows as the backup")
        upgrade(url)
    archive.close()
    return Report(facts["taken_at"], facts["revision"], facts["rows"], sums, files)


@contextmanager
def _untouched(settings: Settings) -> Iterator[None]:
    """Keep an instance that does not run from being started meanwhile. Conflict when its log still holds events."""
    if read_runtime_record(settings.data_dir) is not None:
        yield
        return
    if any((settings.data_dir / "wal").glob("*/*.wal")):
        raise Conflict("acknowledged events wait in the log: start the instance once, so that they are stored")
    try:
        lock = DataFolderLock(settings.data_dir)
    except DataFolderInUse:
        raise Conflict("an instance is starting or stopping on the data folder; try again in a moment") from None
    with lock:
        yield


def _add_database(archive: ArchiveWriter, url: str) -> dict[str, int]:
    engine = create_engine(url)
    counts: dict[str, int] = {}
    try:
        options: dict[str, Any] = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with engine.connect().execution_options(**options) as connection:
            for table in metadata.tables_of(connection):
                counts[table.name] = 0
                for number, (lines, rows) in enumerate(metadata.dumped(connection, table)):
                    archive.add(f"database/{table.name}/{number:06d}.jsonl", lines)
                    counts[table.name] += rows
    finally:
        engine.dispose()
    return counts


def _add_files(archive: ArchiveWriter, data_dir: Path) -> int:
    files = [path for folder in FOLDERS for path in sorted((data_dir / folder).rglob("*")) if path.is_file()]
    for path in files:
        archive.add(f"files/{path.relative_to(data_dir).as_posix()}", path.read_bytes())
    return len(files)


def _restore_files(archive: Archive, data_dir: Path) -> int:
    names = list(archive.names("files"))
    for name in names:
        target = (data_dir / name.removeprefix("files/")).resolve()
        if not any(target.is_relative_to((data_dir / folder).resolve()) for folder in FOLDERS):
            raise Conflict(f"the backup holds a file outside its folders: {name}")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(archive.read(name))
        target.chmod(0o600)
    return len(names)


def _restore_events(archive: Archive, client: Client, database: str) -> dict[str, dict[str, Any]]:
    facts = archive.facts
    for name in archive.names("events"):
        table = name.split("/")[1]
        events.load(client, f"{database}.{table}", facts["columns"][table], archive.read(name), f"restore-{facts['id']}-{name}")
    until = datetime.fromisoformat(facts["taken_at"])
    columns = facts["columns"]
    sums = {table: asdict(events.summed(client, f"{database}.{table}", until, columns[table])) for table in INSERTABLE_TABLES}
    for table, found in sums.items():
        if found != facts["events"][table]:
            raise Conflict(
                f"the event store holds {found['rows']} rows of {table}, the backup {facts['events'][table]['rows']}, or others:"
                " it was not empty, or its retention has deleted old rows"
            )
    return sums


def _wait_until_stored(settings: Settings, moment: datetime, clock: Clock) -> None:
    """Wait until a running instance has stored what it acknowledged before the moment."""
    record = read_runtime_record(settings.data_dir)
    if record is None:
        return
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(f"{record.url}/healthz", timeout=5).json()
            health = answer.get("ingest", answer)
            waited = (clock.now() - moment).total_seconds()
            if not health.get("queue_bytes") or health.get("oldest_segment_age_seconds", 0) < waited - 2:
                return
        except (httpx.HTTPError, ValueError, KeyError):
            pass  # it may be busy for a moment; the deadline decides
        time.sleep(_POLL_SECONDS)
    raise Unavailable("acknowledged events still wait for the event store; try again when it has caught up")


@contextmanager
def _event_client(settings: Settings) -> Iterator[tuple[Client, str]]:
    """A client of the instance's event store; the embedded one is started for the time when no instance runs."""
    record = read_runtime_record(settings.data_dir)
    if not settings.eventstore_is_embedded:
        address = parse_address(settings.storage.eventstore_url.get_secret_value())
        yield from _connected(address, settings)
    elif record is not None and record.store_port is not None:
        yield from _connected(embedded_address(record.store_port, record.store_secret), settings)
    else:
        address = embedded_address(free_port(), secrets.token_urlsafe(32))
        with _own_store(settings, address):
            yield from _connected(address, settings)


def _connected(address: StoreAddress, settings: Settings) -> Iterator[tuple[Client, str]]:
    store = ClickHouseEventStore(address)
    store.ensure_schema(settings.storage.retention_days)
    store.close()
    client = clickhouse_connect.get_client(
        host=address.host,
        port=address.port,
        username=address.user,
        password=address.password,
        interface="https" if address.is_secure else "http",
        compress=False,
        autogenerate_session_id=False,
        send_receive_timeout=600,
    )
    try:
        yield client, address.database
    except ClickHouseError as error:
        raise Unavailable(f"the event store refused: {str(error)[:300]}") from error
    finally:
        client.close()


@contextmanager
def _own_store(settings: Settings, address: StoreAddress) -> Iterator[None]:
    environment = {
        **os.environ,
        "PLUMBLINE_DATA_DIR": str(settings.data_dir),
        PORT_VARIABLE: str(address.port),
        SECRET_VARIABLE: address.password,
    }
    process = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"], env=environment)
    try:
        deadline = time.monotonic() + STORE_START_SECONDS
        while not answers(address, 1.0):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable("the embedded event store does not start; its own lines are above")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)
