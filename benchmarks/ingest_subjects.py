"""The servers that the ingest benchmark puts under load: ours, the plain application in two settings, and InfluxDB."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.traffic import (
    FRESH,
    MOST_BODIES,
    NAMES,
    Load,
    free_port,
    get_json,
    make_bodies,
    post,
    processor_seconds,
    send_load,
    wait_for_port,
)

CONNECTIONS = 64
Events = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Stretch:
    """What one server did with one batch size: events per processor second and per second, the median answer in milliseconds, and
    microseconds of processor time per event in each of its processes."""

    per_cpu: float
    per_second: float
    median: float
    parts: tuple[float, ...]


@dataclass
class Subject:
    """One server under load and what was measured of it by batch size."""

    name: str
    port: int
    processes: list[subprocess.Popen[bytes]]
    key: str = ""
    results: dict[int, list[Stretch]] = field(default_factory=dict)

    def measure(self, events: Events, batch: int, seconds: float) -> None:
        """One stretch; the clocks run until everything is stored."""
        requests = self.requests(events, batch)
        send_load(self.port, requests, connections=8, seconds=0.2)
        self.settle()
        before = self.stored()
        begin, busy = time.perf_counter(), self.processor_seconds()
        load = send_load(self.port, requests, connections=CONNECTIONS, seconds=seconds)
        self.settle()
        wall = time.perf_counter() - begin
        spent = [end - start for start, end in zip(busy, self.processor_seconds(), strict=True)]
        rows = load.answered * batch
        self.check(load, self.stored() - before, batch)
        parts = tuple(one * 1e6 / rows for one in spent)
        result = Stretch(rows / sum(spent), rows / wall, statistics.median(load.latencies) * 1000, parts)
        each = " + ".join(f"{part:.1f}" for part in parts)
        print(
            f"{self.name:>12} batch {batch:>4}: {result.per_cpu:>9,.0f} events per cpu-second ({each} us),"
            f" {result.per_second:>9,.0f} per second",
            flush=True,
        )
        self.results.setdefault(batch, []).append(result)

    def best(self, batch: int) -> Stretch:
        """The best of all rounds in each respect."""
        found = self.results[batch]
        return Stretch(
            max(one.per_cpu for one in found),
            max(one.per_second for one in found),
            min(one.median for one in found),
            found[0].parts,
        )

    def requests(self, events: Events, batch: int) -> list[bytes]:
        headers = f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
        return [post("/v1/events", headers, body) for body in make_bodies(events, batch)]

    def processor_seconds(self) -> list[float]:
        return [processor_seconds([process.pid]) for process in self.processes]

    def check(self, load: Load, rows: int, batch: int) -> None:
        """Every answered event is in the store, once."""
        if rows != load.answered * batch:
            raise SystemExit(f"{self.name}: {load.answered * batch} events acknowledged, {rows} stored")

    def settle(self) -> None:
        """Wait until everything answered is stored."""

    def stored(self) -> int:
        """Rows in the store."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the processes."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


class Ours(Subject):
    """The ingest process and the store process."""

    def __init__(self, folder: Path) -> None:
        from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE, answers, embedded_address
        from app.eventstore.client import ClickHouseEventStore

        port, store_port, secret = free_port(), free_port(), secrets.token_urlsafe(24)
        environment = {
            **os.environ,
            "PLUMBLINE_DATA_DIR": str(folder),
            "PLUMBLINE_PORT": str(port),
            "PLUMBLINE_LOG_LEVEL": "warning",
            PORT_VARIABLE: str(store_port),
            SECRET_VARIABLE: secret,
        }
        key, self._tenant_id, self._project_id = prepare_project(folder)
        store = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"], env=environment)
        address = embedded_address(store_port, secret)
        while not answers(address, 1.0):
            if store.poll() is not None:
                raise SystemExit("the store process does not start")
            time.sleep(0.05)
        self._store = ClickHouseEventStore(address)
        self._store.ensure_schema(3650)
        ingest = subprocess.Popen([sys.executable, "-m", "app.ingest.server"], env=environment)
        wait_for_port(ingest, port)
        super().__init__("ours", port, [ingest, store], key)

    def settle(self) -> None:
        while get_json(self.port, "/healthz")["queue_bytes"]:
            time.sleep(0.02)

    def stored(self) -> int:
        start = datetime.now(UTC) - timedelta(days=1)
        groups = self._store.count_groups(self._tenant_id, self._project_id, "event", start, start + timedelta(days=2))
        return sum(group.count for group in groups)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait(30)


