"""Events stored by our ingest beside the plain application of `plain_app.py`, and beside InfluxDB, interleaved in one run.

Ours is the production path: the ingest process (key, rules, plan, ids, log with fdatasync, drainer) and the store process behind
it; both count, and the clocks run until the last row is in the store. Rows are counted in all stores afterwards. Figures are
given per processor second, which other work on the machine hardly disturbs, and per second with all servers on one core.
Run: `python -m benchmarks.ingest_throughput [--seconds 3] [--rounds 3] [--influxd /usr/bin/influxd]`.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.ingest_subjects import CONNECTIONS, Influx, Ours, Plain, Subject
from benchmarks.traffic import make_bodies, make_events

BATCHES = (1, 10, 100, 1000)
EVENTS = 50_000
FLOORS = {"plain full": 5.0, "plain normal": 4.0}


def report(ours: Subject, others: list[Subject], parsed: float) -> bool:
    """Print the tables; whether the floors hold per second at every batch size."""
    rounds = len(next(iter(ours.results.values())))
    print(f"\nload average {os.getloadavg()[0]:.1f}, {CONNECTIONS} connections, best of {rounds} rounds")
    holds = True
    for other in others:
        print(f"\nours / {other.name}")
        heads = ("batch", "ev/cpu-s", "theirs", "ratio", "ev/s", "theirs", "ratio", "p50 ms", "theirs")
        print(" ".join(f"{head:>10}" for head in heads))
        per_cpu, per_second = [], []
        for batch in ours.results:
            mine, theirs = ours.best(batch), other.best(batch)
            per_cpu.append(mine.per_cpu / theirs.per_cpu)
            per_second.append(mine.per_second / theirs.per_second)
            cells = [str(batch), f"{mine.per_cpu:,.0f}", f"{theirs.per_cpu:,.0f}", f"{per_cpu[-1]:.1f}"]
            cells += [f"{mine.per_second:,.0f}", f"{theirs.per_second:,.0f}", f"{per_second[-1]:.1f}"]
            cells += [f"{mine.median:.1f}", f"{theirs.median:.1f}"]
            print(" ".join(f"{cell:>10}" for cell in cells))
        print(f"geometric mean per processor second {_mean(per_cpu):.1f}, per second {_mean(per_second):.1f}")
        floor = FLOORS.get(other.name)
        if floor is not None:
            holds = holds and min(per_second) >= floor
            print(f"the floor of {floor:.0f} per second {'holds' if min(per_second) >= floor else 'is missed'}")
    largest = max(ours.results)
    share = ours.best(largest).per_cpu / parsed
    print(f"\nat batch {largest}: {share:.3f} of the speed of only parsing the same bytes, {parsed:,.0f} events per cpu-second")
    return holds


def parsing_speed(body: bytes, events: int) -> float:
    """Events per processor second when the body is only read into dictionaries."""
    loads = _loads()
    best, deadline = 0.0, time.perf_counter() + 1.0
    while time.perf_counter() < deadline:
        begin = time.thread_time()
        for _ in range(10):
            loads(body)
        best = max(best, 10 * events / (time.thread_time() - begin))
    return best


def _loads() -> Callable[[bytes], Any]:
    try:
        loads: Callable[[bytes], Any] = importlib.import_module("orjson").loads
    except ImportError:  # equally fast
        loads = msgspec.json.decode
    return loads


def _mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> int:
    """Run and print; with `--strict` fail when a floor does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one stretch")
    parser.add_argument("--rounds", type=int, default=3, help="stretches per batch size and server")
    parser.add_argument("--batches", type=int, nargs="*", default=BATCHES)
    parser.add_argument("--influxd", help="InfluxDB 1.x to compare with")
    parser.add_argument("--only-ours", action="store_true", help="no comparison")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a floor is missed")
    options = parser.parse_args()
    events = make_events(EVENTS)
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        subjects: list[Subject] = []
        try:
            os.sched_setaffinity(0, {cores[0]})  # inherited by the servers
            subjects.append(Ours(Path(folder)))
            if not options.only_ours:
                subjects += [Plain(Path(folder), "FULL"), Plain(Path(folder), "NORMAL")]
            if options.influxd:
                subjects.append(Influx(Path(folder), options.influxd))
            os.sched_setaffinity(0, {cores[-1]})
            for _ in range(options.rounds):
                for batch in options.batches:
                    for subject in subjects:
                        subject.measure(events, batch, options.seconds)
            largest = max(options.batches)
            holds = report(subjects[0], subjects[1:], parsing_speed(make_bodies(events, largest)[0], largest))
            return 1 if options.strict and not holds else 0
        finally:
            for subject in subjects:
                subject.stop()


if __name__ == "__main__":
    raise SystemExit(main())
