"""What scanning many rows costs: warehouse statements, our time and our memory, beside pulling the rows through polars.

    python -m benchmarks.scan_rows [--rows 50000000] [--peer-rows 10000000] [--events 1000]

Rows are made inside the engine. The scan groups, counts 24 hours and breaks them down by a column, all in the warehouse; only
aggregates travel. First the number of statements is compared between a few events and many: it must not differ. The peer pulls the
columns of the rows over the same connection as Arrow and groups them with polars; it runs in a process of its own, as the scan
does, so that the peak of memory is each one's own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from app.eventstore.address import StoreAddress
from benchmarks.scan_setup import bench, client_of, engine_process, generate

GOAL_MEGABYTES = 400
HOURS = 24


def peak_megabytes() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def scan(address: StoreAddress, database: str) -> dict[str, float]:
    """One first collection of everything."""
    with bench(address, database, metric_breakdown_columns=("country",), metric_breakdown_values_limit=5) as made:
        busy = time.process_time()
        taken, link, summary = made.collect(HOURS)
        busy = time.process_time() - busy
    return {
        "seconds": taken,
        "busy": busy,
        "warehouse": link.seconds,
        "statements": link.statements,
        "rows": float(summary["total_count"]),
        "megabytes": peak_megabytes(),
    }


def pull(address: StoreAddress, database: str) -> dict[str, float]:
    """The same counts from pulled rows."""
    import polars

    client = client_of(address, database)
    started, busy = time.perf_counter(), time.process_time()
    table = polars.from_arrow(client.query_arrow("SELECT kind, name, country, at FROM rows", use_strings=True))
    assert isinstance(table, polars.DataFrame)
    hour = polars.col("at").cast(polars.Int64) // 3600
    names = table.group_by("kind", "name").len()
    counts = table.group_by(hour.alias("hour"), "kind", "name").len()
    broken = table.group_by(hour.alias("hour"), "kind", "name", "country").len()
    taken, busy = time.perf_counter() - started, time.process_time() - busy
    client.close()
    assert names.height and broken.height >= counts.height
    return {"seconds": taken, "busy": busy, "rows": float(table.height), "megabytes": peak_megabytes()}


def engine_seconds(pid: int) -> float:
    """The processor's time that the engine's process had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def apart(what: str, address: StoreAddress, database: str) -> dict[str, float]:
    """The same in a process of its own."""
    given = json.dumps({"port": address.port, "secret": address.password, "database": database})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scan_rows", "--child", what], input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def child(what: str) -> None:
    """What `apart` started."""
    from app.eventstore.address import embedded_address

    given = json.load(sys.stdin)
    work = scan if what == "scan" else pull
    print(json.dumps(work(embedded_address(given["port"], given["secret"]), given["database"])))


def measure(rows: int, peer_rows: int, events: int) -> None:
    """Print the comparison."""
    with engine_process() as (address, pid):
        counts = []
        for some in (10, 100, events, 5 * events):
            generate(address, f"few_{some}", rows=200_000, events=some, hours=HOURS)
            counts.append(int(apart("scan", address, f"few_{some}")["statements"]))
            print(f"{some:6d} events: {counts[-1]} statements", flush=True)
        if len(set(counts)) != 1:
            raise SystemExit("the number of statements grows with the events")
        for database, size in (("peer", peer_rows), ("everything", rows)):
            started = time.perf_counter()
            generate(address, database, rows=size, events=events, hours=HOURS)
            print(f"made {size} rows in {time.perf_counter() - started:.0f} s", flush=True)
        found = []
        for what, database in (("scan", "peer"), ("pull", "peer"), ("scan", "everything")):
            before = engine_seconds(pid)
            one = apart(what, address, database)
            found.append({**one, "engine": engine_seconds(pid) - before})
            more = (
                f", {one['warehouse']:.2f} s of it in the warehouse, {one['statements']:.0f} statements" if what == "scan" else ""
            )
            print(
                f"{what:5s} {one['rows']:12.0f} rows {one['seconds']:7.2f} s{more}; processor: {one['busy']:.2f} s of ours, "
                f"{found[-1]['engine']:.2f} s of the engine; our peak {one['megabytes']:.0f} MB",
                flush=True,
            )
    ours, pulled, whole = found
    # Reading against reading: a scan also stores what it read, the peer does not.
    effort = (pulled["busy"] + pulled["engine"]) / ours["engine"]
    print(
        f"polars / scan over {peer_rows} rows: {pulled['seconds'] / ours['warehouse']:.1f} x the time to read and group, "
        f"{effort:.1f} x the processor, {pulled['megabytes'] / ours['megabytes']:.1f} x the memory"
    )
    print(f"our peak at {rows} rows {whole['megabytes']:.0f} MB, goal {GOAL_MEGABYTES} MB, load average {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--peer-rows", type=int, default=10_000_000)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
    else:
        measure(options.rows, options.peer_rows, options.events)


if __name__ == "__main__":
    main()
