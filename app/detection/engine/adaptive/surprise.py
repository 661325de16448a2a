"""Surprise is -ln p of a two-sided tail; this module turns normal deviations and counts into surprise and surprise back into sigma.

Working with -ln p instead of p keeps outages at 40 sigma comparable where p itself would underflow.
"""

from __future__ import annotations

import math

from app.detection.engine.compiled import compiled

_SQRT_2 = math.sqrt(2.0)
_LN_SQRT_HALF_PI = 0.5 * math.log(math.pi / 2.0)
# Above this expected count the normal tail stands in for the negative binomial one.
NORMAL_COUNT = 400.0
_MOST_TERMS = 4000


@compiled
def normal_surprise(sigma: float) -> float:
    """-ln of the two-sided normal tail beyond |sigma|."""
    sigma = abs(sigma)
    if sigma < 6.0:
        return -math.log(math.erfc(sigma / _SQRT_2))
    return 0.5 * sigma * sigma + math.log(sigma) + _LN_SQRT_HALF_PI


@compiled
def sigma_of_surprise(surprise: float) -> float:
    """The |sigma| whose two-sided normal tail has this surprise (Newton steps from the asymptotic inverse)."""
    if surprise <= 0.0:
        return 0.0
    sigma = math.sqrt(max(2.0 * surprise - math.log(max(2.0 * surprise, 1.0)) - 2.0 * _LN_SQRT_HALF_PI, 0.01))
    for _ in range(3):
        sigma = max(0.0, sigma - (normal_surprise(sigma) - surprise) / (sigma + 1.0 / (sigma + 1.0)))
    return sigma


@compiled
def _log_count_probability(count: float, expected: float, shape: float) -> float:
    """ln P(count) of a negative binomial with this mean and gamma shape; shape 0 means Poisson."""
    if shape == 0.0:
        return count * math.log(expected) - expected - math.lgamma(count + 1.0)
    share = expected / (expected + shape)
    binomial = math.lgamma(count + shape) - math.lgamma(shape) - math.lgamma(count + 1.0)
    return binomial + shape * math.log1p(-share) + count * math.log(share)


@compiled
def _tail_ratio(count: float, expected: float, shape: float, is_upper: bool) -> float:
    """The tail beyond the count in units of P(count), mid-p: half of the count's own probability belongs to it."""
    total, term = 0.5, 1.0
    share = 0.0 if shape == 0.0 else expected / (expected + shape)
    for _ in range(_MOST_TERMS):
        if is_upper:
            term *= expected / (count + 1.0) if shape == 0.0 else share * (count + shape) / (count + 1.0)
            count += 1.0
        else:
            if count <= 0.0:
                break
            term *= count / expected if shape == 0.0 else count / (share * (count - 1.0 + shape))
            count -= 1.0
        total += term
        if term < total * 1e-5:
            break
    return total


@compiled
def count_surprise(observed: float, expected: float, variance: float) -> float:
    """-ln of the two-sided mid-p of a negative binomial with this mean and variance; Poisson when the variance is not larger."""
    expected = max(expected, 1e-6)
    variance = max(variance, expected)
    count = math.floor(observed + 0.5)
    dispersion = (variance - expected) / (expected * expected)
    shape = 0.0 if dispersion < 1e-6 else 1.0 / dispersion
    ratio = _tail_ratio(count, expected, shape, count > expected)
    return max(0.0, -_log_count_probability(count, expected, shape) - math.log(2.0 * ratio))


@compiled
def count_sigma(observed: float, expected: float, variance: float) -> float:
    """The |sigma| of a count. Near the expectation, and above NORMAL_COUNT, the normal tail is exact enough and much cheaper."""
    expected = max(expected, 1e-6)
    variance = max(variance, expected)
    sigma = abs(observed - expected) / math.sqrt(variance)
    if expected > NORMAL_COUNT or sigma < 1.0 or observed > 10.0 * NORMAL_COUNT:
        return sigma
    return sigma_of_surprise(count_surprise(observed, expected, variance))
