"""What the page on plan checks says of the chosen mode is what the mode does."""

from dataclasses import replace

from app.ingest.pages.checks_view import mode_text
from app.ingest.validation import Mode, Policy


def test_blocking_says_what_it_lets_through_as_long_as_a_tick_is_missing():
    blocking = replace(Policy(), mode=Mode.BLOCK, refuses_unplanned=False)
    assert "is not in the plan does not break it" in mode_text(blocking)
    assert "does not break it" not in mode_text(replace(blocking, refuses_unplanned=True))
    assert "does not break it" not in mode_text(replace(blocking, mode=Mode.ALLOW))
