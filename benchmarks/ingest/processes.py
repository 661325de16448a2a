"""What the kernel says of the processes under load: time, memory, files; and on which cores they may run."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
ALL_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = ALL_CORES[:1]
CLIENT_CORES = ALL_CORES[-1:]


@contextlib.contextmanager
def running_on(cores: Collection[int]) -> Iterator[None]:
    """Within it this process, and what it starts, runs on these cores; what it started stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(pids: Sequence[int]) -> float:
    """User and system time of the processes and their children so far."""
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        total += processor_seconds([int(child) for child in children])
    return total


def wait_until_quiet(pids: Sequence[int], seconds: float = 120) -> None:
    """Until the processes have done what they begin with, compiling among it: two seconds with hardly any processor time."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 4 and time.monotonic() < deadline:
        before = processor_seconds(pids)
        time.sleep(0.5)
        quiet = quiet + 1 if processor_seconds(pids) - before <= 0.02 else 0


def resident_bytes(pid: int) -> int:
    """What the process holds in memory of its own; program text and other pages of files are left out."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))) * 1024


def folder_size(folder: Path) -> tuple[int, int]:
    """Files below the folder and their bytes; those that vanish meanwhile are left out."""
    files = size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += (Path(parent) / name).stat().st_size
                files += 1
    return files, size


def load_line() -> str:
    """How busy the machine is with all that runs on it, for the head of a report."""
    return f"{len(ALL_CORES)} cores, load average {os.getloadavg()[0]:.1f}"


def end_cleanly() -> None:
    """On SIGTERM leave as by an exception, so that what was started is stopped."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
