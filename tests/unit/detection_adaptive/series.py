"""Deterministic series for the tests: no random generator whose stream may change between versions."""

from __future__ import annotations

import numpy as np

START = 1_700_006_400 - 1_700_006_400 % 604_800


def noise(size: int, seed: int = 1) -> np.ndarray:
    """Roughly normal noise: sums of four uniform numbers of a linear congruential generator."""
    state, drawn = seed, np.empty(4 * size)
    for place in range(4 * size):
        state = (1_103_515_245 * state + 12_345) % 2_147_483_648
        drawn[place] = state / 2_147_483_648
    return (drawn.reshape(size, 4).sum(axis=1) - 2.0) * np.sqrt(3.0)


def timestamps(size: int, interval: int) -> np.ndarray:
    return START + interval * np.arange(size)


def hourly_counts(days: int, level: float = 200.0, seed: int = 1) -> np.ndarray:
    moment = timestamps(24 * days, 3600)
    day = 1.0 + 0.5 * np.sin(2 * np.pi * (moment % 86_400) / 86_400)
    weekend = np.where((moment // 86_400 + 3) % 7 >= 5, 0.7, 1.0)
    mean = level * day * weekend
    return np.maximum(0.0, np.round(mean + np.sqrt(mean) * noise(mean.size, seed)))


def metric(days: int, per_day: int = 96, seed: int = 2) -> np.ndarray:
    size = days * per_day
    angle = 2 * np.pi * np.arange(size) / per_day
    return 40.0 + 8.0 * np.sin(angle) + 0.5 * noise(size, seed)
