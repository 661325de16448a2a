"""The real ingest process and the real store process, on one data folder, for tests that kill them."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from sqlmodel import SQLModel

import models
import models.identity
import models.plan
import models.projects
from app.kernel.crypto import sha256_hex
from app.kernel.database import create_engine, session_scope
from tests.eventstore_fixtures import StoreProcess
from tests.ports import free_port

TOKEN = "plb_test_" + "k" * 40
TOKENS = {"events": TOKEN, **{kind: f"pl_test_{kind}_" + "k" * 40 for kind in ("logs", "security", "audit")}}
TENANT, PROJECT = "tenant_kill", "project_kill"


def prepare_database(data_dir: Path, plan: str = "unlimited") -> None:
    """One tenant, one project, one key of each kind."""
    for module in iter_modules(models.__path__):
        import_module(f"models.{module.name}")
    engine = create_engine(f"sqlite:///{data_dir / 'plumbline.db'}")
    SQLModel.metadata.create_all(engine)
    with session_scope(engine) as session:
        session.add(models.identity.Tenant(id=TENANT, name="Tenant", plan=plan))
        session.flush()
        session.add(models.projects.Project(id=PROJECT, tenant_id=TENANT, name="Project", slug="project"))
        session.flush()
        for kind, token in TOKENS.items():
            key = models.identity.IngestKey(
                tenant_id=TENANT,
                project_id=PROJECT,
                kind=kind,
                scope="append",
                name=kind,
                key_prefix="plb",
                token_hash=sha256_hex(token),
            )
            session.add(key)
    engine.dispose()


@dataclass
class IngestProcess:
    """`python -m app.ingest.server`, or another module, started and ended by a test; it keeps its port over its lives."""

    store: StoreProcess
    variables: dict[str, str] = field(default_factory=dict)
    module: str = "app.ingest.server"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **self.store.environment(),
            "PLUMBLINE_PORT": str(self.port),
            "PLUMBLINE_MIN_FREE_DISK_BYTES": "0",
            "PLUMBLINE_LOG_LEVEL": "error",
            **self.variables,
        }
        self.process = subprocess.Popen([sys.executable, "-X", "faulthandler", "-m", self.module], env=environment)
        deadline = time.monotonic() + 60
        while self.health() is None:
            assert self.process.poll() is None, "the ingest process ended"
            if time.monotonic() > deadline:
                self.process.send_signal(signal.SIGABRT)  # it says where it stands
                self.process.wait(10)
                raise AssertionError("the ingest process does not answer")
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=90)

    def health(self) -> dict[str, Any] | None:
        """What the process says about its queue; None when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            found = json.loads(connection.getresponse().read())
            return found.get("ingest", found)  # the web process has more to tell
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_until_drained(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while (health := self.health()) is None or health["queue_bytes"]:
            assert time.monotonic() < deadline, f"not drained: {health}"
            time.sleep(0.05)
