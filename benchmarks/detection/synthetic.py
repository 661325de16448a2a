"""Seeded count series: daily and weekly shape, trend, Poisson to negative-binomial noise, with or without injected events."""

from __future__ import annotations

import numpy as np

from benchmarks.detection.series import DAY_SECONDS, Floats, LabelledSeries

# Interval in seconds, number of series, length in days.
PLAN = ((900, 24, 56), (3600, 40, 84), (21_600, 16, 182), (86_400, 40, 560))
_START = 1_700_006_400 - 1_700_006_400 % 604_800
_LAUNCH_RAMP_DAYS = (1, 21)
_DISPERSIONS = (0.0, 0.002, 0.01, 0.05, 0.2)
SMALLEST_EVENT = 5.0
_KINDS = ("spike", "drop", "shift", "outage")


def expected_counts(random: np.random.Generator, interval: int, days: int) -> Floats:
    """The true mean of each bucket: level x day shape x week shape x trend."""
    size = days * DAY_SECONDS // interval
    moment = _START + np.arange(size) * interval
    level = float(np.exp(random.uniform(np.log(0.2), np.log(1e5))))
    angle = 2 * np.pi * (moment % DAY_SECONDS) / DAY_SECONDS
    depth = random.uniform(0.1, 1.2)
    day = np.exp(
        depth * np.cos(angle - random.uniform(0, 2 * np.pi)) + 0.3 * depth * np.cos(2 * angle - random.uniform(0, 2 * np.pi))
    )
    if interval >= DAY_SECONDS:
        day = np.ones(size)
    weekday = (moment // DAY_SECONDS + 3) % 7
    week = np.where(weekday >= 5, random.uniform(0.4, 1.1), 1.0) * np.exp(random.normal(0, 0.05, 7))[weekday]
    trend = np.exp(random.uniform(-0.5, 0.7) * np.arange(size) / size)
    shape = day * week * trend
    return level * shape / shape.mean()


def draw(random: np.random.Generator, mean: Floats, dispersion: float) -> Floats:
    """Poisson, or negative binomial with variance mean + dispersion x mean^2."""
    if dispersion == 0:
        return random.poisson(mean).astype(np.float64)
    rate = random.gamma(1 / dispersion, dispersion * mean)
    return random.poisson(rate).astype(np.float64)


def _disturbed(random: np.random.Generator, kind: str, mean: Floats, values: Floats, dispersion: float) -> Floats:
    spread = np.sqrt(mean + dispersion * mean**2)
    size_in_sigma = random.uniform(4.0, 12.0)
    if kind == "spike":
        return np.asarray(values + np.ceil(size_in_sigma * spread))
    if kind == "drop":
        return np.maximum(0, np.floor(values - size_in_sigma * spread))
    if kind == "shift":
        return draw(random, mean * float(random.choice((0.4, 0.6, 1.5, 2.0))), dispersion)
    return np.zeros_like(values)


def _inject(random: np.random.Generator, mean: Floats, values: Floats, dispersion: float, share: Floats, per_day: int) -> None:
    """Write events into the series; none that moves the sum over its span by less than SMALLEST_EVENT sigma of that sum."""
    size = len(values)
    quiet_from = min(size // 3, 21 * max(per_day, 2))
    count = max(2, int((size - quiet_from) / (9 * max(per_day, 3))))
    for start in np.sort(random.choice(np.arange(quiet_from, size - 2 * per_day - 2), count, replace=False)):
        kind = _KINDS[int(random.integers(len(_KINDS)))]
        longest = 4 if kind in {"spike", "drop"} else 9 + per_day // 2
        shortest = 1 if kind in {"spike", "drop"} else 4
        span = slice(int(start), min(size, int(start) + int(random.integers(shortest, longest))))
        changed = _disturbed(random, kind, mean[span], values[span], dispersion)
        noise = float(np.sqrt((mean[span] + dispersion * mean[span] ** 2).sum()))
        is_visible = abs(float((changed - mean[span]).sum())) >= SMALLEST_EVENT * noise
        if is_visible and not share[max(0, span.start - per_day) : span.stop + per_day].any():
            values[span] = changed
            share[span] = 1.0


def generate(seed: int, *, with_events: bool) -> list[LabelledSeries]:
    """`synth` (with events) or `clean`; the same seed gives the same series."""
    random = np.random.default_rng(seed)
    made = []
    for interval, count, days in PLAN:
        for number in range(count):
            mean = expected_counts(random, interval, days)
            dispersion = float(random.choice(_DISPERSIONS))
            values = draw(random, mean, dispersion)
            share = np.zeros(len(values))
            per_day = max(1, DAY_SECONDS // interval)
            if with_events:
                _inject(random, mean, values, dispersion, share, per_day)
            name = f"{'synth' if with_events else 'clean'}-{interval}-{number}"
            timestamps = _START + np.arange(len(values), dtype=np.int64) * interval
            made.append(LabelledSeries(name, interval, timestamps, values, share, is_count=True))
    return made


def generate_launches(seed: int) -> list[LabelledSeries]:
    """`launch`: events that grow from nothing to their level within one to twenty days, half of them after a week of zeros."""
    random = np.random.default_rng(seed)
    made = []
    for interval, count, days in ((900, 16, 35), (3600, 32, 35)):
        for number in range(count):
            mean = expected_counts(random, interval, days)
            per_day = DAY_SECONDS // interval
            ramp = int(random.integers(*_LAUNCH_RAMP_DAYS)) * per_day
            before = 7 * per_day if number % 2 else 0
            growth = np.clip((np.arange(mean.size) + 1 - before) / ramp, 0.0, 1.0) ** random.uniform(0.7, 2.0)
            values = draw(random, mean * growth, float(random.choice(_DISPERSIONS)))
            timestamps = _START + np.arange(values.size, dtype=np.int64) * interval
            made.append(
                LabelledSeries(f"launch-{interval}-{number}", interval, timestamps, values, np.zeros(values.size), is_count=True)
            )
    return made