class Plain(Subject):
    """The plain application with SQLite's `synchronous` at FULL or NORMAL."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        port, key = free_port(), secrets.token_urlsafe(24)
        self._database = folder / f"plain-{synchronous}.db"
        environment = {
            **os.environ,
            "PLAIN_APP_DB": str(self._database),
            "PLAIN_APP_KEY": key,
            "PLAIN_APP_SYNC": synchronous,
        }
        server = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "warning", "--port", str(port)]
        process = subprocess.Popen([*server, "benchmarks.plain_app:app"], env=environment)
        wait_for_port(process, port)
        super().__init__(f"plain {synchronous.lower()}", port, [process], key)

    def stored(self) -> int:
        connection = sqlite3.connect(self._database)
        try:
            return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
        finally:
            connection.close()


class Influx(Subject):
    """InfluxDB 1.x with its log flushed to disk for every write. It neither reads JSON nor compares with a plan."""

    def __init__(self, folder: Path, program: str) -> None:
        port, rpc_port = free_port(), free_port()
        home = folder / "influx"
        home.mkdir()
        config = home / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc_port}"\n[meta]\ndir = "{home}/meta"\n'
            f'[data]\ndir = "{home}/data"\nwal-dir = "{home}/wal"\nquery-log-enabled = false\nmax-series-per-database = 0\n'
            f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n'
        )
        log = (home / "log").open("wb")
        process = subprocess.Popen([program, "-config", str(config)], stdout=log, stderr=log)
        wait_for_port(process, port)
        super().__init__("influxdb", port, [process])
        self._ask("CREATE DATABASE bench")

    def requests(self, events: Events, batch: int) -> list[bytes]:
        first = int(time.time()) - len(events)
        lines = [_line(event, first + number) for number, event in enumerate(events)]
        bodies = ["\n".join(lines[start : start + batch]) for start in range(0, min(len(lines), batch * MOST_BODIES), batch)]
        return [post("/write?db=bench", "", body.encode()) for body in bodies]

    def stored(self) -> int:
        series = self._ask("SELECT count(id) FROM events")["results"][0].get("series")
        return int(series[0]["values"][0][1]) if series else 0

    def _ask(self, statement: str) -> Any:
        return get_json(self.port, f"/query?db=bench&q={quote(statement)}", method="POST")


def _line(event: dict[str, Any], second: int) -> str:
    """The event as a line of InfluxDB's protocol, under a time that no other one has."""
    attributes = event["custom_attributes"]
    tags = f"service={event['service']},operation={event['operation']},country={attributes['country']},plan={attributes['plan']}"
    texts = {name: event[name] for name in ("id", "status", "user_id", "session_id", "ip_address", "user_agent")}
    texts |= {name: attributes[name] for name in ("device", "app_version", "path")}
    fields = ",".join(f"{name}={json.dumps(value)}" for name, value in texts.items())
    return f"events,{tags} duration={event['duration']},{fields} {second}0{FRESH.decode()}"


def prepare_project(folder: Path) -> tuple[str, str, str]:
    """A metadata database with one project that plans every name the benchmark sends: key, tenant and project."""
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
        project = create_project(session, SYSTEM_ACTOR, "Benchmark", "benchmark", tenant_id="benchmark")
        observed = [ObservedEvent(source, name, 1, now) for source, name in sorted(set(NAMES))]
        sync_observed_events(session, project.id, observed)
        _, token = create_ingest_key(session, SYSTEM_ACTOR, project.slug, name="benchmark", now=now)
    engine.dispose()
    return token, project.tenant_id, project.id
