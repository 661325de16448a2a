"""Events stored per processor second: our ingest beside the plain application of `plain_app.py`, interleaved in one run.

Ours is the production path: the ingest process (key, rules, plan, log with fdatasync, drainer) and the store process behind it;
both count, and the clock runs until the last row is in the store. Rows are counted in both stores afterwards.
Run: `python -m benchmarks.ingest_throughput [--seconds 3] [--rounds 2]`.
"""

from __future__ import annotations

import argparse
import math
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.traffic import (
    NAMES,
    Load,
    free_port,
    get_json,
    make_bodies,
    make_events,
    processor_seconds,
    send_load,
    wait_for_port,
)

BATCHES = (1, 10, 100, 1000)
CONNECTIONS = 64
FLOOR = 5.0


@dataclass
class Subject:
    """One of the two servers under load."""

    name: str
    port: int
    key: str
    processes: list[subprocess.Popen[bytes]]
    sent: int = 0
    results: dict[int, list[tuple[float, float, float]]] = field(default_factory=dict)

    def measure(self, bodies: list[bytes], batch: int, seconds: float) -> None:
        """One stretch: events per processor second, events per second, median answer time."""
        send_load(self.port, self.key, bodies, connections=8, seconds=0.2)
        self.settle()
        before = self.stored()
        begin, busy = time.perf_counter(), self.processor_seconds()
        load = send_load(self.port, self.key, bodies, connections=CONNECTIONS, seconds=seconds)
        self.settle()
        wall, busy = time.perf_counter() - begin, self.processor_seconds() - busy
        self.check(load, self.stored() - before, batch)
        median = statistics.median(load.latencies) * 1000
        result = (load.answered * batch / busy, load.answered * batch / wall, median)
        print(
            f"{self.name:>6} batch {batch:>4}: {result[0]:>9,.0f} events per cpu-second, {result[1]:>9,.0f} per second", flush=True
        )
        self.results.setdefault(batch, []).append(result)

    def processor_seconds(self) -> float:
        return processor_seconds([process.pid for process in self.processes])

    def check(self, load: Load, rows: int, batch: int) -> None:
        """Every answered event is in the store, once."""
        if rows != load.answered * batch:
            raise SystemExit(f"{self.name}: {load.answered * batch} events acknowledged, {rows} stored")

    def settle(self) -> None:
        """Wait until everything answered is stored."""

    def stored(self) -> int:
        raise NotImplementedError

    def stop(self) -> None:
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
        super().__init__("ours", port, key, [store, ingest])

    def settle(self) -> None:
        while get_json(self.port, "/healthz")["queue_bytes"]:
            time.sleep(0.02)

    def stored(self) -> int:
        start = datetime.now(UTC) - timedelta(days=1)
        groups = self._store.count_groups(self._tenant_id, self._project_id, "event", start, start + timedelta(days=2))
        return sum(group.count for group in groups)


class Plain(Subject):
    """The plain application."""

    def __init__(self, folder: Path) -> None:
        port, key = free_port(), secrets.token_urlsafe(24)
        self._database = folder / "plain.db"
        environment = {**os.environ, "PLAIN_APP_DB": str(self._database), "PLAIN_APP_KEY": key}
        server = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "warning", "--port", str(port)]
        process = subprocess.Popen([*server, "benchmarks.plain_app:app"], env=environment)
        wait_for_port(process, port)
        super().__init__("plain", port, key, [process])

    def stored(self) -> int:
        connection = sqlite3.connect(self._database)
        try:
            return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
        finally:
            connection.close()


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


def report(ours: Subject, plain: Subject) -> bool:
    """Print the table; whether the floor holds at every batch size."""
    rounds = len(next(iter(ours.results.values())))
    print(f"\nload average {os.getloadavg()[0]:.1f}, {CONNECTIONS} connections, best of {rounds} rounds")
    heads = ("batch", "ours ev/cpu-s", "plain ev/cpu-s", "ratio", "ours ev/s", "plain ev/s", "ratio", "ours p50 ms", "plain p50 ms")
    print(" ".join(f"{head:>14}" for head in heads))
    ratios, walls = [], []
    for batch in ours.results:
        mine, other = max(ours.results[batch]), max(plain.results[batch])
        ratios.append(mine[0] / other[0])
        walls.append(mine[1] / other[1])
        cells = [f"{mine[0]:,.0f}", f"{other[0]:,.0f}", f"{ratios[-1]:.1f}", f"{mine[1]:,.0f}", f"{other[1]:,.0f}"]
        cells += [f"{walls[-1]:.1f}", f"{mine[2]:.1f}", f"{other[2]:.1f}"]
        print(" ".join(f"{cell:>14}" for cell in [str(batch), *cells]))
    print(f"geometric mean per processor second {_mean(ratios):.1f}, per second {_mean(walls):.1f}")
    below = [str(batch) for batch, ratio in zip(ours.results, ratios, strict=True) if ratio < FLOOR]
    print(
        f"the floor of {FLOOR:.0f} per processor second is missed at batch {', '.join(below)}"
        if below
        else f"the floor of {FLOOR:.0f} holds"
    )
    return not below


def _mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> int:
    """Run and print; with `--strict` fail when the floor does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one stretch")
    parser.add_argument("--rounds", type=int, default=3, help="stretches per batch size and server")
    parser.add_argument("--batches", type=int, nargs="*", default=BATCHES)
    parser.add_argument("--strict", action="store_true", help="end with 1 when the floor is missed")
    options = parser.parse_args()
    events = make_events(20_000)
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        subjects: list[Subject] = []
        try:
            subjects.append(Ours(Path(folder)))
            subjects.append(Plain(Path(folder)))
            for _ in range(options.rounds):
                for batch in options.batches:
                    bodies = make_bodies(events, batch)
                    for subject in subjects:
                        subject.measure(bodies, batch, options.seconds)
            holds = report(*subjects)
            return 1 if options.strict and not holds else 0
        finally:
            for subject in subjects:
                subject.stop()


if __name__ == "__main__":
    raise SystemExit(main())
