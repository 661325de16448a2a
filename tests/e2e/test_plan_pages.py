"""The plan's pages as a whole: the catalogue, definitions, what a viewer may not, and every page on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.page_parts import dialog_of, settle
from tests.e2e.plan_api import Api

LISTS = ("events", "event-types", "variables", "relations", "meta-fields", "branches", "revisions")


def test_the_catalogue_is_worked_by_keys_and_in_bulk(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    made = api.event_type("view")
    for name in ("alpha", "beta", "gamma"):
        api.event(made, name)
    page = open_page(f"/p/{slug}/events?sort=name", owner)
    settle(page)
    page.get_by_label("Status of alpha").select_option("live")
    api.wait_for_status("alpha", "live")
    page.reload()
    expect(page.get_by_label("Status of alpha")).to_have_value("live")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="beta")).to_be_focused()
    page.keyboard.press("x")
    bar = page.get_by_role("region", name="Selected events")
    expect(bar).to_contain_text("1 selected")
    page.get_by_label("Select gamma").click()
    expect(bar).to_contain_text("2 selected")
    bar.get_by_label("Tag to add").fill("Old")
    bar.get_by_role("button", name="Add tag").click()
    expect(page.locator("tbody .tag")).to_have_text(["old", "old"])
    bar.get_by_label("Set the status of the selected events").select_option("deprecated")
    expect(page.get_by_label("Status of gamma")).to_have_value("deprecated")
    bar.get_by_role("button", name="Delete").click()
    question = dialog_of(page, "Delete 2 selected events?")
    expect(question).to_contain_text("beta, gamma")
    question.get_by_role("button", name="Delete events").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(question).to_have_count(0)
    page.keyboard.press("n")
    expect(dialog_of(page, "New event")).to_be_visible()


def test_variables_and_meta_fields_are_kept_and_their_uses_counted(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    page = open_page(f"/p/{slug}/variables", owner)
    page.get_by_role("button", name="New variable").click()
    form = dialog_of(page, "New variable")
    form.get_by_label("Name", exact=True).fill("Item Id")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("small letters")
    form.get_by_label("Name", exact=True).fill("item_id")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=re.compile(r"\$\{item_id\}"))).to_be_visible()
    page.goto(f"/p/{slug}/meta-fields")
    page.get_by_role("button", name="New meta field").click()
    form = dialog_of(page, "New meta field")
    form.get_by_label("Name", exact=True).fill("ticket")
    form.get_by_label("Link (optional)").fill("https://tickets.example.com/")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("${value}")
    form.get_by_label("Link (optional)").fill("https://tickets.example.com/${value}")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=re.compile("ticket"))).to_be_visible()


def test_a_viewer_reads_everything_and_finds_no_way_to_edit(
    open_page: OpenPage, owner: Person, viewer: Person, slug: str, api: Api
) -> None:
    made = api.event_type("view", {"name": "path", "display_name": "Path", "field_type": "string"})
    event = api.event(made, "page_viewed")
    api.send("POST", "/variables", {"name": "page_id", "variable_type": "string"})
    branch = api.send("POST", "/branches", {"name": "idea"})
    paths = [*LISTS, f"event-types/{made['id']}", f"events/{event['id']}", f"branches/{branch['id']}"]
    page = open_page(f"/p/{slug}", viewer)
    words = re.compile(r"^(New|Add|Edit|Delete|Select|Save|Merge|Submit|Approve|Comment|Ask)")
    for path in paths:
        page.goto(f"/p/{slug}/{path}")
        settle(page)
        assert page.get_by_role("main").get_by_role("button", name=words).count() == 0, path
        assert page.get_by_role("main").get_by_role("checkbox").count() == 0, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plan_pages_are_accessible_and_fit_a_phone(
    scheme: str, open_page: OpenPage, owner: Person, slug: str, api: Api, check_accessibility: Callable[[Page], None]
) -> None:
    made = api.event_type("view", {"name": "path", "display_name": "Path", "field_type": "string", "sensitivity": "pii"})
    event = api.event(made, "page_viewed", tags=["core"])
    branch = api.send("POST", "/branches", {"name": "idea"})
    paths = [*LISTS, f"event-types/{made['id']}", f"events/{event['id']}", f"branches/{branch['id']}"]
    page = open_page(f"/p/{slug}", owner, scheme=scheme)
    for path in (*paths, f"events?branch={branch['id']}"):
        page.goto(f"/p/{slug}/{path}")
        settle(page)
        check_accessibility(page)
    page.set_viewport_size({"width": 390, "height": 844})
    for path in paths:
        page.goto(f"/p/{slug}/{path}")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
