"""How long metric queries over audit records take, beside the same question put to the raw records.

    python -m benchmarks.audit [--records 10000000] [--requests 40]

The records are made inside an embedded event store in a temporary folder: one account, thirty days, one in ten of another
application. The peer is the statement a first draft would write: it reads the JSON of every record. Both run in one process
after each other; the ratio is to the peer in the same run.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.audit import records
from app.audit.contracts import Bucket
from app.audit.figures import RecordFilter
from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE, answers, embedded_address
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.service import set_event_store

BUCKET = Bucket("audit_benchmark", "benchmark")
DAYS = 30
STOP = datetime(2026, 11, 1, tzinfo=UTC)
START = STOP - timedelta(days=DAYS)
PART = 500_000
GOAL_MILLISECONDS = 300.0
_FILL = """
INSERT INTO {database}.events
  (tenant_id, project_id, kind, source, name, time, received_at, id, severity, status, value, environment, properties)
SELECT '{tenant}', '{project}', 'audit', if(number % 10 = 0, 'billing', 'shop'), concat('event_', toString(number % 40)),
  fromUnixTimestamp64Milli({start} + intDiv(number * {span}, {records}), 'UTC') AS at, at, toString(generateUUIDv4(number)),
  ['info', 'warning', 'error'][1 + number % 3], if(number % 17 = 0, 'error', 'success'), toFloat64(number % 900) + 0.5,
  if(number % 5 = 0, 'staging', 'production'),
  concat(
    '{{"actor":{{"detail":{{"user":"u', toString(number % 5000), '"}},"origin":"10.0.', toString(number % 250),
    '.1"}},"category":"security","event":{{"affectedResources":1,"cpuUsage":', toString(number % 100),
    ',"description":"something that happened to somebody","detail":null,"latency":', toString(number % 300 + 0.25),
    ',"memoryUsage":null,"name":"event_', toString(number % 40), '","stage":1,"totalDuration":', toString(number % 900 + 0.5),
    ',"type":"type_', toString(number % 8), '"}},"metadata":{{"session":"s', toString(number % 9000),
    '"}},"method":"POST","metrics":{{"price":', toString(number % 1000 / 10), '}},"resource":{{"detail":null,"id":"r',
    toString(number % 700), '","name":"order","type":"row"}}}}')
FROM numbers({offset}, {count})
"""
_PEER = """
SELECT JSONExtractString(properties, 'event', 'type') AS g, intDiv(toUnixTimestamp64Milli(time), {{step:Int64}}) AS w,
  avg(JSONExtract(properties, 'metrics', 'price', 'Nullable(Float64)'))
FROM {database}.events
WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'audit'
  AND JSONExtractString(properties, 'category') = 'security' AND source = 'shop' GROUP BY g, w ORDER BY g, w
"""


@contextmanager
def store() -> Iterator[ClickHouseEventStore]:
    """An embedded event store in a temporary folder, with its tables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = secrets.token_urlsafe(24)
    address = embedded_address(port, secret)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PLUMBLINE_DATA_DIR": str(Path(folder)), PORT_VARIABLE: str(port), SECRET_VARIABLE: secret}
        process = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"], env=environment)
        try:
            while not answers(address, 1.0):
                if process.poll() is not None:
                    raise SystemExit("the event store did not start")
                time.sleep(0.05)
            client = ClickHouseEventStore(address)
            client.ensure_schema(36500)
            yield client
            client.close()
        finally:
            process.terminate()
            process.wait()


def fill(client: ClickHouseEventStore, count: int) -> None:
    """So many records over the days, in parts."""
    span = int(DAYS * 86_400_000)
    for offset in range(0, count, PART):
        statement = _FILL.format(
            database=client.address.database, tenant=BUCKET.tenant_id, project=BUCKET.project_id,
            start=int(START.timestamp() * 1000), span=span, records=count, offset=offset, count=min(PART, count - offset),
        )  # fmt: skip
        client._connected().command(statement)


def milliseconds(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and 95th percentile."""
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def measure(count: int, requests: int) -> None:
    """Print the table."""
    wanted = RecordFilter("security", "shop", START, STOP)
    day, hour = timedelta(days=1), timedelta(hours=1)
    questions: dict[str, Callable[[], object]] = {
        "own metric, mean by day": lambda: records.metric(BUCKET, "price", wanted, day, "mean", None),
        "own metric, mean by day and type": lambda: records.metric(BUCKET, "price", wanted, day, "mean", "event_type"),
        "latency, median by hour": lambda: records.metric(BUCKET, "latency", wanted, hour, "median", None),
        "duration, sum by hour and status": lambda: records.metric(BUCKET, "event_duration", wanted, hour, "sum", "status"),
        "cpu, last by day": lambda: records.metric(BUCKET, "cpu_usage", wanted, day, "last", None),
        "records by status and day": lambda: records.counts(BUCKET, "status", wanted, day),
        "names of metrics": lambda: records.metric_names(BUCKET),
        "first page of the list": lambda: records.listed(BUCKET, wanted, 1),
    }
    with store() as client:
        set_event_store(client)
        started = time.perf_counter()
        fill(client, count)
        print(f"{count} records made in {time.perf_counter() - started:.0f} s, {os.cpu_count()} processors")
        peer, _ = milliseconds(lambda: client.select(_PEER, BUCKET.tenant_id, BUCKET.project_id, {"step": 86_400_000}), 3)
        print(f"{'peer: mean by day and type from JSON':<40} {peer:>9.0f} ms")
        print(f"{'':<40} {'median':>9}    {'p95':>9}    {'peer / it':>9}")
        for name, work in questions.items():
            middle, high = milliseconds(work, requests)
            verdict = "" if high <= GOAL_MILLISECONDS else f"   above the goal of {GOAL_MILLISECONDS:.0f} ms"
            print(f"{name:<40} {middle:>9.1f} ms {high:>9.1f} ms {peer / middle:>8.1f}x{verdict}")
        set_event_store(None)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--requests", type=int, default=40)
    given = parser.parse_args()
    measure(given.records, given.requests)


if __name__ == "__main__":
    main()
