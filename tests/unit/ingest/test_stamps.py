"""Many time stamps at once give what reading one after the other gives, or nothing."""

from __future__ import annotations

from datetime import datetime

import pytest

from app.ingest.stamps import usual_times
from app.ingest.times import milliseconds_of

USUAL = ["2026-01-31T12:30:00.000Z", "1970-01-01T00:00:00.001Z", "2024-02-29T23:59:59.999Z", "9999-12-31T23:59:59.999Z"]


def test_usual_stamps_are_read_to_the_millisecond():
    assert usual_times(USUAL) == [milliseconds_of(datetime.fromisoformat(stamp)) for stamp in USUAL]


@pytest.mark.parametrize(
    "unusual",
    [
        "2026-01-31T12:30:00.000",
        "2026-01-31 12:30:00.000Z",
        "2026-01-31T12:30:00,000Z",
        "2026-01-31T12:30:00.00+Z",
        "2026-01-31T12:30:00.000z",
        "2026-W05-6T12:30:00.000Z",
        "2026-01-31T12:30:00.00\u0663Z",
        "+026-01-31T12:30:00.000Z",
        "2026-01-31T12:30:00Z",
        "",
    ],
)
def test_one_unusual_stamp_leaves_all_to_the_slower_way(unusual):
    assert usual_times([*USUAL, unusual]) is None


@pytest.mark.parametrize(
    "wrong", ["2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T00:00:60.000Z"]
)
def test_what_is_no_date_is_an_error(wrong):
    with pytest.raises(ValueError):
        usual_times([*USUAL, wrong])
