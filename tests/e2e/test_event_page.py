"""An event: edited where it stands, its pictures, and changes that would be lost or would undo somebody's."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, Person, Watched, session_cookie
from tests.e2e.page_parts import settle
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer


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
