"""Forecasts from a state."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from app.detection.engine.adaptive import Rules, add_series, advance, forecast, replay, start
from app.detection.engine.adaptive.forecasting import count_quantile

from .series import hourly_counts, metric, timestamps


def test_a_regular_series_is_continued_and_the_band_holds():
    values = hourly_counts(56)
    cut = 49 * 24
    state = start(3600, True)
    replay(state, timestamps(values.size, 3600)[:cut], values[None, :cut], Rules())
    before = state.records.copy()
    given = forecast(state, 168)
    ahead = values[cut:]
    inside = (ahead >= given.low[0]) & (ahead <= given.high[0])
    naive = np.abs(ahead - values[cut - 168 : cut]).mean()
    assert np.abs(ahead - given.mean[0]).mean() < naive
    assert 0.88 <= inside.mean() <= 1.0
    np.testing.assert_array_equal(state.records, before)


def test_a_higher_level_gives_a_wider_band():
    state = start(900, False)
    replay(state, timestamps(96 * 20, 900), metric(20)[None, :], Rules())
    narrow, wide = forecast(state, 10, 0.8), forecast(state, 10, 0.99)
    assert (wide.high - wide.low > narrow.high - narrow.low).all()
    assert (narrow.low <= narrow.mean).all()
    assert (narrow.mean <= narrow.high).all()


def test_counts_stay_at_zero_or_more():
    state = start(3600, True)
    replay(state, timestamps(600, 3600), np.tile([0.0, 0.0, 1.0], 200)[None, :], Rules())
    given = forecast(state, 48)
    assert (given.low >= 0).all()
    assert (given.low == np.round(given.low)).all()


def test_a_series_without_history_has_no_forecast():
    state = start(3600, True)
    replay(state, timestamps(600, 3600), hourly_counts(25)[None, :], Rules())
    both = add_series(state, [True])
    advance(both, int(timestamps(601, 3600)[-1]), [200.0, 1.0], Rules())
    given = forecast(both, 5)
    assert np.isfinite(given.mean[0]).all()
    assert np.isnan(given.mean[1]).all()


def test_a_forecast_needs_a_past():
    with pytest.raises(ValueError, match="history"):
        forecast(start(3600, True), 5)


@pytest.mark.parametrize(
    ("mean", "variance", "share"), [(0.2, 0.2, 0.975), (5.0, 5.0, 0.025), (12.0, 40.0, 0.975), (25.0, 80.0, 0.5)]
)
def test_quantiles_of_counts_are_those_of_the_law(mean, variance, share):
    shape = mean**2 / (variance - mean) if variance > mean else None
    law = stats.nbinom(shape, shape / (shape + mean)) if shape else stats.poisson(mean)
    assert count_quantile(mean, variance, share) == law.ppf(share)
