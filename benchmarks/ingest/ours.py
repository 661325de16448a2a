"""Our own ingest under load: one or several ingest processes and the store process, as an installation runs them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from benchmarks.ingest.processes import wait_until_quiet
from benchmarks.ingest.subjects import Events, Subject
from benchmarks.ingest.traffic import NAMES, Route, free_port, get_json, make_bodies, post, wait_for_port

SLUG = "benchmark"
Setup = Callable[[Session], None]


class Ours(Subject):
    """Production processes on a new data folder. Each ingest process gets a key of its own, as docs/operations.md asks.

    `goes_by_address` reaches the store by `PLUMBLINE_EVENTSTORE_URL`, as from another machine; otherwise as `plumbline serve` does.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "ours",
        *,
        settings: Mapping[str, str] | None = None,
        setup: Setup | None = None,
        ingest_processes: int = 1,
        goes_by_address: bool = False,
    ) -> None:
        from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE, answers, embedded_address
        from app.eventstore.client import ClickHouseEventStore

        folder.mkdir(exist_ok=True)
        self.folder = folder
        keys, self.tenant_id, self.project_id = prepare_project(folder, ingest_processes, setup)
        store_port, secret = free_port(), secrets.token_urlsafe(24)
        environment = {**os.environ, "PLUMBLINE_DATA_DIR": str(folder), "PLUMBLINE_LOG_LEVEL": "warning", **(settings or {})}
        internal = {PORT_VARIABLE: str(store_port), SECRET_VARIABLE: secret}
        store = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"], env=environment | internal)
        address = embedded_address(store_port, secret)
        while not answers(address, 1.0):
            if store.poll() is not None:
                raise SystemExit("the store process does not start")
            time.sleep(0.05)
        self.store = ClickHouseEventStore(address)
        self.store.ensure_schema(3650)
        if goes_by_address:
            internal = {
                "PLUMBLINE_EVENTSTORE_URL": f"http://{address.user}:{secret}@{address.host}:{store_port}/{address.database}"
            }
        self.ports, processes = [], [store]
        for _ in keys:
            port = free_port()
            variables = environment | internal | {"PLUMBLINE_PORT": str(port)}
            process = subprocess.Popen([sys.executable, "-m", "app.ingest.server"], env=variables)
            processes.insert(-1, process)
            self.ports.append(port)
            wait_for_port(process, port)
        wait_until_quiet([process.pid for process in processes])
        self.keys = keys
        super().__init__(name, self.ports[0], processes, keys[0])

    def routes(self, events: Events, batch: int) -> list[Route]:
        bodies = make_bodies(events, batch)
        heads = [f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n" for key in self.keys]
        return [
            Route(port, [post("/v1/events", head, body) for body in bodies]) for port, head in zip(self.ports, heads, strict=True)
        ]

    def settle(self) -> None:
        while any(get_json(port, "/healthz")["queue_bytes"] for port in self.ports):
            time.sleep(0.02)

    def rest(self) -> None:
        wait_until_quiet([process.pid for process in self.processes])

    def stored(self) -> int:
        start = datetime.now(UTC) - timedelta(days=1)
        groups = self.store.count_groups(self.tenant_id, self.project_id, "event", start, start + timedelta(days=2))
        return sum(group.count for group in groups)

    def verify(self) -> None:
        """What a variant promises beside the number of rows; ends the run when it does not hold."""

    def stop(self) -> None:
        for process in self.processes:  # the store last
            process.terminate()
            process.wait(60)


def prepare_project(folder: Path, keys: int = 1, setup: Setup | None = None) -> tuple[list[str], str, str]:
    """A metadata database with one project that plans every name the benchmarks send: keys, tenant and project."""
    from app.identity.contracts import SYSTEM_ACTOR
    from app.identity.service import create_ingest_key
    from app.kernel.database import create_engine, session_scope
    from app.migrations import upgrade
    from app.plan.contracts import ObservedEvent
    from app.plan.service import sync_observed_events
    from app.projects.service import create_project
    from models.identity import Tenant

    now = datetime.now(UTC)
    url = f"sqlite:///{folder / 'plumbline.db'}"
    upgrade(url)
    engine = create_engine(url)
    with session_scope(engine) as session:
        session.add(Tenant(id="benchmark", name="Benchmark", plan="unlimited"))
        session.flush()
        project = create_project(session, SYSTEM_ACTOR, "Benchmark", SLUG, tenant_id="benchmark")
        observed = [ObservedEvent(source, name, 1, now) for source, name in sorted(set(NAMES))]
        sync_observed_events(session, project.id, observed)
        if setup is not None:
            setup(session)
        names = [f"benchmark {number}" for number in range(keys)]
        tokens = [create_ingest_key(session, SYSTEM_ACTOR, SLUG, name=name, now=now)[1] for name in names]
    engine.dispose()
    return tokens, project.tenant_id, project.id
