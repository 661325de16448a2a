"""Rules are written while one watches what they would have told, and monitors show what the rules see."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from models.alerting import AlertRuleState
from tests.e2e.conftest import OpenPage, Person
from tests.e2e.departing_project import Departing, make_departing
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer

Axe = Callable[[Page], None]


@pytest.fixture
def departing(server: RunningServer, api: Api) -> Departing:
    return make_departing(server, api)


def slack(api: Api) -> str:
    body = {"type": "slack", "name": "Team chat", "webhook_url": "https://hooks.slack.com/services/T000/B000/secret"}
    return str(api.send("POST", "/alert-destinations", body)["id"])


def look(page: Page, name: str, check_accessibility: Axe) -> None:
    """The page is accessible and fits on a phone in dark; pictures of every width and mode where somebody asked for them."""
    folder, usual = os.environ.get("PLUMBLINE_TEST_SHOTS"), page.viewport_size
    views = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")] if folder else [(1440, "light"), (390, "dark")]
    for width, scheme in views:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        check_accessibility(page)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(usual or {"width": 1440, "height": 900})


def test_a_rule_is_tried_while_it_is_written_and_compared_once_it_is_stored(
    open_page: OpenPage, owner: Person, slug: str, api: Api, departing: Departing, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/rules", owner)
    expect(page.get_by_text("No rule yet")).to_be_visible()
    page.get_by_role("link", name="Write the first rule").click()
    expect(page.get_by_text("There is nobody to tell yet")).to_be_visible()
    slack(api)
    page.reload()
    count = page.get_by_role("heading", name="This would have fired")
    expect(count).to_have_text(re.compile(r"fired [1-9]\d* times in 14 days"))
    before = count.inner_text()
    page.get_by_label("Name", exact=True).fill("Orders drop")
    page.get_by_label("Spikes").click()
    page.get_by_label("Percent of the expected count").fill("60")
    sentence = page.locator(".rule-sentence")
    expect(sentence).to_contain_text("drops unusually, by at least 60 %, tell Team chat")
    expect(count).not_to_have_text(before)
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Add a value").select_option(label="order_placed")
    expect(sentence).to_contain_text("Only where the event is one of order_placed.")
    expect(page.get_by_role("figure")).to_be_visible()
    look(page, "rule-new", check_accessibility)
    page.get_by_label("Text of each item").fill("${scope_name} fell by ${nonsense}")
    expect(page.locator("#items_template-error")).to_contain_text("nonsense")
    page.get_by_label("Text of each item").fill("${scope_name} fell to ${actual_count}")
    page.get_by_role("button", name="Message", exact=True).click()
    expect(page.get_by_role("region", name="Message")).to_contain_text("order_placed fell to 0")
    page.get_by_role("button", name="Add rule").evaluate("button => { button.click(); button.click() }")
    expect(page.get_by_role("heading", name="Orders drop", level=1)).to_be_visible()
    (told,) = api.send("GET", "/alert-destinations")
    assert len(told["rules"]) == 1  # however quickly somebody pressed twice

    page.get_by_label("Events more or less").fill("100000")
    page.get_by_role("button", name="Compare", exact=True).click()
    table = page.get_by_role("region", name="The stored rule beside the draft")
    expect(table.get_by_role("row", name=re.compile(r"Firings [1-9]\d* 0"))).to_be_visible()
    look(page, "rule-compare", check_accessibility)
    page.get_by_role("button", name="Why not?", exact=True).click()
    series = page.get_by_label("Series")
    series.select_option(label="Event: order_placed")
    expect(page.get_by_text("It stays silent, because this does not hold")).to_be_visible()
    expect(page.locator(".rule-gate-first")).to_have_count(1)
    look(page, "rule-why", check_accessibility)

    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.locator("#quiet_end-error")).to_contain_text("both a beginning and an end")
    page.get_by_label("Quiet until").fill("07:00")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("but never between 22:00 and 07:00")).to_be_visible()
    page.get_by_label("Alerts go to").select_option(label="Owners, else the destination")
    page.get_by_label("Then tell", exact=True).select_option(label="Team chat")
    page.get_by_role("button", name="Save who else is told").click()
    expect(page.get_by_text("When nobody answers for 30 min, Team chat is told, once.")).to_be_visible()

    page.goto(f"/p/{slug}/rules")
    switch = page.get_by_label("Orders drop is on")
    expect(switch).to_be_checked()
    look(page, "rules", check_accessibility)
    switch.click()
    expect(page.get_by_text("Orders drop is off")).to_be_visible()
    expect(page.get_by_text("It is switched off.")).to_be_visible()


def test_monitors_that_fire_come_first_and_lead_to_their_series(
    open_page: OpenPage, server: RunningServer, owner: Person, slug: str, api: Api, departing: Departing, check_accessibility: Axe
) -> None:
    destination_id = slack(api)
    for name in ("A calm one", "Orders drop"):
        rule = api.send("POST", f"/alert-destinations/{destination_id}/rules", {"name": name})
    bucket = SYSTEM_CLOCK.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    with session_scope(create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        state = {"scan_config_id": departing.scan_id, "scope_type": "event", "scope_ref": departing.order_id, "direction": "drop"}
        session.add(AlertRuleState(rule_id=rule["id"], bucket=bucket, last_seen_bucket=bucket, **state))
    page = open_page(f"/p/{slug}/monitors", owner)
    names = page.get_by_role("region", name="Monitors, those that fire first").locator("tbody .row-link")
    expect(names).to_have_text(["Orders drop", "A calm one"])
    look(page, "monitors", check_accessibility)
    page.get_by_role("button", name="Mute for a day Orders drop").click()
    expect(page.get_by_text("muted until")).to_be_visible()
    page.get_by_role("button", name="Healthy", exact=True).click()
    expect(names).to_have_text(["A calm one"])
    expect(page).to_have_url(re.compile(r"\?status=healthy"))
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("link", name="order_placed").click()
    expect(page).to_have_url(re.compile(rf"/monitoring\?series=event%2F{departing.order_id}"))
