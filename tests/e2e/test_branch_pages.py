"""Branches: reviewed, their conflicts settled, merged and deleted; and addresses of branches that are none."""

from __future__ import annotations

import re
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.page_parts import dialog_of
from tests.e2e.plan_api import Api


def test_a_branch_is_reviewed_its_conflict_settled_and_merged(
    open_page: OpenPage, owner: Person, editor: Person, viewer: Person, slug: str, api: Api
) -> None:
    made = api.event_type("view", {"name": "path", "display_name": "Path", "field_type": "string"})
    api.event(made, "page_viewed", description="A page was seen")
    page = open_page(f"/p/{slug}/branches", owner)
    page.get_by_role("button", name="New branch").click()
    form = dialog_of(page, "New branch")
    form.get_by_label("Name").fill("Main")
    form.get_by_role("button", name="Create branch").click()
    expect(form.get_by_role("alert")).to_contain_text("taken by the main branch")
    form.get_by_label("Name").fill("clearer-words")
    form.get_by_role("button", name="Create branch").click()
    expect(page.locator(".branch-banner")).to_contain_text("clearer-words (draft)")

    page.get_by_role("link", name="page_viewed").click()
    expect(page).to_have_url(re.compile(r"\?branch="))
    page.get_by_role("button", name="Edit").click()
    edit = page.get_by_role("form", name="Edit the event")
    edit.get_by_label("Description").fill("A page was seen by somebody")
    edit.get_by_role("button", name="Save").click()
    expect(page.locator(".page-note").first).to_have_text("A page was seen by somebody")
    page.get_by_role("complementary", name="Navigation").get_by_role("link", name="Event types").click()
    page.get_by_role("link", name="View", exact=True).click()
    _rename_type(page, "Viewing")
    api.send("PATCH", f"/event-types/{made['id']}", {"display_name": "Page view"})

    page.locator(".branch-banner").get_by_role("link", name="Review").click()
    change = page.get_by_role("article").filter(has=page.get_by_role("heading", name="page_viewed"))
    expect(change.locator("ins")).to_have_text([" by somebody"])
    expect(page.get_by_role("group", name="Display name of view")).to_be_visible()
    reading = open_page(page.url, viewer)
    sides = reading.get_by_role("group", name="Display name of view")
    expect(sides).to_contain_text("Viewing")
    expect(sides.get_by_role("button")).to_have_count(0)
    expect(reading.get_by_text("Nobody has chosen yet.")).to_be_visible()
    page.get_by_label("Ask somebody to review").select_option(label="Edda Editor")
    expect(page.get_by_role("complementary", name="Review")).to_contain_text("Edda Editor")
    page.get_by_role("button", name="Submit for review").click()
    expect(page.locator(".page-title .badge")).to_have_text("Ready for review")

    theirs = open_page(page.url, editor)
    theirs.get_by_label("Comment", exact=True).fill("Why not “reader”?")
    theirs.get_by_role("button", name="Comment", exact=True).click()
    expect(theirs.get_by_role("list", name="Comments")).to_contain_text("Edda Editor")
    theirs.get_by_role("button", name="Approve").click()
    expect(theirs.locator(".page-title .badge")).to_have_text("Approved")

    page.reload()
    page.get_by_role("button", name="Reply to Edda Editor").click()
    page.get_by_label("Your reply").fill("Because bots see pages too.")
    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.locator(".comment-reply")).to_contain_text("Because bots")
    page.get_by_role("button", name="Merge into main").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose the display name of view.")
    page.get_by_role("button", name="This branch Viewing").click()
    expect(page.get_by_role("button", name="This branch Viewing")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Merge into main").click()
    expect(page.locator(".page-title .badge")).to_have_text("Merged")

    page.goto(f"/p/{slug}/event-types")
    expect(page.get_by_role("link", name="Viewing")).to_be_visible()
    page.goto(f"/p/{slug}/revisions")
    page.get_by_label("Take “Base of branch clearer-words” as before").click()
    page.get_by_label("Take “Merged branch clearer-words” as after").click()
    comparison = page.locator(".diff")
    expect(comparison.get_by_role("heading", name="page_viewed")).to_be_visible()
    page.reload()
    expect(comparison.locator("ins").first).to_be_visible()


def test_a_branch_is_deleted_after_a_question(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    branch = api.send("POST", "/branches", {"name": "idea"})
    page = open_page(f"/p/{slug}/branches/{branch['id']}", owner)
    page.get_by_role("button", name="Delete").click()
    dialog_of(page, "Delete the branch idea?").get_by_role("button", name="Delete branch").click()
    expect(page.get_by_role("heading", name="No branches yet")).to_be_visible()


def _rename_type(page: Page, name: str) -> None:
    page.get_by_role("button", name="Edit", exact=True).click()
    form = dialog_of(page, "Edit the event type")
    form.get_by_label("Display name").fill(name)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_branch_that_is_not_there_is_told(open_page: OpenPage, owner: Person, slug: str) -> None:
    for branch in (str(uuid4()), "nonsense"):
        page = open_page(f"/p/{slug}/events?branch={branch}", owner)
        expect(page.get_by_role("heading", name="There is no such branch")).to_be_visible()


def test_the_address_of_main_as_a_branch_leads_to_the_plan(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    api.event(api.event_type("view"), "page_viewed")
    branches = api._client.get(f"/api/v1/projects/{slug}/branches").json()["items"]
    main = next(branch["id"] for branch in branches if branch["kind"] == "main")
    page = open_page(f"/p/{slug}/branches/{main}", owner)
    expect(page.get_by_role("link", name="page_viewed", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/p/{slug}/events$"))
