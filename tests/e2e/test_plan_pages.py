"""Writing a plan: types, fields, events, branches with review and conflicts, revisions; and what a viewer may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import OpenPage, Person, Watched, session_cookie, sign_up_over_http
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer

LISTS = ("events", "event-types", "variables", "relations", "meta-fields", "branches", "revisions")


@pytest.fixture(scope="session")
def viewer(server: RunningServer, owner: Person) -> Person:
    person = sign_up_over_http(server, Person("reader@example.com", "Rita Reader"))
    Api(server, session_cookie(server, owner), "none").make_viewer(person.email)
    return person


def settle(page: Page) -> None:
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


def dialog_of(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog", name=title)


def test_a_type_its_fields_and_an_event_are_made_by_hand(open_page: OpenPage, owner: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/event-types", owner)
    page.get_by_role("button", name="New event type").click()
    form = dialog_of(page, "New event type")
    form.get_by_label("Display name").fill("Order")
    expect(form.get_by_label("Name", exact=True)).to_have_value("order")
    form.get_by_role("button", name="Create event type").click()
    expect(page.get_by_role("heading", name="Order", level=1)).to_be_visible()
    _add_field(page, "plan", "One of a list", options="free\npaid", is_required=True)
    _add_field(page, "amount", "Number")
    page.get_by_role("link", name="0 events").click()
    page.get_by_role("button", name="New event").first.click()
    form = dialog_of(page, "New event")
    form.get_by_label("Name", exact=True).fill("order_placed")
    form.get_by_label("Tags (optional)").fill("Checkout, core")
    form.get_by_role("button", name="Create event").click()
    expect(form.get_by_role("alert")).to_have_text("plan must have a value")
    expect(form.get_by_label("plan")).to_be_focused()
    form.get_by_label("plan").select_option("paid")
    form.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", name="order_placed", level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("checkout")


def _add_field(page: Page, name: str, kind: str, *, options: str = "", is_required: bool = False) -> None:
    page.get_by_role("button", name="Add field").first.click()
    form = dialog_of(page, "Add a field")
    form.get_by_label("Name", exact=True).fill(name)
    form.get_by_label("Type").select_option(label=kind)
    if options:
        form.get_by_label("Values it may have, one a line").fill(options)
    if is_required:
        form.get_by_label("Every event must give a value").check()
    form.get_by_role("button", name="Add field").click()
    expect(page.get_by_label(f"Display name of {name}")).to_have_value(name)


def test_fields_are_edited_and_moved_in_their_table(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    made = api.event_type("order", *({"name": name, "display_name": name, "field_type": "string"} for name in ("first", "second")))
    page = open_page(f"/p/{slug}/event-types/{made['id']}", owner)
    page.get_by_label("Display name of first").fill("The first")
    page.get_by_label("Sensitivity of first").select_option("pii")
    page.get_by_label("Type of second").select_option("enum")
    expect(page.get_by_role("alert")).to_contain_text("Name the values it may have")
    page.get_by_label("Values it may have, one a line").fill("a\nb")
    page.get_by_role("button", name="Save rules").click()
    expect(page.get_by_role("button", name="Rules of second")).to_contain_text("one of a, b")
    page.get_by_role("button", name="Rules of first").click()
    page.get_by_label("Pattern").fill("[")
    page.get_by_role("button", name="Save rules").click()
    expect(page.get_by_role("alert")).to_contain_text("does not compile")
    page.get_by_label("Pattern").fill("^x")
    page.get_by_role("button", name="Save rules").click()
    expect(page.get_by_role("button", name="Rules of first")).to_contain_text("matches ^x")
    page.get_by_label("Sensitivity of first").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("tbody code").first).to_have_text("second")
    page.reload()
    expect(page.locator("tbody code").first).to_have_text("second")
    expect(page.get_by_label("Display name of first")).to_have_value("The first")
    expect(page.get_by_label("Sensitivity of first")).to_have_value("pii")


def test_an_event_is_edited_in_place_with_variables_history_and_schema(
    open_page: OpenPage, owner: Person, slug: str, api: Api
) -> None:
    api.send("POST", "/variables", {"name": "page_id", "variable_type": "string"})
    made = api.event_type("view", {"name": "path", "display_name": "Path", "field_type": "string"})
    event = api.event(made, "page_viewed")
    page = open_page(f"/p/{slug}/events/{event['id']}", owner)
    settle(page)
    page.keyboard.press("e")
    form = page.get_by_role("form", name="Edit the event")
    form.get_by_label("Description").fill("Somebody sees a page")
    form.get_by_label("Path").fill("/item/")
    form.get_by_role("button", name="${page_id}").click()
    expect(form.get_by_label("Path")).to_have_value("/item/${page_id}")
    form.get_by_label("Status").select_option("live")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".page-title .badge")).to_have_text("Live")
    expect(page.locator(".facts code.chip")).to_have_text("${page_id}")
    page.get_by_role("link", name="History").click()
    history = page.get_by_role("list", name="History of this event")
    expect(history).to_contain_text("Olive Owner moved it from Draft to Live")
    expect(history).to_contain_text("set path to /item/${page_id}")
    page.get_by_role("link", name="JSON Schema").click()
    expect(page.get_by_role("region", name="JSON Schema")).to_contain_text('"title": "view: page_viewed"')
    page.reload()
    expect(page.get_by_role("region", name="JSON Schema")).to_be_visible()


def test_a_picture_is_sent_opened_remarked_on_and_deleted(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    event = api.event(api.event_type("view"), "page_viewed")
    picture = BytesIO()
    Image.new("RGB", (320, 200), "teal").save(picture, "PNG")
    page = open_page(f"/p/{slug}/events/{event['id']}?tab=photos", owner)
    expect(page.get_by_role("heading", name="No photos yet")).to_be_visible()
    file = {"name": "basket.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    expect(page.get_by_label("Add pictures")).to_be_enabled()
    page.get_by_label("Add pictures").set_input_files(file)
    page.get_by_role("button", name="Open basket").click()
    box = page.get_by_role("dialog")
    expect(box.get_by_role("img")).to_be_visible()
    box.get_by_role("textbox", name="Comment").fill("The button moved.")
    box.get_by_role("button", name="Comment", exact=True).click()
    expect(box.get_by_role("list", name="Comments")).to_contain_text("Olive Owner")
    box.get_by_role("button", name="Delete photo").click()
    expect(page.get_by_role("heading", name="No photos yet")).to_be_visible()


def test_a_file_that_is_no_picture_is_refused_with_its_name(
    open_page: OpenPage, owner: Person, slug: str, api: Api, watched: Watched
) -> None:
    watched.expected.append("status of 415")
    event = api.event(api.event_type("view"), "page_viewed")
    page = open_page(f"/p/{slug}/events/{event['id']}?tab=photos", owner)
    page.get_by_label("Add pictures").set_input_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"})
    expect(page.locator("#upload-note")).to_contain_text("notes.png: ")


def test_unsaved_changes_are_not_left_by_accident(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    event = api.event(api.event_type("view"), "page_viewed")
    page = open_page(f"/p/{slug}/events/{event['id']}", owner)
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("form", name="Edit the event").get_by_label("Description").fill("half a thought")
    asked: list[str] = []

    def stay(question: object) -> None:
        asked.append(question.message)
        question.dismiss()

    page.once("dialog", stay)
    page.get_by_role("link", name="History").click()
    assert asked == ["Your changes are not saved yet. Leave without them?"]
    expect(page.get_by_role("form", name="Edit the event")).to_be_visible()
    page.once("dialog", lambda question: question.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("form", name="Edit the event")).to_have_count(0)


def test_whoever_saves_second_sees_both_versions(
    open_page: OpenPage, owner: Person, editor: Person, server: RunningServer, slug: str, api: Api
) -> None:
    event = api.event(api.event_type("view"), "page_viewed", description="first")
    page = open_page(f"/p/{slug}/events/{event['id']}", owner)
    page.get_by_role("button", name="Edit").click()
    form = page.get_by_role("form", name="Edit the event")
    form.get_by_label("Description").fill("mine")
    Api(server, session_cookie(server, editor), slug).send("PATCH", f"/events/{event['id']}", {"description": "theirs"})
    form.get_by_role("button", name="Save").click()
    clash = page.get_by_role("alert").filter(has_text="Somebody else changed this event")
    expect(clash).to_contain_text("Edda Editor described it as “theirs”")
    expect(clash.get_by_role("row", name="Description")).to_contain_text("mine")
    expect(form.get_by_label("Description")).to_have_value("mine")
    clash.get_by_role("button", name="Save mine over it").click()
    expect(page.locator(".page-note").first).to_have_text("mine")


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
