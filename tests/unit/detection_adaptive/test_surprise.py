"""Tails against scipy's."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from app.detection.engine.adaptive.scores import daily_score
from app.detection.engine.adaptive.surprise import count_sigma, count_surprise, normal_surprise, sigma_of_surprise


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0, 5.9, 6.1, 8.0, 12.0, 37.0])
def test_normal_surprise_is_that_of_the_two_sided_tail(sigma):
    exact = -(math.log(2.0) + stats.norm.logsf(sigma))
    assert normal_surprise(sigma) == pytest.approx(exact, rel=3e-3)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0, 3.0, 5.0, 7.0, 20.0, 39.0])
def test_sigma_of_surprise_inverts_it(sigma):
    assert sigma_of_surprise(normal_surprise(sigma)) == pytest.approx(sigma, rel=1e-3)


@pytest.mark.parametrize(
    ("observed", "expected", "variance"),
    [(9, 2.0, 2.0), (0, 8.0, 8.0), (40, 12.0, 30.0), (0, 60.0, 200.0), (1, 0.02, 0.02), (300, 200.0, 900.0), (500, 300.0, 300.0)],
)
def test_count_surprise_is_the_mid_p_of_the_negative_binomial(observed, expected, variance):
    if variance > expected:
        shape = expected**2 / (variance - expected)
        law = stats.nbinom(shape, shape / (shape + expected))
    else:
        law = stats.poisson(expected)
    tail = law.sf(observed) if observed > expected else law.cdf(observed - 1)
    exact = -math.log(2.0 * (tail + 0.5 * law.pmf(observed)))
    assert count_surprise(observed, expected, variance) == pytest.approx(exact, rel=1e-3)


def test_sigma_of_a_count_grows_with_its_distance():
    sigmas = [count_sigma(observed, 5.0, 7.0) for observed in (5, 8, 11, 15, 20, 40, 100, 5000)]
    assert sigmas == sorted(sigmas)


@pytest.mark.parametrize("buckets_per_day", [96.0, 24.0, 1.0, 1 / 7])
def test_daily_score_is_the_sigma_of_any_bucket_of_the_day(buckets_per_day):
    surprise = 9.0
    daily = 1.0 - (1.0 - math.exp(-surprise)) ** buckets_per_day
    assert daily_score(surprise, math.log(max(1.0, buckets_per_day)), buckets_per_day) == pytest.approx(
        stats.norm.isf(daily / 2), rel=2e-3
    )
