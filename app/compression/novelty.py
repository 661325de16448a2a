"""The conditional-novelty permutation test with the figures reported beside it (contract A.6).

Decided by: n = C(BW) - C(B), against the same figure when the lines of baseline and window are shuffled; p = (1 + k) / (1 + N).
Normalised compression distance, ratios and entropies are reported and decide nothing: they compare unequal lengths.

Two foreign lines in a window of twenty cannot reach p = 0.01 against a baseline of a hundred: shuffling puts both back into the
window once in forty times. A few foreign lines therefore count at a weaker p, when each is far more novel than any line of the
baseline is against the others.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import zstandard

SEED: Final = 42
LEVEL: Final = 3
FIRST_PERMUTATIONS: Final = 199
MOST_PERMUTATIONS: Final = 1999
SIGNIFICANT: Final = 0.01
LEAST_EFFECT: Final = 1.15
_WORTH_MORE: Final = 0.05
# When this many lines of a window are this many times as novel as the most novel line of the baseline, a p this many times as
# large is enough.
_FOREIGN_LINES: Final = 2
_FOREIGN_TIMES: Final = 2.0
_FOREIGN_LENIENCY: Final = 5
_MOST_COMPARED: Final = 200
_SEVERITIES: Final = ((2.5, "critical"), (1.5, "high"), (LEAST_EFFECT, "medium"))

Compress = Callable[[bytes], int]
"""The compressed length of the bytes."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """What the test found. Ratios are raw by compressed length, entropies bits per byte; those of the baseline are of a slice
    as long as the window. `foreign_lines` are counted only where they decide."""

    is_anomaly: bool
    p_value: float
    effect: float
    permutations: int
    ncd: float
    window_ratio: float
    baseline_ratio: float
    window_entropy: float
    baseline_entropy: float
    foreign_lines: int = 0

    @property
    def confidence(self) -> float:
        """How sure the test is that the window is of another kind."""
        return 1 - self.p_value

    @property
    def severity(self) -> str:
        """By the effect; low for what is no anomaly."""
        if not self.is_anomaly:
            return "low"
        return next((name for least, name in _SEVERITIES if self.effect >= least), "low")

    @property
    def ratio_change(self) -> float:
        """How much more regular the window is than the baseline's slice; a drop is negative."""
        return (self.window_ratio - self.baseline_ratio) / self.baseline_ratio if self.baseline_ratio else 0.0

    @property
    def entropy_change(self) -> float:
        """How much more mixed its bytes are."""
        return (self.window_entropy - self.baseline_entropy) / max(self.baseline_entropy, 0.001)


def zstd_length(data: bytes) -> int:
    """The length after zstd at level 3."""
    return len(zstandard.ZstdCompressor(level=LEVEL).compress(data))


