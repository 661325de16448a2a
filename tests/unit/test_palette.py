"""Pages that the palette finds although the rail does not hold them."""

from __future__ import annotations

import pytest

from app.palette import pages_off_the_rail


@pytest.mark.parametrize("words", ["anomaly", "Anomaly SETT", "settings observe"])
def test_a_page_off_the_rail_is_found_by_words_of_its_name(words: str) -> None:
    assert [entry["href"] for entry in pages_off_the_rail("shop", words)] == ["/p/shop/anomaly-settings"]


def test_other_words_find_no_page() -> None:
    assert pages_off_the_rail("shop", "order placed") == []
