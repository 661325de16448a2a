"""How long producers wait for the answer when they send at 80 percent of what the ingest can take.

First the full rate is measured, then requests leave at random moments (Poisson) at four fifths of it, whether or not answers have
come, and each is timed from the moment at which it was due: waiting for a free connection, and up to a millisecond of the client's
own timer, count. Run: `python -m benchmarks.ingest.answers [--rounds 3] [--batches 1 10 100] [--share 0.8]`.
"""

from __future__ import annotations

import itertools
import random
import selectors
import socket
import statistics
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import cast

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.processes import CLIENT_CORES, SERVER_CORES, end_cleanly, load_line, running_on
from benchmarks.ingest.subjects import Spread
from benchmarks.ingest.traffic import GOOD, Load, Route, connected, fresh, make_events
from benchmarks.ingest.variants import EVENTS, median_rate, parser

CONNECTIONS = 256


def send_at_rate(route: Route, rate: float, seconds: float) -> Load:
    """Requests at random moments, `rate` a second on average; `latencies` begin when each was due."""
    poll = selectors.DefaultSelector()
    idle: deque[socket.socket] = deque()
    due: deque[float] = deque()
    started: dict[socket.socket, float] = {}
    latencies: list[float] = []
    delayed = 0
    dice, requests = random.Random(11), itertools.cycle(route.requests)
    for _ in range(CONNECTIONS):
        peer = connected(route.port)
        poll.register(peer, selectors.EVENT_READ)
        idle.append(peer)
    begin = time.perf_counter()
    following = begin
    while following < begin + seconds or due or started:
        now = time.perf_counter()
        while following <= now and following < begin + seconds:
            due.append(following)
            following += dice.expovariate(rate)
        while due and idle:
            peer = idle.popleft()
            started[peer] = due.popleft()
            peer.sendall(fresh(next(requests)))
        for entry, _ in poll.select(max(0.0, min(following - now, 1.0))):
            peer = cast("socket.socket", entry.fileobj)
            answer = peer.recv(65_536)
            moment = started.pop(peer)
            idle.append(peer)
            if answer.startswith(b"HTTP/1.1 503"):
                delayed += 1
                due.append(moment)
            elif answer.startswith(GOOD):
                latencies.append(time.perf_counter() - moment)
            else:
                raise SystemExit(f"refused: {answer[:300]!r}")
    for peer in idle:
        peer.close()
    return Load(len(latencies), delayed, time.perf_counter() - begin, latencies)


def main() -> None:
    """Run and print."""
    options_of = parser(__doc__, (1, 10, 100))
    options_of.add_argument("--share", type=float, default=0.8, help="of the full rate")
    options = options_of.parse_args()
    end_cleanly()
    events = make_events(EVENTS)
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        with running_on(SERVER_CORES):
            ours = Ours(Path(folder) / "ours")
        try:
            with running_on(CLIENT_CORES):
                for batch in options.batches:
                    lines.append(_answers(ours, events, batch, options.share, options.seconds, options.rounds))
        finally:
            ours.stop()
    print(f"\n{load_line()}, {options.share:.0%} of the full rate, medians of {options.rounds} rounds [least-most]")
    print("\n".join(lines))


def _answers(ours: Ours, events: list[dict[str, object]], batch: int, share: float, seconds: float, rounds: int) -> str:
    (route,) = ours.routes(events, batch)
    halves, slowest, offered = [], [], []
    for _ in range(rounds):
        ours.measure(events, batch, seconds)
        rate = share * median_rate(ours, batch) / batch
        full = ours.results.pop(batch)
        load = ours.run(batch, lambda rate=rate: send_at_rate(route, rate, seconds))  # type: ignore[misc]
        ours.results[batch] = full
        halves.append(statistics.median(load.latencies) * 1000)
        slowest.append(statistics.quantiles(load.latencies, n=100)[98] * 1000)
        offered.append(rate)
    rates = f"{statistics.median(offered):,.0f} requests a second"
    return f"batch {batch:>4}: {rates}, p50 {Spread.of(halves):.1f} ms, p99 {Spread.of(slowest):.1f} ms"


if __name__ == "__main__":
    main()
