"""One-step prediction: ridge regression on nine features with exponential forgetting, solved once a day.

The features say how far each profile is from the level and how the last buckets missed them, in units of the residual scale; the
prior shares the weight among the baselines, so that a short history predicts like a plain blend. (Recursive least squares with
forgetting; Huber weights against outliers.)
"""

from __future__ import annotations

from app.detection.engine.adaptive.layout import (
    CLEANED,
    CLEANED_BEFORE,
    DAY_RESIDUAL,
    DAY_RESIDUAL_BEFORE,
    FAST_RESIDUAL,
    FEATURES,
    LEVEL,
    RESIDUAL_SCALE,
    SEEN,
    WEEK_RESIDUAL,
    WEEK_RESIDUAL_BEFORE,
    Floats,
    Layout,
)
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled

_SMALLEST_SCALE = 1e-12
_FIRST_PREDICTION = 8
_DAY_PRIOR, _WEEK_PRIOR, _RESIDUAL_PRIOR = 0.35, 0.35, 0.3
_FAST_RATE = 0.15
_FADING = 0.97


@compiled
def prior_weight(feature: int) -> float:
    """The weight a feature has before anything is learned."""
    if feature == 1:
        return _DAY_PRIOR
    if feature == 2:
        return _WEEK_PRIOR
    return _RESIDUAL_PRIOR if feature in (3, 4) else 0.0


@compiled
def fill_features(state: Floats, features: Floats, day: float, week: float) -> float:
    """Write the features of the coming bucket; returns the scale they and the target are divided by."""
    scale = max(state[RESIDUAL_SCALE], _SMALLEST_SCALE)
    features[0] = 0.1
    features[1] = (day - state[LEVEL]) / scale
    features[2] = (week - state[LEVEL]) / scale
    features[3] = state[WEEK_RESIDUAL] / scale
    features[4] = state[DAY_RESIDUAL] / scale
    features[5] = state[WEEK_RESIDUAL_BEFORE] / scale
    features[6] = state[DAY_RESIDUAL_BEFORE] / scale
    features[7] = state[FAST_RESIDUAL] / scale
    features[8] = (state[CLEANED] - state[CLEANED_BEFORE]) / scale
    return float(scale)


@compiled
def predict(state: Floats, layout: Layout, features: Floats, scale: float) -> float:
    """The one-step mean; the level alone in the first buckets."""
    if state[SEEN] < _FIRST_PREDICTION:
        return float(state[LEVEL])
    total = 0.0
    for feature in range(FEATURES):
        total += state[layout.weights + feature] * features[feature]
    return float(state[LEVEL] + total * scale)


@compiled
def learn_products(state: Floats, layout: Layout, tuning: Tuning, features: Floats, target: float, deviation_sigma: float) -> None:
    """Add a bucket to the normal equations, with Huber weight; buckets beyond the cut teach nothing."""
    if deviation_sigma >= tuning.residual_cut:
        return
    weight = 1.0 if deviation_sigma < tuning.huber_sigma else tuning.huber_sigma / deviation_sigma
    keep = 1.0 - 1.0 / (tuning.memory_days * max(layout.day_buckets, 24))
    cell = layout.products
    for row in range(FEATURES):
        weighted = weight * features[row]
        for column in range(row, FEATURES):
            state[cell] = keep * state[cell] + weighted * features[column]
            cell += 1
        state[layout.targets + row] = keep * state[layout.targets + row] + weighted * target


@compiled
def is_solving_time(seen: int, day_buckets: int) -> bool:
    """Once a day; every eight buckets of the first day."""
    return seen % day_buckets == day_buckets - 1 or (24 < seen < day_buckets and seen % 8 == 7)


@compiled
def solve_weights(state: Floats, layout: Layout, tuning: Tuning, matrix: Floats) -> None:
    """Solve the ridge equations by Cholesky decomposition; the weights stay when the matrix is not positive definite."""
    cell, trace = layout.products, 0.0
    for row in range(FEATURES):
        trace += state[cell]
        for column in range(row, FEATURES):
            matrix[column, row] = state[cell]
            cell += 1
    ridge = tuning.ridge * (1.0 + 0.001 * (trace / FEATURES + 1.0))
    for row in range(FEATURES):
        matrix[row, row] += ridge
        for column in range(row + 1):
            total = matrix[row, column]
            for inner in range(column):
                total -= matrix[row, inner] * matrix[column, inner]
            if column < row:
                matrix[row, column] = total / matrix[column, column]
            elif total > 0.0:
                matrix[row, row] = total**0.5
            else:
                return
    _substitute(state, layout, matrix, ridge)


@compiled
def _substitute(state: Floats, layout: Layout, factor: Floats, ridge: float) -> None:
    weights = layout.weights
    for row in range(FEATURES):
        total = state[layout.targets + row] + ridge * prior_weight(row)
        for column in range(row):
            total -= factor[row, column] * state[weights + column]
        state[weights + row] = total / factor[row, row]
    for row in range(FEATURES - 1, -1, -1):
        total = state[weights + row]
        for lower in range(row + 1, FEATURES):
            total -= factor[lower, row] * state[weights + lower]
        state[weights + row] = total / factor[row, row]


@compiled
def remember_residuals(state: Floats, believed: float, day: float, week: float, blended: float) -> None:
    """Shift the residuals and values that the next bucket's features are made of."""
    state[DAY_RESIDUAL_BEFORE] = state[DAY_RESIDUAL]
    state[WEEK_RESIDUAL_BEFORE] = state[WEEK_RESIDUAL]
    state[DAY_RESIDUAL] = believed - day
    state[WEEK_RESIDUAL] = believed - week
    state[FAST_RESIDUAL] += _FAST_RATE * (believed - blended - state[FAST_RESIDUAL])
    state[CLEANED_BEFORE] = state[CLEANED]
    state[CLEANED] = believed


@compiled
def fade_residuals(state: Floats) -> None:
    """After a missing bucket the last residuals count for less; predicting on from predictions could run away."""
    state[DAY_RESIDUAL_BEFORE] = state[DAY_RESIDUAL]
    state[WEEK_RESIDUAL_BEFORE] = state[WEEK_RESIDUAL]
    state[DAY_RESIDUAL] *= _FADING
    state[WEEK_RESIDUAL] *= _FADING
    state[FAST_RESIDUAL] *= _FADING
    state[CLEANED_BEFORE] = state[CLEANED]
