"""Memory of the ingest and the store process over many minutes at full rate, and what lies in the log meanwhile.

Everything sent is counted in the store afterwards. A process counts as bounded when it holds, on average of the last third, at most
5 percent or 16 MiB more than in the middle third; the first third is left to warming up.
Run: `python -m benchmarks.ingest.memory [--minutes 30] [--batch 100] [--one-core]`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.processes import CLIENT_CORES, SERVER_CORES, end_cleanly, folder_size, load_line, resident_bytes, running_on
from benchmarks.ingest.subjects import CONNECTIONS
from benchmarks.ingest.traffic import make_events, send_load

EVENTS = 50_000
SAMPLES = 180
SHARE, BYTES = 1.05, 16 << 20
MIB = 1 << 20


@dataclass(frozen=True)
class Sample:
    """One look: seconds since the start, bytes of each process, and files and bytes of the log and of the store's folder."""

    second: float
    ingest: int
    store: int
    log_files: int
    log_bytes: int
    store_files: int
    store_bytes: int


class Watch(threading.Thread):
    """Looks every so often until it is told to stop."""

    def __init__(self, ours: Ours, every: float) -> None:
        super().__init__(daemon=True)
        self.samples: list[Sample] = []
        self._ours, self._every = ours, every
        self._stopped = threading.Event()
        self._begin = time.perf_counter()

    def run(self) -> None:
        while not self._stopped.wait(self._every):
            self.samples.append(self.look())

    def look(self) -> Sample:
        """How it is now."""
        ingest, store = self._ours.processes
        log = folder_size(self._ours.folder / "wal")
        table = folder_size(self._ours.folder / "eventstore")
        second = time.perf_counter() - self._begin
        return Sample(second, resident_bytes(ingest.pid), resident_bytes(store.pid), *log, *table)

    def stop(self) -> None:
        """No further look."""
        self._stopped.set()
        self.join()


def thirds(values: list[int]) -> tuple[float, float, float]:
    """The means of the first, the middle and the last third."""
    cut = len(values) // 3
    return statistics.fmean(values[:cut]), statistics.fmean(values[cut:-cut]), statistics.fmean(values[-cut:])


def is_bounded(values: list[int]) -> bool:
    """Whether the last third holds hardly more than the middle one."""
    _, middle, last = thirds(values)
    return last <= max(middle * SHARE, middle + BYTES)


def report(samples: list[Sample]) -> bool:
    """Print the course and the verdict; whether both processes are bounded."""
    heads = ("minute", "ingest MiB", "store MiB", "log files", "log MiB", "table files", "table MiB")
    print(" ".join(f"{head:>11}" for head in heads))
    for sample in samples[:: max(1, len(samples) // 15)]:
        sizes = (sample.log_files, sample.log_bytes // MIB, sample.store_files, sample.store_bytes // MIB)
        cells = (f"{sample.second / 60:.1f}", sample.ingest // MIB, sample.store // MIB, *sizes)
        print(" ".join(f"{cell:>11}" for cell in cells))
    holds = True
    for name in ("ingest", "store"):
        values = [getattr(sample, name) for sample in samples]
        means = " ".join(f"{mean / MIB:.0f}" for mean in thirds(values))
        bounded = is_bounded(values)
        holds = holds and bounded
        print(f"{name}: means of the thirds {means} MiB, peak {max(values) / MIB:.0f}: {'bounded' if bounded else 'GROWS'}")
    logs = [sample.log_bytes for sample in samples]
    files = max(sample.log_files for sample in samples)
    print(f"log: at most {files} files and {max(logs) / MIB:.0f} MiB, median {statistics.median(logs) / MIB:.0f} MiB")
    return holds


def main() -> int:
    """Run and print; 1 when memory is not bounded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--one-core", action="store_true", help="client and servers share one core")
    options = parser.parse_args()
    end_cleanly()
    events = make_events(EVENTS)
    client_cores = SERVER_CORES if options.one_core else CLIENT_CORES
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        with running_on(SERVER_CORES):
            ours = Ours(Path(folder) / "ours")
        try:
            watch = Watch(ours, options.minutes * 60 / SAMPLES)
            watch.start()
            begin = time.perf_counter()
            with running_on(client_cores):
                load = send_load(ours.routes(events, options.batch), connections=CONNECTIONS, seconds=options.minutes * 60)
            watch.stop()
            ours.settle()
            seconds = time.perf_counter() - begin
            rows = ours.stored()
            ours.check(load, rows, options.batch)
            print(f"{rows:,} events of {options.batch} a request in {seconds / 60:.1f} minutes, none lost,", end=" ")
            print(f"{rows / seconds:,.0f} a second until stored; {load.delayed} requests told to come again; {load_line()}")
            holds = report(watch.samples)
            after = watch.look()
            print(f"when all is stored: ingest {after.ingest / MIB:.0f} MiB, store {after.store / MIB:.0f} MiB,", end=" ")
            print(f"log {after.log_files} files, {after.log_bytes / MIB:.1f} MiB; table {after.store_bytes / rows:.0f} bytes a row")
            return 0 if holds else 1
        finally:
            ours.stop()


if __name__ == "__main__":
    raise SystemExit(main())
