"""Events stored by our ingest beside the plain application of `plain_app.py`, and beside InfluxDB, interleaved in one run.

Ours is the production path: the ingest process (key, rules, plan, ids, log with fdatasync, drainer) and the store process behind
it; both count, and the clocks run until the last row is in the store. Rows are counted in all stores afterwards. Figures are
given per processor second, which other work on the machine hardly disturbs, and per second with all servers on one core, as
medians of the rounds.
Run: `python -m benchmarks.ingest.throughput [--seconds 3] [--rounds 3] [--influxd /usr/bin/influxd]`.
"""

from __future__ import annotations

import argparse
import importlib
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.processes import CLIENT_CORES, SERVER_CORES, end_cleanly, load_line, running_on
from benchmarks.ingest.subjects import CONNECTIONS, Influx, Plain, Spread, Stretch, Subject
from benchmarks.ingest.traffic import make_bodies, make_events

BATCHES = (1, 10, 100, 1000)
EVENTS = 50_000
FLOORS = {"plain full": 5.0, "plain normal": 4.0}
PER_CPU, PER_SECOND = attrgetter("per_cpu"), attrgetter("per_second")
MEDIAN, SLOWEST = attrgetter("median"), attrgetter("slowest")


def report(ours: Subject, others: list[Subject], parsed: float) -> bool:
    """Print the tables; whether the floors hold per processor second at every batch size."""
    rounds = len(next(iter(ours.results.values())))
    print(f"\n{load_line()}, {CONNECTIONS} connections, medians of {rounds} rounds [least-most]")
    print("\nours, microseconds of processor time per event")
    for batch in ours.results:
        ingest, store = ours.parts(batch)
        answers = f"answers {ours.spread(batch, MEDIAN):.1f} ms, 99 % within {ours.spread(batch, SLOWEST):.1f} ms"
        print(f"batch {batch:>4}: ingest {ingest:.1f} + store {store:.1f}, {answers}")
    holds = True
    for other in others:
        print(f"\nours / {other.name}")
        floor = FLOORS.get(other.name)
        for title, figure in (("per cpu-second", PER_CPU), ("per second", PER_SECOND)):
            ratios = [_compare(ours, other, batch, title, figure) for batch in ours.results]
            verdict = ""
            if floor is not None:
                is_held = min(ratios) >= floor
                verdict = f", the floor of {floor:.0f} {'holds' if is_held else 'is missed'}"
                holds = holds and (is_held or figure is not PER_CPU)
            print(f"geometric mean {title}: {_mean(ratios):.2f}, least {min(ratios):.2f}{verdict}")
    largest = max(ours.results)
    share = ours.spread(largest, PER_CPU).median / parsed
    print(f"\nat batch {largest}: {share:.3f} of the speed of only parsing the same bytes, {parsed:,.0f} events per cpu-second")
    return holds


def _compare(ours: Subject, other: Subject, batch: int, title: str, figure: Callable[[Stretch], float]) -> float:
    """Print one line; the median of the ratios of the rounds, which lie beside each other in time."""
    ratios = [figure(mine) / figure(theirs) for mine, theirs in zip(ours.results[batch], other.results[batch], strict=True)]
    mine, theirs = ours.spread(batch, figure), other.spread(batch, figure)
    print(f"batch {batch:>4} {title:>14}: {mine:,.0f}, theirs {theirs:,.0f}, ratio {Spread.of(ratios):.2f}")
    return statistics.median(ratios)


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
    """Run and print; with `--strict` fail when a floor per processor second does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one stretch")
    parser.add_argument("--rounds", type=int, default=3, help="stretches per batch size and server")
    parser.add_argument("--batches", type=int, nargs="*", default=BATCHES)
    parser.add_argument("--influxd", help="InfluxDB 1.x to compare with")
    parser.add_argument("--only-ours", action="store_true", help="no comparison")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a floor is missed")
    options = parser.parse_args()
    end_cleanly()
    events = make_events(EVENTS)
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        subjects: list[Subject] = []
        try:
            with running_on(SERVER_CORES):
                subjects.append(Ours(Path(folder) / "ours"))
                if not options.only_ours:
                    subjects += [Plain(Path(folder), "FULL"), Plain(Path(folder), "NORMAL")]
                if options.influxd:
                    subjects.append(Influx(Path(folder), options.influxd))
            with running_on(CLIENT_CORES):
                for _ in range(options.rounds):
                    for batch in options.batches:
                        for subject in subjects:
                            subject.measure(events, batch, options.seconds)
                largest = max(options.batches)
                parsed = parsing_speed(make_bodies(events, largest)[0], largest)
            holds = report(subjects[0], subjects[1:], parsed)
            return 1 if options.strict and not holds else 0
        finally:
            for subject in subjects:
                subject.stop()


if __name__ == "__main__":
    raise SystemExit(main())
