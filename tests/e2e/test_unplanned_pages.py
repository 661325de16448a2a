"""Data against plan: drifts, unplanned and dead events, coverage, and what people decide about them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from app.plan import service as plan
from app.plan.contracts import DriftType, ObservedDrift
from app.reconciliation import service as reconciliation
from app.reconciliation.contracts import UnmatchedEvent
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event
from models.projects import Project
from models.scans import DataSource
from tests.e2e.conftest import OpenPage, Person, Sessions, sign_up_over_http
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.factories import make_scan_config

Axe = Callable[[Page], None]


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def engine(server: RunningServer) -> sa.Engine:
    """The instance's metadata, to put there what a scan would."""
    return create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")


@pytest.fixture
def viewer(server: RunningServer, owner: Person, sessions: Sessions) -> Person:
    """An account of the test's own that may only read, so that nobody else's role changes."""
    person = sign_up_over_http(server, Person(f"reader-{uuid4().hex[:8]}@example.com", "Rita Reader"))
    Api(server, sessions.cookie(owner), "none").make_viewer(person.email)
    return person


@pytest.fixture
def sources(engine: sa.Engine) -> Iterator[None]:
    """Takes away the data sources that a test adds: they cannot be reached, and every project's scan editor would list them."""
    with session_scope(engine, write=False) as session:
        before = set(session.exec(select(DataSource.id)).all())
    yield
    with session_scope(engine) as session:
        session.execute(sa.delete(DataSource).where(col(DataSource.id).not_in(before)))


@pytest.fixture
def drifted(engine: sa.Engine, api: Api) -> str:
    """An event type with three drifts as a scan records them; its id."""
    kind = api.event_type(
        "shop",
        {"name": "price", "display_name": "Price", "field_type": "number"},
        {"name": "voucher", "display_name": "Voucher", "field_type": "string"},
        {"name": "email", "display_name": "E-mail", "field_type": "string", "sensitivity": "pii"},
    )
    rate = "bad_rate=0.0250 allowed=0.0000 bad=30 total=1200"
    found = [
        ObservedDrift(kind["id"], "currency", DriftType.NEW_FIELD, "Int64", None, "978"),
        ObservedDrift(kind["id"], "voucher", DriftType.MISSING_FIELD, None, "string", None),
        ObservedDrift(kind["id"], "email", DriftType.REGEX_VIOLATION, rate, "regex", "somebody@example.com"),
    ]
    with session_scope(engine) as session:
        plan.record_drifts(session, kind["project_id"], None, found, SYSTEM_CLOCK.now())
    return str(kind["id"])


def fields_of(api: Api, event_type_id: str) -> dict[str, str]:
    return {field["name"]: field["field_type"] for field in api.send("GET", f"/event-types/{event_type_id}")["field_definitions"]}


def test_an_editor_decides_about_drifts_where_their_evidence_stands(
    open_page: OpenPage, owner: Person, slug: str, api: Api, drifted: str, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/drifts", owner)
    contract = page.get_by_role("row", name="email")
    expect(contract).to_contain_text("30 of 1,200 rows (2.5\u00a0%), allowed 0\u00a0%")
    expect(contract).not_to_contain_text("somebody@example.com")
    expect(page.get_by_role("row", name="currency")).to_contain_text("978")
    check_accessibility(page)
    shoot(page, "drifts-light")

    page.get_by_role("row", name="currency").get_by_role("button", name="Add as number").click()
    expect(page.get_by_role("row", name="currency")).to_have_count(0)
    assert fields_of(api, drifted)["currency"] == "number"

    page.get_by_role("row", name="voucher").get_by_role("button", name="Change the plan").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("The field voucher leaves the event type Shop on main.")
    question.get_by_role("button", name="Cancel").click()
    assert "voucher" in fields_of(api, drifted)
    page.get_by_role("row", name="voucher").get_by_role("button", name="Change the plan").click()
    question.get_by_role("button", name="Take it out").click()
    expect(page.get_by_role("row", name="voucher")).to_have_count(0)
    # The row is gone while the answer is still under way.
    deadline = time.monotonic() + 60
    while "voucher" in fields_of(api, drifted):
        assert time.monotonic() < deadline, "the field is still in the plan"
        page.wait_for_timeout(200)

    contract.get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("No drift has this status")).to_be_visible()
    page.get_by_role("button", name="Snoozed", exact=True).click()
    page.wait_for_url("**/drifts?status=snoozed")
    page.reload()
    expect(contract).to_contain_text("until")
    contract.get_by_role("button", name="Reopen").click()
    expect(contract).to_have_count(0)
    page.get_by_role("button", name="Open", exact=True).click()
    contract.get_by_role("button", name="Not a drift").click()
    page.get_by_role("button", name="All", exact=True).click()
    expect(contract).to_contain_text("Not a drift")


