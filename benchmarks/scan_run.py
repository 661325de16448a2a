"""How long one scheduled run takes apart from the warehouse: 24 complete buckets of 1,000 events that the plan knows.

    python -m benchmarks.scan_run [--events 1000] [--hours 24] [--runs 5]

A first run makes the plan; each measured run then finds as many fresh hours. The time is that of the whole run in this process
(catalog sync, counts, coverage, drifts, detection) less the time spent waiting for the warehouse. The goal is 2 seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from benchmarks.scan_setup import bench, engine_process, generate

GOAL_SECONDS = 2.0
FIRST_HOURS = 30


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    every = FIRST_HOURS + options.hours * options.runs
    own = []
    with engine_process() as (address, _):
        generate(address, "scanned", rows=2 * options.events * every, events=options.events, hours=every)
        with bench(address, "scanned", base_query="SELECT kind, name, at FROM rows") as made:
            made.collect(FIRST_HOURS)
            for run in range(1, options.runs + 1):
                busy = time.process_time()
                taken, link, summary = made.collect(FIRST_HOURS + options.hours * run)
                busy = time.process_time() - busy
                own.append(taken - link.seconds)
                print(
                    f"run {run}: {own[-1]:.2f} s of our own ({busy:.2f} s of processor), {link.seconds:.2f} s in the warehouse, "
                    f"{link.statements} statements, "
                    f"{summary['event_count']} events, {summary['metric_rows']} rows stored",
                    flush=True,
                )
    print(f"median {statistics.median(own):.2f} s, goal {GOAL_SECONDS} s, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