def judge(
    baseline: Sequence[str],
    window: Sequence[str],
    *,
    significant: float = SIGNIFICANT,
    least_effect: float = LEAST_EFFECT,
    seed: int = SEED,
    compress: Compress = zstd_length,
) -> Novelty:
    """Whether the window holds what the baseline does not: at most `significant` of shuffled windows are as novel, or five times
    as many when two lines or more are foreign, and it is `least_effect` times as novel as they are on average. Deterministic.
    ValueError when either is empty."""
    if not baseline or not window:
        raise ValueError("baseline and window each need a line")
    encoded = [f"{line}\n".encode("utf-8", "surrogatepass") for line in (*baseline, *window)]
    count = len(baseline)
    observed = _novelty(encoded, count, compress)
    generator = random.Random(seed)  # noqa: S311 - a test statistic, not a secret
    order = list(encoded)
    permuted: list[int] = []
    while len(permuted) < FIRST_PERMUTATIONS or (len(permuted) < MOST_PERMUTATIONS and _p(permuted, observed) <= _WORTH_MORE):
        generator.shuffle(order)
        permuted.append(_novelty(order, count, compress))
        if len(permuted) >= FIRST_PERMUTATIONS and _p(permuted, observed) > _WORTH_MORE:
            break
        if len(permuted) == FIRST_PERMUTATIONS * 5 and _p(permuted, observed) <= significant / 5:
            break  # clear enough; more draws would change no decision
    p_value = _p(permuted, observed)
    usual = sum(permuted) / len(permuted)
    effect = observed / usual if usual > 0 else (math.inf if observed > 0 else 1.0)
    is_anomaly, foreign = p_value <= significant and effect >= least_effect, 0
    if not is_anomaly and effect >= least_effect and p_value <= min(_FOREIGN_LENIENCY * significant, _WORTH_MORE):
        foreign = _foreign_lines(encoded[:count], encoded[count:], compress)
        is_anomaly = foreign >= _FOREIGN_LINES
    b, w = b"".join(encoded[:count]), b"".join(encoded[count:])
    slice_ = b[-len(w) :]
    return Novelty(
        is_anomaly=is_anomaly,
        p_value=p_value,
        effect=min(effect, 1000.0),
        permutations=len(permuted),
        ncd=distance(b, w, compress),
        window_ratio=len(w) / max(1, compress(w)),
        baseline_ratio=len(slice_) / max(1, compress(slice_)),
        window_entropy=entropy(w),
        baseline_entropy=entropy(slice_),
        foreign_lines=foreign,
    )


def distance(first: bytes, second: bytes, compress: Compress = zstd_length) -> float:
    """The normalised compression distance, from 0 to 1. ValueError for empty input."""
    if not first or not second:
        raise ValueError("the distance needs two texts")
    a, b, both = compress(first), compress(second), compress(first + second)
    largest = max(a, b)
    return min(1.0, max(0.0, (both - min(a, b)) / largest)) if largest else 0.0


def entropy(data: bytes) -> float:
    """Shannon's entropy of the byte frequencies, in bits per byte."""
    total = len(data)
    return -sum(count / total * math.log2(count / total) for count in Counter(data).values()) if total else 0.0


def explain(found: Novelty) -> str:
    """The figures in words, so that a person can follow the verdict."""
    verdict = "holds lines unlike its baseline" if found.is_anomaly else "is of the same kind as its baseline"
    foreign = f" {found.foreign_lines} lines are unlike every line of the baseline." if found.foreign_lines else ""
    label = "low" if found.ncd < 0.3 else "moderate" if found.ncd < 0.7 else "high"
    return (
        f"The window {verdict} (confidence {found.confidence:.3f}, p = {found.p_value:.4f}, effect {found.effect:.2f}). "
        f"Compression ratio {found.window_ratio:.2f} against {found.baseline_ratio:.2f} ({found.ratio_change:+.0%}), "
        f"entropy {found.window_entropy:.2f} against {found.baseline_entropy:.2f} bits per byte ({found.entropy_change:+.0%}), "
        f"compression distance {found.ncd:.2f} ({label}).{foreign}"
    )


def _novelty(lines: Sequence[bytes], count: int, compress: Compress) -> int:
    baseline = b"".join(lines[:count])
    return compress(baseline + b"".join(lines[count:])) - compress(baseline)


def _foreign_lines(baseline: Sequence[bytes], window: Sequence[bytes], compress: Compress) -> int:
    """How many lines of the window are far more novel than any line of the baseline is against its others."""
    together = b"".join(baseline)
    whole, most = compress(together), 1
    for index in range(max(0, len(baseline) - _MOST_COMPARED), len(baseline)):
        others = b"".join(baseline[:index]) + b"".join(baseline[index + 1 :])
        most = max(most, compress(others + baseline[index]) - compress(others))
    return sum(compress(together + line) - whole >= _FOREIGN_TIMES * most for line in window)


def _p(permuted: Sequence[int], observed: int) -> float:
    return (1 + sum(value >= observed for value in permuted)) / (1 + len(permuted))
