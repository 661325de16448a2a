"""The numeric companion: compression is blind to magnitude, so numbers are watched by mean and spread (contract A.6)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LEAST_VALUES: Final = 30
SIGMAS: Final = 3.0
_LONE_SIGMAS: Final = 8.0
_LEAST_SHIFT: Final = 1.0
_LEAST_WINDOW: Final = 5


@dataclass(slots=True)
class Spread:
    """Mean and variance in one pass (Welford 1962)."""

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one more value."""
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self._squares += delta * (value - self.mean)

    @property
    def deviation(self) -> float:
        """The standard deviation of the sample; 0 below two values."""
        return math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number that left its range. `threshold` is the nearest value that would still be usual."""

    name: str
    value: float
    threshold: float
    unit: str


def indicators(baseline: Sequence[Mapping[str, float]], window: Sequence[Mapping[str, float]]) -> list[Indicator]:
    """Paths whose mean moved by more than three standard errors and one deviation, or of which one value lies eight deviations
    off; only paths with thirty baseline values that vary."""
    spreads: dict[str, Spread] = defaultdict(Spread)
    for numbers in baseline:
        for path, value in numbers.items():
            if math.isfinite(value):
                spreads[path].add(value)
    found = []
    for path, spread in sorted(spreads.items()):
        values = [numbers[path] for numbers in window if path in numbers and math.isfinite(numbers[path])]
        if spread.count < LEAST_VALUES or not values or spread.deviation == 0:
            continue
        indicator = _shift(path, spread, values) or _lone(path, spread, values)
        if indicator is not None:
            found.append(indicator)
    return found


def _shift(path: str, spread: Spread, values: Sequence[float]) -> Indicator | None:
    mean = sum(values) / len(values)
    error = spread.deviation * math.sqrt(1 / len(values) + 1 / spread.count)
    least = max(SIGMAS * error, _LEAST_SHIFT * spread.deviation)
    if len(values) < _LEAST_WINDOW or abs(mean - spread.mean) <= least:
        return None
    return Indicator(path, mean, spread.mean + math.copysign(least, mean - spread.mean), _unit(path))


def _lone(path: str, spread: Spread, values: Sequence[float]) -> Indicator | None:
    worst = max(values, key=lambda value: abs(value - spread.mean))
    if abs(worst - spread.mean) <= _LONE_SIGMAS * spread.deviation:
        return None
    return Indicator(path, worst, spread.mean + math.copysign(SIGMAS * spread.deviation, worst - spread.mean), _unit(path))


def _unit(path: str) -> str:
    return "ms" if path.rpartition(".")[2] in ("duration", "latency") else ""
