"""What a server under load is to the ingest benchmarks, and those we are compared with: the plain application and InfluxDB."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.ingest.processes import processor_seconds
from benchmarks.ingest.traffic import (
    FRESH,
    MOST_BODIES,
    Load,
    Route,
    free_port,
    get_json,
    make_bodies,
    post,
    send_load,
    wait_for_port,
)

CONNECTIONS = 64
Events = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Stretch:
    """What one server did with one batch size: events per processor second and per second, milliseconds until half and until 99
    percent of the answers, and microseconds of processor time per event in each of its processes."""

    per_cpu: float
    per_second: float
    median: float
    slowest: float
    parts: tuple[float, ...]


@dataclass(frozen=True)
class Spread:
    """One figure over all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def __format__(self, kind: str) -> str:
        return f"{self.median:{kind}} [{self.least:{kind}}-{self.most:{kind}}]"


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
        routes = self.routes(events, batch)
        self.send(routes, 8, 0.2)
        self.settle()
        self.rest()
        self.run(batch, lambda: self.send(routes, CONNECTIONS, seconds))

    def rest(self) -> None:
        """Let pass what an earlier stretch has left to do in the background, so that this one does not pay for it."""

    def send(self, routes: Sequence[Route], connections: int, seconds: float) -> Load:
        """Send as fast as the answers come."""
        return send_load(routes, connections=connections, seconds=seconds)

    def run(self, batch: int, send: Callable[[], Load]) -> Load:
        """Measure what `send` does, verify it in the store, keep and print the figures."""
        before = self.stored()
        begin, busy = time.perf_counter(), self.processor_seconds()
        load = send()
        self.settle()
        wall = time.perf_counter() - begin
        spent = [end - start for start, end in zip(busy, self.processor_seconds(), strict=True)]
        self.check(load, self.stored() - before, batch)
        rows = load.answered * batch
        parts = tuple(one * 1e6 / rows for one in spent)
        slowest = statistics.quantiles(load.latencies, n=100)[98]
        result = Stretch(rows / sum(spent), rows / wall, statistics.median(load.latencies) * 1000, slowest * 1000, parts)
        each = " + ".join(f"{part:.1f}" for part in parts)
        print(
            f"{self.name:>14} batch {batch:>4}: {result.per_cpu:>9,.0f} events per cpu-second ({each} us),"
            f" {result.per_second:>9,.0f} per second, answers {result.median:.1f} ms, 99 % within {result.slowest:.1f}",
            flush=True,
        )
        self.results.setdefault(batch, []).append(result)
        return load

    def spread(self, batch: int, figure: Callable[[Stretch], float]) -> Spread:
        """A figure of all rounds of the batch size."""
        return Spread.of([figure(one) for one in self.results[batch]])

    def parts(self, batch: int) -> tuple[float, ...]:
        """Microseconds per event in each process, the median of all rounds."""
        rounds = [one.parts for one in self.results[batch]]
        return tuple(statistics.median(column) for column in zip(*rounds, strict=True))

    def routes(self, events: Events, batch: int) -> list[Route]:
        """What is sent where."""
        headers = f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
        return [Route(self.port, [post("/v1/events", headers, body) for body in make_bodies(events, batch)])]

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
        process = subprocess.Popen([*server, "benchmarks.ingest.plain_app:app"], env=environment)
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

    def routes(self, events: Events, batch: int) -> list[Route]:
        first = int(time.time()) - len(events)
        lines = [_line(event, first + number) for number, event in enumerate(events)]
        bodies = ["\n".join(lines[start : start + batch]) for start in range(0, min(len(lines), batch * MOST_BODIES), batch)]
        return [Route(self.port, [post("/write?db=bench", "", body.encode()) for body in bodies])]

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