def test_drifts_on_a_narrow_dark_screen_and_without_any(
    open_page: OpenPage, owner: Person, slug: str, drifted: str, check_accessibility: Axe
) -> None:
    assert drifted
    narrow = open_page(f"/p/{slug}/drifts", owner, width=390, scheme="dark")
    expect(narrow.get_by_role("row", name="currency")).to_be_visible()
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(narrow)
    shoot(narrow, "drifts-dark-390")
    narrow.goto("/p/no-such-project/drifts")
    expect(narrow.get_by_text("There is no such project")).to_be_visible()


def test_a_viewer_reads_drifts_and_decides_nothing(open_page: OpenPage, viewer: Person, slug: str, drifted: str) -> None:
    assert drifted
    page = open_page(f"/p/{slug}/drifts", viewer)
    expect(page.get_by_role("row", name="currency")).to_contain_text("Editors decide")
    expect(page.get_by_role("button", name="Add as number")).to_have_count(0)


@pytest.fixture
def apart(engine: sa.Engine, api: Api, sources: None) -> str:
    """Three events only the data has, one of a type the plan lacks, and one only the plan has; the id of the plan's type."""
    kind = api.event_type("shop")
    fax = api.event(kind, "fax_sent", status="live")
    now = SYSTEM_CLOCK.now()
    hour = floor_to_bucket(now, Interval.HOUR)
    found = [
        UnmatchedEvent(source, name, count, hour - timedelta(hours=5), hour)
        for source, name, count in (("shop", "cart_opened", 400), ("shop", "debug_ping", 90), ("till", "receipt_printed", 7))
    ]
    with session_scope(engine) as session:
        scan = make_scan_config(session, session.get_one(Project, kind["project_id"]), name="Received")
        reconciliation.record_shadow_events(session, kind["project_id"], scan.id, found, now)
        session.get_one(Event, fax["id"]).created_at = now - timedelta(days=100)
    return str(kind["id"])


def tick(page: Page, name: str) -> None:
    """Select a row; the server answers the tick."""
    page.get_by_label(f"Select {name}").click()
    expect(page.get_by_label(f"Select {name}")).to_be_checked()


def test_an_editor_decides_about_unplanned_and_dead_events_in_bulk(
    open_page: OpenPage, owner: Person, slug: str, api: Api, apart: str, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/unplanned", owner)
    expect(page.get_by_role("row", name="cart_opened")).to_contain_text("400")
    for name in ("cart_opened", "receipt_printed"):
        tick(page, name)
    bar = page.get_by_role("region", name="Selected events")
    expect(bar).to_contain_text("2 selected")
    check_accessibility(page)
    shoot(page, "unplanned-light")

    bar.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("1 event planned, 1 not")).to_be_visible()
    expect(bar).to_contain_text("1 selected")
    page.get_by_label("Event type of accepted events").select_option(apart)
    bar.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("row", name="receipt_printed")).to_have_count(0)
    planned = {event["name"] for event in api.send("GET", "/events")["items"]}
    assert {"cart_opened", "receipt_printed"} <= planned

    tick(page, "debug_ping")
    bar.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Every counted event is in the plan")).to_be_visible()
    page.get_by_role("button", name="Dismissed", exact=True).click()
    page.wait_for_url("**/unplanned?status=dismissed")
    expect(page.get_by_role("row", name="debug_ping")).to_be_visible()
    shoot(page, "dismissed-light")
    page.get_by_role("button", name="Reopen debug_ping").click()
    expect(page.get_by_text("No unplanned event has this status")).to_be_visible()

    page.get_by_role("navigation", name="Lists").get_by_role("link", name="Dead").click()
    page.wait_for_url("**/unplanned?tab=dead")
    expect(page.get_by_role("row", name="fax_sent")).to_contain_text("never")
    page.get_by_role("button", name="90 days").click()
    page.wait_for_url("**/unplanned?tab=dead&days=90")
    page.reload()
    tick(page, "fax_sent")
    shoot(page, "dead-light")
    bar.get_by_role("button", name="Archive").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("fax_sent: archived on main.")
    question.get_by_role("button", name="Archive them").click()
    expect(page.get_by_text("No event is dead")).to_be_visible()
    statuses = {event["name"]: event["status"] for event in api.send("GET", "/events")["items"]}
    assert statuses["fax_sent"] == "archived"
    shoot(page, "archived-light")
    page.get_by_role("button", name="Undo archiving").click()
    expect(page.get_by_role("row", name="fax_sent")).to_be_visible()
    statuses = {event["name"]: event["status"] for event in api.send("GET", "/events")["items"]}
    assert statuses["fax_sent"] == "live"


