from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from app.detection import bakeoff, bakeoff_run
from app.detection.bakeoff_run import BakeoffTools
from app.detection.detectors import Detector
from app.detection.pages.bakeoff_view import TOTAL, bakeoff_page, contestant_of
from app.kernel.clock import FixedClock
from app.kernel.errors import NotFound
from app.metrics.contracts import ScopeType, SeriesKey
from tests.integration.detection.watched_project import EDITOR, HOUR, MONDAY, VIEWER, WatchedProject

UTC = ZoneInfo("UTC")


@pytest.fixture
def watched(engine) -> WatchedProject:
    project = WatchedProject(engine)
    project.count(MONDAY, np.random.default_rng(5).poisson(500, 14 * 24).tolist())
    return project


def show(watched: WatchedProject, series: str, shown: str = "", actor=EDITOR):
    with watched.transaction(write=False) as session:
        return bakeoff_page(session, actor, "shop", series, shown, UTC)


def test_before_the_first_one_the_page_says_what_is_in_use(watched: WatchedProject):
    page = show(watched, f"event/{watched.view}")
    assert (page.scope_name, page.in_use, page.id) == ("view", "Seasonal baseline at 3 σ", "")
    assert page.has_series and page.may_run and not page.is_live
    assert page.scopes[0] == [TOTAL, "Project total"] and [f"event/{watched.view}", "Event: view"] in page.scopes
    assert not show(watched, TOTAL, actor=VIEWER).may_run


def test_a_completed_one_shows_scores_departures_and_the_alarms_of_the_contestant_chosen(watched: WatchedProject):
    key = SeriesKey(watched.scan_id, ScopeType.EVENT, watched.view)
    with watched.transaction() as session:
        bakeoff_id = bakeoff.start(session, EDITOR, "shop", key).id
        bakeoff_run.claim_next(session, "a", MONDAY)
    assert show(watched, f"event/{watched.view}").is_live
    bakeoff_run.run(bakeoff_id, "a", BakeoffTools(FixedClock(MONDAY + HOUR), watched.transaction))
    page = show(watched, f"event/{watched.view}", "baseline@3")
    assert (page.status, page.error) == ("Done", "")
    assert [row.name for row in page.rows if row.mark] == [show(watched, f"event/{watched.view}").shown]
    assert len(page.departures) >= 2 and {one["at"] for one in page.departures} <= {row.at for row in page.chart.rows}
    assert page.about.startswith("336 buckets from")
    chosen = next(row for row in page.rows if row.name == "baseline@3")
    assert page.chart.mark_count >= int(chosen.found.split()[0])
    wanted = contestant_of(page.rows, "baseline@3")
    assert wanted is not None and (wanted.detector, wanted.sigma_threshold) == (Detector.BASELINE, 3.0)
    with watched.transaction() as session:
        bakeoff.adopt(session, EDITOR, "shop", bakeoff_id, Detector.ADAPTIVE, 4.0)
    after = show(watched, f"event/{watched.view}")
    assert [row.name for row in after.rows if row.is_adopted] == ["adaptive@4"] and after.in_use == "Adaptive at 4 σ"


def test_a_series_of_nothing_is_not_found(watched: WatchedProject):
    for series in ("schema/x", f"event/{watched.scan_id}"):
        with pytest.raises(NotFound):
            show(watched, series)
