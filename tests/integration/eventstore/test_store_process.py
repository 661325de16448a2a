"""The store process through crashes, restarts and rivals for its folder."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.eventstore.address import HANDOVER_FOLDER, PORT_VARIABLE
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.server import EXIT_NOT_OPENED
from app.kernel.errors import Unavailable
from tests.eventstore_fixtures import RETENTION_DAYS, StoredProject, StoreProcess
from tests.integration.eventstore.rows import event, lines, token
from tests.integration.eventstore.truth import ask, counts
from tests.ports import free_port

pytestmark = pytest.mark.slow

ROUNDS = 4
WRITERS = 3


@pytest.fixture
def own_store(tmp_path):
    store = StoreProcess(tmp_path / "d{a,b}t*a")
    store.data_dir.mkdir()
    store.start()
    ClickHouseEventStore(store.address).ensure_schema(RETENTION_DAYS)
    yield store
    if store.process is not None and store.process.poll() is None:
        store.kill()


def test_everything_acknowledged_is_found_once_after_kills(own_store, monkeypatch):
    monkeypatch.setattr("app.eventstore.handover.FEWEST_BYTES", 10_000)  # some batches by socket, others by file
    project = StoredProject()
    client = ClickHouseEventStore(own_store.address, handover=own_store.data_dir / HANDOVER_FOLDER)
    acknowledged: set[str] = set()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            rows = [event(project) for _ in range(random.choice([1, 20, 200]))]
            batch, once = lines(*rows), token()
            while True:
                try:
                    client.insert_lines("events", batch, rows=len(rows), token=once)
                except Unavailable:
                    time.sleep(0.02)  # as the drainer does: the same batch with the same token, until it is stored
                else:
                    acknowledged.update(str(row["id"]) for row in rows)
                    break

    writers = [threading.Thread(target=write, daemon=True) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(ROUNDS):
            goal = len(acknowledged) + 2000
            deadline = time.monotonic() + 60
            while len(acknowledged) < goal:
                assert time.monotonic() < deadline, "nothing is acknowledged any more"
                time.sleep(random.uniform(0, 0.02))
            own_store.kill()
            own_store.start()
    finally:
        stop.set()
    for writer in writers:
        writer.join(timeout=60)
        assert not writer.is_alive()

    stored = ask(own_store, f"SELECT id FROM plumbline.events WHERE project_id = '{project.project_id}'").split()
    assert acknowledged == set(stored)
    assert counts(own_store, project) == (len(acknowledged),) * 3


def test_the_same_client_works_after_a_restart(own_store):
    project = StoredProject()
    client = ClickHouseEventStore(own_store.address)
    client.insert_lines("events", lines(event(project)), rows=1, token=token())

    assert own_store.stop() == 0
    with pytest.raises(Unavailable):
        client.recent(project.tenant_id, project.project_id, after=None, limit=1)
    own_store.start()

    assert len(client.recent(project.tenant_id, project.project_id, after=None, limit=1)) == 1


def test_a_token_is_remembered_over_a_restart(own_store):
    project, once = StoredProject(), token()
    client = ClickHouseEventStore(own_store.address)
    batch = lines(event(project))
    client.insert_lines("events", batch, rows=1, token=once)

    own_store.kill()
    own_store.start()
    ClickHouseEventStore(own_store.address).insert_lines("events", batch, rows=1, token=once)

    assert counts(own_store, project) == (1, 1, 1)


def test_a_second_process_on_the_same_folder_is_refused_with_a_clear_line(own_store):
    rival = subprocess.run(
        [sys.executable, "-m", "app.eventstore.server"],
        env={**own_store.environment(), PORT_VARIABLE: str(free_port())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert rival.returncode == EXIT_NOT_OPENED
    assert f"cannot open the event store in {own_store.data_dir / 'eventstore'}: in use by another process" in rival.stderr
    assert ClickHouseEventStore(own_store.address).ping()


def test_without_port_and_secret_it_says_who_starts_it(tmp_path):
    environment = {**StoreProcess(tmp_path).environment(), PORT_VARIABLE: ""}

    alone = subprocess.run(
        [sys.executable, "-m", "app.eventstore.server"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert alone.returncode == 2
    assert "plumbline serve" in alone.stderr


def test_the_retention_is_changed_when_the_setting_is(own_store):
    def retention() -> set[str]:
        engines = ask(own_store, "SELECT engine_full FROM system.tables WHERE database = 'plumbline' AND engine LIKE '%Tree'")
        return {line.partition(" TTL ")[2].partition(" SETTINGS")[0] for line in engines.splitlines()}

    ClickHouseEventStore(own_store.address).ensure_schema(90)
    assert retention() == {f"{column} + toIntervalDay(90)" for column in ("time", "minute", "received_at", "hour")}

    mutations = ask(own_store, "SELECT count() FROM system.mutations")
    ClickHouseEventStore(own_store.address).ensure_schema(90)
    assert ask(own_store, "SELECT count() FROM system.mutations") == mutations


def test_older_rows_go_when_the_retention_gets_shorter(own_store):
    project = StoredProject()
    now = datetime.now(UTC)
    client = ClickHouseEventStore(own_store.address)
    rows = [event(project, time=now), event(project, time=now - timedelta(days=40))]
    client.insert_lines("events", lines(*rows), rows=2, token=token())

    client.ensure_schema(30)

    deadline = time.monotonic() + 60
    while counts(own_store, project) != (1, 1, 1):
        assert time.monotonic() < deadline, counts(own_store, project)
        time.sleep(0.1)


def test_memory_is_bounded_by_the_setting(own_store):
    bound = ask(own_store, "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'")

    assert bound == "2000000000"
