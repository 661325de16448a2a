"""Bake-off: a series is chosen, detectors are compared while one watches, and the best one is adopted."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from models.metrics import MetricBucket, MetricCoverage
from models.projects import Project
from tests.e2e.conftest import OpenPage, Person
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.e2e.test_monitoring_page import shoot
from tests.factories import make_scan_config

Axe = Callable[[Page], None]
HOURS = 28 * 24
# Loading the adaptive engine compiles it where no other process of this machine has done so.
COMPILING = 240_000


@pytest.fixture
def counted(server: RunningServer, api: Api) -> str:
    """Four weeks of an hourly event with a daily shape; the event's id."""
    kind = api.event_type("shop")
    event_id = str(api.event(kind, "paid", status="live")["id"])
    floor = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
    random = np.random.default_rng(11)
    with session_scope(create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        config = make_scan_config(session, session.get_one(Project, kind["project_id"]), name="Received")
        config.collected_until, config.is_paused = floor, True
        covered, counts = [], []
        for ago in range(1, HOURS + 1):
            bucket = floor - timedelta(hours=ago)
            count = int(random.poisson(400 * (1 + 0.4 * math.sin(bucket.hour / 24 * 2 * math.pi))))
            covered.append({"scan_config_id": config.id, "bucket": bucket, "total_count": count, "matched_count": count})
            for scope, ref in (("event", event_id), ("event_type", str(kind["id"]))):
                counts.append(
                    {"scan_config_id": config.id, "scope_type": scope, "scope_ref": ref, "bucket": bucket, "count": count}
                )
        session.execute(sa.insert(MetricCoverage), covered)
        session.execute(sa.insert(MetricBucket), counts)
    return event_id


def test_detectors_are_compared_and_the_best_one_is_adopted(
    open_page: OpenPage, owner: Person, slug: str, counted: str, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/monitoring?series=event/{counted}", owner)
    page.get_by_role("link", name="Compare detectors").click()
    page.wait_for_url(f"**/bakeoff?series=event%2F{counted}")
    expect(page.get_by_text("No bake-off so far")).to_be_visible()
    expect(page.get_by_text("In use: Seasonal baseline at 3 σ")).to_be_visible()
    shoot(page, "bakeoff-empty")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("progressbar", name="Progress of the bake-off")).to_be_visible()
    shoot(page, "bakeoff-running")
    scores = page.get_by_role("region", name="How each detector did")
    expect(scores.get_by_role("row", name="Adaptive 4 σ")).to_be_visible(timeout=COMPILING)
    expect(scores.get_by_text("best")).to_have_count(1)
    check_accessibility(page)
    shoot(page, "bakeoff-light-1440")
    page.get_by_label("Alarms of").select_option("baseline@3")
    scores.get_by_role("button", name="Adopt Adaptive at 4 σ").click()
    expect(scores.get_by_text("Adopted")).to_be_visible()
    expect(page.get_by_text("In use: Adaptive at 4 σ")).to_be_visible()

    narrow = open_page(f"/p/{slug}/bakeoff?series=event/{counted}", owner, width=390, scheme="dark")
    expect(narrow.get_by_role("region", name="How each detector did").get_by_text("Adopted")).to_be_visible()
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(narrow)
    shoot(narrow, "bakeoff-dark-390")


def test_one_that_runs_can_be_cancelled(open_page: OpenPage, owner: Person, slug: str, counted: str) -> None:
    page = open_page(f"/p/{slug}/bakeoff?series=event_type/{counted}", owner)
    expect(page.get_by_text("There is no such series")).to_be_visible()
    page.goto(f"/p/{slug}/bakeoff?series=event/{counted}")
    cancelled = page.get_by_text("Bake-off cancelled")
    for _ in range(5):  # one whose code is compiled may end before anybody can cancel it
        page.get_by_role("button", name=re.compile("Start|Run again")).click()
        with contextlib.suppress(PlaywrightTimeout):
            page.get_by_role("button", name="Cancel").click(timeout=10_000)
        with contextlib.suppress(AssertionError):
            expect(cancelled).to_be_visible(timeout=15_000)
            break
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
