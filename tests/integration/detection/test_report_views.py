from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from app.detection.pages.distribution_view import ALL, distribution_view
from app.detection.pages.releases_view import releases_view
from app.kernel.database import session_scope
from app.kernel.errors import NotFound
from components.format import iso_utc
from tests import factories
from tests.api.detection.workbench import FIELD, HOUR, HOURS, DetectionWorld, make_detection_world
from tests.integration.detection.watched_project import VIEWER

UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def world(engine) -> DetectionWorld:
    with session_scope(engine) as session:
        return make_detection_world(session)


def releases(engine, world: DetectionWorld, scan_id: str = ""):
    with session_scope(engine, write=False) as session:
        return releases_view(session, VIEWER, world.slug, scan_id, UTC_ZONE, world.bucket(HOURS))


def distribution(engine, world: DetectionWorld, scope: str = ALL, opened: str = "", at: str = "", days: int = 14):
    with session_scope(engine, write=False) as session:
        return distribution_view(session, VIEWER, world.slug, scope, opened, at, days, UTC_ZONE, world.bucket(HOURS))


def test_a_release_that_lost_an_event_shows_it_with_both_figures_and_its_window(engine, world):
    view = releases(engine, world)
    assert (view.newest, view.previous, view.missing, view.dropped, view.reason) == ("1.10.0", "1.9.0", "0", "1", "")
    [row] = view.rows
    assert (row.name, row.kind, row.what) == ("checkout", "Event", "Volume drop")
    assert row.expected_width == "100.0%" and float(row.observed_width.rstrip("%")) < 100
    assert row.expected == "100" and row.observed == "8" and "\u2192" in row.shares
    assert view.window.count(" to ") == 1 and view.share.endswith("%")


def test_versions_are_listed_with_their_adoption_and_why_one_is_not_active(engine, world):
    rows = {row.version: row for row in releases(engine, world).releases}
    assert (rows["1.10.0"].role, rows["1.9.0"].role) == ("newest", "compared with")
    assert rows["1.10.0"].state == "Active" and rows["1.10.0"].why.startswith("since ")
    assert rows["2.0.0-beta"].state == "Pre-release"
    assert rows["1.9.0"].path and rows["1.9.0"].total == "12,000"


def test_the_gates_of_the_comparison_are_met(engine, world):
    gates = releases(engine, world).gates
    assert [gate.is_met for gate in gates] == [True] * 5
    assert "longest run 8" in gates[0].detail and gates[1].detail == "2,000 so far"


def test_a_scan_without_versions_asks_for_a_column_and_a_foreign_one_is_not_found(engine, world):
    with session_scope(engine) as session:
        other = factories.make_project(session)
        factories.make_scan_config(session, other)
        slug = other.slug
        assert releases_view(session, VIEWER, slug, "", UTC_ZONE).scan_id == ""
        with pytest.raises(NotFound):
            releases_view(session, VIEWER, slug, world.scan_config_id, UTC_ZONE)


def test_a_field_that_moved_shows_band_index_and_values_before_and_after(engine, world):
    view = distribution(engine, world)
    assert view.watched == FIELD and view.opened == FIELD
    [row] = view.fields
    assert (row.band, row.tone, row.psi) == ("Significant", "bad", "0.42")
    assert row.significant.count("M") == 1 and row.stable.count("M") == HOURS - 8
    assert (view.bucket_band, view.bucket_psi) == ("Significant", "0.42")
    assert {(share.value, share.before, share.after) for share in view.shares} == {
        ("EUR", "50\u00a0%", "80\u00a0%"),
        ("USD", "50\u00a0%", "20\u00a0%"),
    }
    assert view.buckets[0].top.startswith(("EUR", "USD"))


def test_another_bucket_can_be_opened(engine, world):
    calm = iso_utc(world.bucket(HOURS - 2))
    view = distribution(engine, world, opened=f"{FIELD}@{world.scan_config_id}", at=calm)
    assert (view.bucket_band, view.bucket_psi) == ("Stable", "0.00")


def test_an_event_type_has_a_picture_of_its_own_and_a_foreign_one_is_not_found(engine, world):
    assert len(distribution(engine, world, scope=world.event_type_id).fields) == 1
    with pytest.raises(NotFound):
        distribution(engine, world, scope=world.checkout_id)


def test_a_span_without_buckets_names_what_is_watched(engine, world):
    with session_scope(engine, write=False) as session:
        view = distribution_view(session, VIEWER, world.slug, ALL, "", "", 3, UTC_ZONE, world.bucket(0) + 2000 * HOUR)
    assert view.fields == [] and view.watched == FIELD
