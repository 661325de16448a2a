"""Backups of real databases and a real event store, restored elsewhere and compared."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import select
from typer.testing import CliRunner

from app.backup import metadata, service
from app.cli.main import app
from app.eventstore.client import ClickHouseEventStore
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.errors import Conflict
from app.kernel.settings import get_settings, load_settings
from app.migrations import upgrade
from app.plan import service as plan
from app.runtime_file import DataFolderLock, RuntimeRecord, write_runtime_record
from models.plan import Event
from tests.eventstore_fixtures import StoreProcess
from tests.factories import make_actor, make_event, make_event_type, make_project
from tests.integration.ingest.servers import TOKEN, IngestProcess, prepare_database

LINE = {"tenant_id": "t", "project_id": "p", "kind": "event", "source": "web", "name": "click", "id": "", "properties": "{}"}


def quiet(_text: str) -> None:
    pass


def content(url: str) -> dict[str, str]:
    """A digest of every table's rows, whatever their order."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {}
        for table in metadata.tables_of(connection):
            lines = sorted(line for block, _ in metadata.dumped(connection, table) for line in block.decode().split("\n"))
            found[table.name] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    engine.dispose()
    return found


def store_events(data_dir: Path, count: int) -> None:
    store = StoreProcess(data_dir)
    store.start()
    client = ClickHouseEventStore(store.address)
    client.ensure_schema(36500)
    received = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="milliseconds")
    rows = [{**LINE, "id": str(n), "time": f"20{20 + n % 5}-03-01T00:00:00Z", "received_at": received} for n in range(count)]
    client.insert_lines("events", "".join(json.dumps(row) + "\n" for row in rows).encode(), rows=count, token="t1")
    client.close()
    store.stop()


@pytest.fixture
def filled(engine):
    """A plan with texts in which line ends of all kinds occur, and an owner."""
    with session_scope(engine) as session:
        project = make_project(session)
        kind = make_event_type(session, project)
        for number in range(30):
            make_event(session, kind, name=f"event {number} \u2028 \n ü")
        make_actor(session)
        session.flush()
        return project.slug


def target_settings(folder: Path, **variables: str):
    return load_settings({"PLUMBLINE_DATA_DIR": str(folder), **variables})


def test_a_backup_is_restored_on_an_empty_folder_with_equal_content(engine, database_url, filled, tmp_path):
    settings = get_settings()
    store_events(settings.data_dir, 500)
    (settings.data_dir / "photos").mkdir(exist_ok=True)
    (settings.data_dir / "photos" / "a.png").write_bytes(b"picture")
    taken = service.take(settings, tmp_path / "a.backup", SYSTEM_CLOCK, quiet)
    assert taken.events["events"]["rows"] == 500
    target = target_settings(tmp_path / "target")
    restored = service.restore(target, tmp_path / "a.backup", quiet)
    assert restored.events == taken.events
    assert content(target.database_url_resolved) == content(database_url)
    assert (target.data_dir / "photos" / "a.png").read_bytes() == b"picture"
    with session_scope(create_engine(target.database_url_resolved), write=False) as session:
        assert plan.list_events(session, SYSTEM_ACTOR, filled).total == 30


@pytest.mark.postgres
def test_an_instance_moves_from_sqlite_to_postgresql_and_goes_on(settings, postgres_server, tmp_path):
    source = f"sqlite:///{settings.data_dir / 'plumbline.db'}"
    upgrade(source)
    engine = create_engine(source)
    with session_scope(engine) as session:
        project = make_project(session)
        make_event(session, make_event_type(session, project), name="before")
    engine.dispose()
    service.take(settings, tmp_path / "a.backup", SYSTEM_CLOCK, quiet)
    name = postgres_server.create_database()
    try:
        url = postgres_server.url(name)
        service.restore(target_settings(tmp_path / "target", PLUMBLINE_DATABASE_URL=url), tmp_path / "a.backup", quiet)
        assert content(url) == content(source)
        moved = create_engine(url)
        with session_scope(moved) as session:
            kind = session.exec(select(Event)).one().event_type_id
            another = {"id": "fresh", "name": "after", "source_name": "after"}
            session.add(Event(**{**session.exec(select(Event)).one().model_dump(), **another}))
            session.flush()
            assert session.exec(select(Event).where(Event.event_type_id == kind)).all()
            titles = session.execute(sa.text("SELECT title FROM search_documents WHERE entity_type = 'event'")).scalars().all()
        moved.dispose()
        assert sorted(titles) == ["after", "before"], "the numbers that the database gives out go on"
    finally:
        postgres_server.drop_database(name)


def test_an_instance_with_data_is_left_alone(engine, filled, tmp_path, database_url):
    settings = get_settings()
    store_events(settings.data_dir, 3)
    service.take(settings, tmp_path / "a.backup", SYSTEM_CLOCK, quiet)
    before = content(database_url)
    with pytest.raises(Conflict, match="has data"):
        service.restore(settings, tmp_path / "a.backup", quiet)
    assert content(database_url) == before


def test_a_running_instance_is_not_restored_over_and_an_empty_one_has_nothing_to_back_up(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "data"))
    result = CliRunner().invoke(app, ["backup", str(tmp_path / "b")])
    assert result.exit_code == 1
    assert not (tmp_path / "b").exists()
    (tmp_path / "b").write_bytes(b"no backup")
    result = CliRunner().invoke(app, ["restore", str(tmp_path / "b")])
    assert (result.exit_code, "is no backup" in result.output) == (1, True)
    result = CliRunner().invoke(app, ["backup", str(tmp_path / "b")])
    assert "nothing to back up" in str(result.exception) + result.output or result.exit_code == 2


@pytest.mark.slow
def test_a_backup_under_load_holds_everything_acknowledged_before_it(tmp_path):
    source, store = tmp_path / "source", StoreProcess(tmp_path / "source")
    source.mkdir()
    upgrade(f"sqlite:///{source / 'plumbline.db'}")
    prepare_database(source)
    store.start()
    client = ClickHouseEventStore(store.address)
    client.ensure_schema(36500)
    client.close()
    ingest = IngestProcess(store)
    ingest.start()
    acknowledged: list[tuple[float, str]] = []
    stopping = threading.Event()

    def produce() -> None:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{ingest.port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as http:
            number = 0
            while not stopping.is_set():
                ids = [f"e{number + offset}" for offset in range(50)]
                body = [{"service": "web", "operation": "click", "id": one} for one in ids]
                assert http.post("/v1/events", json=body).status_code == 200
                acknowledged.extend((time.time(), one) for one in ids)
                number += 50

    producer = threading.Thread(target=produce)
    with DataFolderLock(source):
        record = RuntimeRecord(1, f"http://127.0.0.1:{ingest.port}", store.address.url, store.port, store.secret)
        write_runtime_record(source, record)
        producer.start()
        time.sleep(3)
        started = time.time()
        taken = service.take(target_settings(source), tmp_path / "a.backup", SYSTEM_CLOCK, quiet)
        stopping.set()
        producer.join()
    ingest.stop()
    store.stop()
    before = {one for moment, one in acknowledged if moment < started}
    assert len(acknowledged) > len(before) > 100
    target = target_settings(tmp_path / "target")
    restored = service.restore(target, tmp_path / "a.backup", quiet)
    assert restored.events == taken.events
    copy = StoreProcess(target.data_dir)
    copy.start()
    client = ClickHouseEventStore(copy.address)
    found = {row.id for row in client.recent("tenant_kill", "project_kill", after=None, limit=1_000_000)}
    client.close()
    copy.stop()
    assert before <= found
