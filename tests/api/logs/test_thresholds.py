"""Thresholds as people change them on the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.identity.contracts import UserRole
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from app.logs import service as logs
from app.logs.columns import may_be_made
from tests.factories import make_actor, make_project

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def change(session, actor, slug, **details):
    values = {"service": "auth", "severity": "ERROR", "per_minute": 5.0, "active": True, "now": NOW, **details}
    logs.set_threshold(session, actor, slug, **values)


def test_a_change_is_in_force_even_when_a_client_dated_its_row_ahead(session):
    slug, editor = make_project(session).slug, make_actor(session)
    change(session, editor, slug, now=NOW + timedelta(days=3))
    change(session, editor, slug, per_minute=7.0)
    (found,) = logs.thresholds(session, editor, slug)
    assert (found.threshold_per_minute, found.updated_at) == (7.0, NOW + timedelta(days=3))
    change(session, editor, slug, active=False)
    assert [row.active for row in logs.thresholds(session, editor, slug)] == [False]


def test_viewers_see_thresholds_and_do_not_change_them(session):
    slug, viewer = make_project(session).slug, make_actor(session, UserRole.VIEWER)
    assert logs.thresholds(session, viewer, slug) == []
    with pytest.raises(Forbidden):
        change(session, viewer, slug)
    with pytest.raises(NotFound):
        logs.thresholds(session, viewer, "nowhere")


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"service": " "}, "service"),
        ({"severity": "x" * 201}, "severity"),
        ({"per_minute": -1.0}, "per_minute"),
        ({"per_minute": float("nan")}, "per_minute"),
    ],
)
def test_what_makes_no_threshold_is_named(session, details, field):
    slug, editor = make_project(session).slug, make_actor(session)
    with pytest.raises(InvalidInput) as refusal:
        change(session, editor, slug, **details)
    assert refusal.value.field == field


def test_a_data_source_takes_no_name_that_means_something_else():
    pipes = frozenset({"recent_logs"})
    assert may_be_made("weather", pipes)
    for name in ("events", "EVENTS", "recent_logs", "a_quarantine", "1a", "a-b", "", "x" * 65):
        assert not may_be_made(name, pipes)
