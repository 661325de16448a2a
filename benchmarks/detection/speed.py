"""Speed and memory on one core: `python -m benchmarks.detection.speed`."""

from __future__ import annotations

import argparse
import time

import numpy as np

from app.detection.contracts import DetectionSettings
from app.detection.engine.adaptive import Rules, advance, replay, start
from app.detection.engine.baseline import history_needed
from app.detection.engine.compiled import CODE
from app.detection.engine.judging import judge
from app.detection.engine.matrix import CountMatrix
from app.detection.evaluation import TRAILING_BUCKETS
from app.kernel.intervals import Interval

GOALS = "one new bucket of 10,000 series < 60 ms; replay >= 1 million series-buckets/s; state <= 60 MB per 10,000 hourly series"
_START = 1_700_006_400 - 1_700_006_400 % 604_800


def counts(random: np.random.Generator, series: int, buckets: int, interval: int) -> np.ndarray:
    moment = _START + np.arange(buckets) * interval
    day = 1.0 + 0.6 * np.sin(2 * np.pi * (moment % 86_400) / 86_400)
    level = np.exp(random.uniform(np.log(0.2), np.log(1e5), series))
    return random.poisson(level[:, None] * day[None, :]).astype(np.float64)


def first_call() -> float:
    began = time.perf_counter()
    state = start(3600, True)
    replay(state, _START + 3600 * np.arange(3), np.zeros((1, 3)), Rules())
    advance(state, _START + 3 * 3600, [0.0], Rules())
    return time.perf_counter() - began


def live(series: int, interval: int, is_count: bool) -> tuple[float, float, float]:
    """Median and best milliseconds of a new bucket, and megabytes of state, after four weeks of history."""
    random = np.random.default_rng(7)
    history, new = 28 * 86_400 // interval, 15
    shapes = counts(random, 200, history + new, interval)
    table = shapes[np.arange(series) % 200]
    state = start(interval, is_count, series)
    for first in range(0, series, 1000):
        part = start(interval, is_count, min(1000, series - first))
        replay(part, _START + interval * np.arange(history), table[first : first + 1000, :history], Rules())
        state.records[first : first + 1000] = part.records
        state.last_bucket = part.last_bucket
    spent = []
    for bucket in range(history, history + new):
        column = np.ascontiguousarray(table[:, bucket])
        began = time.perf_counter()
        advance(state, _START + interval * bucket, column, Rules())
        spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent)), min(spent), state.records.nbytes / 1e6


def replay_rate(interval: int, is_count: bool) -> float:
    """Million series-buckets a second over eight weeks."""
    random = np.random.default_rng(8)
    buckets = 56 * 86_400 // interval
    table = counts(random, max(8, 400_000 // buckets), buckets, interval)
    values = table if is_count else table + random.normal(0, 0.01, table.shape)
    rates = []
    for _ in range(3):
        state = start(interval, is_count, table.shape[0])
        began = time.process_time()
        replay(state, _START + interval * np.arange(buckets), values, Rules())
        rates.append(table.size / (time.process_time() - began) / 1e6)
    return max(rates)


def evaluation(series: int, interval: Interval) -> tuple[int, float]:
    """Buckets judged and processor seconds of what follows each collection: the newest buckets with the history they need."""
    settings = DetectionSettings()
    buckets = history_needed(interval, settings) + TRAILING_BUCKETS
    table = counts(np.random.default_rng(9), min(series, 500), buckets, interval.seconds)
    matrix = CountMatrix(interval, _START // interval.seconds, np.ascontiguousarray(table[np.arange(series) % len(table)].T))
    began = time.process_time()
    judge(matrix, settings)
    return buckets, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    arguments = parser.parse_args()
    is_warm = any(CODE.folder.rglob("*.nbi"))
    print(f"first call {first_call():.1f} s ({'machine code from the cache' if is_warm else 'compiled'})")
    for label, interval in (("15m", 900), ("1h", 3600), ("6h", 21_600), ("1d", 86_400)):
        for is_count in (True, False):
            rate = replay_rate(interval, is_count)
            kind = "counts" if is_count else "metrics"
            print(f"{label:4} {kind:8} replay {rate:5.2f} million series-buckets/s", flush=True)
        median, best, megabytes = live(arguments.series, interval, True)
        timing = f"{median:.1f} ms median, {best:.1f} best; state {megabytes:.1f} MB"
        print(f"{label:4} one new bucket of {arguments.series:,} series: {timing}", flush=True)
    for width in (Interval.QUARTER_HOUR, Interval.HOUR, Interval.SIX_HOURS, Interval.DAY):
        buckets, seconds = evaluation(arguments.series, width)
        rate = buckets * arguments.series / seconds / 1e6
        print(
            f"{width.value:4} baseline after a collection: {arguments.series:,} series of {buckets:,} buckets in {seconds:.1f} s,"
        )
        print(f"     {seconds / width.seconds:.2%} of the interval; {rate:.1f} million series-buckets/s", flush=True)
    print(f"Goals: {GOALS}")


if __name__ == "__main__":
    main()
