"""Variants of our own ingest beside each other in one run, compared with the first of them."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.processes import CLIENT_CORES, SERVER_CORES, end_cleanly, load_line, running_on
from benchmarks.ingest.subjects import CONNECTIONS, Events, Spread, Stretch
from benchmarks.ingest.traffic import make_events

EVENTS = 50_000
Make = Callable[[Path], Ours]


def parser(text: str | None, batches: Sequence[int]) -> argparse.ArgumentParser:
    """The options that all comparisons have."""
    found = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--seconds", type=float, default=2.0, help="length of one stretch")
    found.add_argument("--rounds", type=int, default=3, help="stretches per batch size and variant")
    found.add_argument("--batches", type=int, nargs="*", default=list(batches))
    return found


def compare(makers: Sequence[Make], options: argparse.Namespace, *, cores: Collection[int] = SERVER_CORES) -> None:
    """Start the variants on `cores`, measure them in turns and print the medians beside those of the first variant."""
    end_cleanly()
    events: Events = make_events(EVENTS)
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        variants: list[Ours] = []
        try:
            with running_on(cores):
                variants += [make(Path(folder) / str(number)) for number, make in enumerate(makers)]
            with running_on(CLIENT_CORES):
                for _ in range(options.rounds):
                    for batch in options.batches:
                        for variant in variants:
                            variant.measure(events, batch, options.seconds)
            for variant in variants:
                variant.verify()
            _report(variants, options)
        finally:
            for variant in variants:
                variant.stop()


def _report(variants: Sequence[Ours], options: argparse.Namespace) -> None:
    print(f"\n{load_line()}, {CONNECTIONS} connections, medians of {options.rounds} rounds [least-most]")
    for batch in options.batches:
        print()
        first = variants[0].results[batch]
        for variant in variants:
            per_cpu = variant.spread(batch, lambda one: one.per_cpu)
            per_second = variant.spread(batch, lambda one: one.per_second)
            ratio = _ratio(variant.results[batch], first, lambda one: one.per_cpu)
            pace = _ratio(variant.results[batch], first, lambda one: one.per_second)
            each = " + ".join(f"{part:.1f}" for part in variant.parts(batch))
            print(f"{variant.name:>16} batch {batch:>4}: {per_cpu:,.0f} per cpu-second ({each} us), x {ratio:.2f};", end=" ")
            print(f"{per_second:,.0f} per second, x {pace:.2f}")


def _ratio(mine: Sequence[Stretch], first: Sequence[Stretch], figure: Callable[[Stretch], float]) -> Spread:
    """Round by round, because the rounds lie beside each other in time."""
    return Spread.of([figure(one) / figure(other) for one, other in zip(mine, first, strict=True)])


def median_rate(subject: Ours, batch: int) -> float:
    """Events per second in the middle round."""
    return statistics.median(one.per_second for one in subject.results[batch])