def test_a_viewer_reads_unplanned_events_on_a_narrow_dark_screen(
    open_page: OpenPage, viewer: Person, slug: str, apart: str, check_accessibility: Axe
) -> None:
    assert apart
    narrow = open_page(f"/p/{slug}/unplanned", viewer, width=390, scheme="dark")
    expect(narrow.get_by_role("row", name="cart_opened")).to_be_visible()
    expect(narrow.get_by_text("Editors can decide about these events.")).to_be_visible()
    expect(narrow.get_by_label("Select cart_opened")).to_have_count(0)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(narrow)
    shoot(narrow, "unplanned-dark-390")


@pytest.fixture
def counted(engine: sa.Engine, api: Api, sources: None) -> str:
    """A day that two scans counted: a fifth of what arrived has no plan, and the warehouse lost three hours; the event's id."""
    kind = api.event_type("shop")
    event_id = str(api.event(kind, "paid", status="live")["id"])
    floor = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
    with session_scope(engine) as session:
        project = session.get_one(Project, kind["project_id"])
        received, lake = (make_scan_config(session, project, name=name) for name in ("Received", "Lake"))
        session.get_one(DataSource, received.data_source_id).is_builtin = True
        for config in (received, lake):
            config.collected_until = floor
            for ago in range(1, 25):
                bucket, is_lost = floor - timedelta(hours=ago), config is lake and ago in (10, 11, 12)
                count = 400 if is_lost else 1000
                session.add(MetricCoverage(scan_config_id=config.id, bucket=bucket, total_count=1250, matched_count=1000))
                for scope_type, ref, rows in (("event", event_id, count), ("event_type", kind["id"], 1250)):
                    session.add(
                        MetricBucket(scan_config_id=config.id, scope_type=scope_type, scope_ref=ref, bucket=bucket, count=rows)
                    )
    return event_id


def test_coverage_and_what_the_warehouse_lost(
    open_page: OpenPage, owner: Person, slug: str, counted: str, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/coverage", owner)
    expect(page.get_by_role("term").filter(has_text="Coverage").locator("..")).to_contain_text("80\u00a0%")
    finding = page.get_by_role("region", name="Findings, newest first").get_by_role("row", name="paid")
    expect(finding).to_contain_text("Lost")
    expect(finding).to_contain_text("1,800 of 3,000")
    types = page.get_by_role("region", name="Event types, most rows without a planned event first")
    expect(types.get_by_role("row").filter(has_text="77\u00a0%")).to_have_count(1)
    page.get_by_label("Event", exact=True).select_option(label="paid")
    page.wait_for_url(f"**/coverage?event={counted}")
    hours = page.get_by_role("region", name="Counts of the event, newest hour first")
    expect(hours.get_by_role("row").filter(has_text="\u2212600")).to_have_count(3)
    check_accessibility(page)
    shoot(page, "coverage-light")

    page.get_by_label("Lateness, in minutes").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Lateness is a whole number of minutes from 1 to 1440")).to_be_visible()
    page.get_by_label("Lateness, in minutes").fill("20")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The ledger follows at once.")).to_be_visible()
    page.get_by_label("Scan", exact=True).select_option(label="Lake")
    page.wait_for_url("**/coverage?scan=*")
    page.reload()
    expect(page.get_by_label("Lateness, in minutes")).to_have_value("20")


def test_coverage_without_counts_on_a_narrow_dark_screen(
    open_page: OpenPage, viewer: Person, slug: str, check_accessibility: Axe
) -> None:
    narrow = open_page(f"/p/{slug}/coverage", viewer, width=390, scheme="dark")
    expect(narrow.get_by_text("Nothing was counted in this period")).to_be_visible()
    expect(narrow.get_by_text("No warehouse is compared")).to_be_visible()
    expect(narrow.get_by_text("Editors can change this.")).to_be_visible()
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(narrow)
    shoot(narrow, "coverage-dark-390")


@pytest.mark.parametrize("page_name", ["drifts", "unplanned", "unplanned?tab=dead"])
def test_what_no_scan_compared_is_unknown_and_never_an_all_clear(
    page_name: str, open_page: OpenPage, owner: Person, viewer: Person, slug: str
) -> None:
    page = open_page(f"/p/{slug}/{page_name}", owner)
    expect(page.get_by_role("heading", name="Nothing was compared yet")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="unknown").first).to_be_visible()
    expect(page.get_by_text("Data and plan agree")).to_have_count(0)
    expect(page.get_by_text("No event is dead")).to_have_count(0)
    page.get_by_role("link", name="Set up a scan").click()
    page.wait_for_url(f"**/p/{slug}/scans/new")
    page = open_page(f"/p/{slug}/{page_name}", viewer)
    expect(page.get_by_text("Owners set them up.")).to_be_visible()
