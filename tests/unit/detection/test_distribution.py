from __future__ import annotations

import pytest

from app.detection.engine.distribution import Band, band_of, drift_of


def test_a_half_that_becomes_four_fifths_is_significant():
    found = drift_of({"a": 50, "b": 50}, {"a": 80, "b": 20})
    assert found is not None
    assert found.psi == pytest.approx(0.416, abs=0.001)
    assert (found.band, found.baseline_total, found.current_total) == (Band.SIGNIFICANT, 100, 100)
    assert [mover.value for mover in found.top_movers] == ["b", "a"]


def test_an_absent_value_counts_with_a_tiny_share():
    found = drift_of({"a": 100}, {"a": 50, "b": 50})
    assert found is not None and found.top_movers[0].value == "b"
    assert found.top_movers[0].baseline_share == 0


def test_only_the_five_largest_movers_are_told():
    found = drift_of({str(n): 10 for n in range(9)}, {str(n): n + 1 for n in range(9)})
    assert found is not None and len(found.top_movers) == 5


@pytest.mark.parametrize(
    ("psi", "band"), [(0.0999, Band.STABLE), (0.1, Band.MINOR), (0.2499, Band.MINOR), (0.25, Band.SIGNIFICANT)]
)
def test_bands_begin_at_their_lower_bound(psi: float, band: Band):
    assert band_of(psi) is band


def test_without_rows_there_is_no_drift():
    assert drift_of({}, {"a": 1}) is None and drift_of({"a": 1}, {}) is None
