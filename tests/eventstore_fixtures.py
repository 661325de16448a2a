"""A real event store for tests: the `store` process on a temporary folder, one per test session, projects kept apart by id."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE, StoreAddress, answers, embedded_address
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.service import set_event_store
from tests.ports import free_port

START_SECONDS = 60.0
RETENTION_DAYS = 36500


@dataclass
class StoreProcess:
    """The `store` process, started and ended by a test; it keeps port and secret over its lives."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> StoreAddress:
        return embedded_address(self.port, self.secret)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PLUMBLINE_DATA_DIR": str(self.data_dir),
            PORT_VARIABLE: str(self.port),
            SECRET_VARIABLE: self.secret,
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"], env=self.environment())
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.address, 1.0):
            assert self.process.poll() is None, f"the store process ended with {self.process.returncode}"
            assert time.monotonic() < deadline, "the store process does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it politely; its exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@dataclass(frozen=True)
class StoredProject:
    """Ids of a tenant and a project that no other test uses."""

    tenant_id: str = field(default_factory=lambda: f"tenant-{uuid.uuid4()}")
    project_id: str = field(default_factory=lambda: f"project-{uuid.uuid4()}")


@pytest.fixture(scope="session")
def store_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """The session's store process, tables in place."""
    store = StoreProcess(tmp_path_factory.mktemp("store"))
    store.start()
    client = ClickHouseEventStore(store.address)
    client.ensure_schema(RETENTION_DAYS)
    client.close()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def session_event_store(store_process: StoreProcess) -> Iterator[ClickHouseEventStore]:
    """The session's client of the store."""
    store = ClickHouseEventStore(store_process.address)
    yield store
    store.close()


@pytest.fixture
def event_store(session_event_store: ClickHouseEventStore) -> Iterator[ClickHouseEventStore]:
    """The real store, also what `get_event_store()` hands out during the test. Use fresh project ids."""
    set_event_store(session_event_store)
    yield session_event_store
    set_event_store(None)


@pytest.fixture
def stored_project() -> StoredProject:
    """Fresh tenant and project ids."""
    return StoredProject()
