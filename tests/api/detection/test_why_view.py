from __future__ import annotations

import pytest

from app.detection.pages.why_view import strength_word, why_view
from app.detection.planned import plan_window
from app.kernel.database import session_scope
from app.metrics.contracts import ScopeType, SeriesKey
from tests.api.detection.workbench import DetectionWorld, make_detection_world
from tests.integration.detection.watched_project import EDITOR, VIEWER


@pytest.fixture
def world(engine, event_store) -> DetectionWorld:
    with session_scope(engine) as session:
        return make_detection_world(session)


def test_the_panel_shows_explanations_in_words_or_the_reason_for_none(engine, world):
    key = SeriesKey(world.scan_config_id, ScopeType.EVENT, world.checkout_id)
    with session_scope(engine) as session:
        unknown = why_view(session, VIEWER, world.slug, key, None)
        plan_window(session, EDITOR, world.slug, "Sale", world.bucket(10), world.bucket(13))
        told = why_view(session, VIEWER, world.slug, key, world.bucket(11))
    assert unknown.is_answered and not unknown.rows and unknown.reason.startswith("Nothing that is recorded")
    [row] = told.rows
    assert (row.rank, row.cause, row.title, row.strength) == ("1", "Planned event", "Sale", "strong")
    assert row.href == f"/p/{world.slug}/anomaly-settings"


@pytest.mark.parametrize(("strength", "word"), [(1.0, "strong"), (0.75, "strong"), (0.6, "fair"), (0.4, "weak")])
def test_a_strength_is_told_in_a_word(strength: float, word: str):
    assert strength_word(strength) == word
