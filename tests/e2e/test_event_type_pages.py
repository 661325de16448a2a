"""Event types: made by hand, their fields edited in the table, and fields made of what arrives."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.observed_project import send
from tests.e2e.page_parts import dialog_of
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer


def arriving_table(page: Page) -> Locator:
    return page.get_by_role("region", name="Properties that arrive and are not in the plan")


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


def test_who_submits_before_the_name_has_followed_gets_the_event_type(open_page: OpenPage, owner: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/event-types", owner)
    page.get_by_role("button", name="New event type").click()
    form = dialog_of(page, "New event type").locator("form")
    expect(form.get_by_label("Name", exact=True)).to_have_value("")
    form.evaluate("form => form.requestSubmit()")
    expect(form.locator("#name-error")).to_be_visible()
    form.evaluate("form => { form.elements.display_name.value = 'Quick Order'; form.requestSubmit() }")
    expect(page.get_by_role("heading", name="Quick Order", level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("quick_order")


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


def test_properties_that_arrive_become_fields(
    open_page: OpenPage, owner: Person, viewer: Person, slug: str, api: Api, server: RunningServer
) -> None:
    made = api.event_type("shop", {"name": "mail", "display_name": "Mail", "field_type": "string", "sensitivity": "pii"})
    other = api.event_type("club")
    key = server.ingest_key(slug)
    carried = {"plan": "free", "cart": {"size": 2}, "price": 12.5, "mail": "ada@example.com"}
    sent = [("shop", {**carried, "odd": 1}), ("shop", {**carried, "odd": "one"}), ("club", carried)]
    moment = datetime.now(UTC).isoformat()
    events: list[dict[str, object]] = [
        {"service": kind, "operation": "paid", "timestamp": moment, "custom_attributes": attributes} for kind, attributes in sent
    ]
    send(server, key, events)
    page = open_page(f"/p/{slug}/event-types/{made['id']}", owner)
    expect(page.get_by_role("heading", name="Arriving, not in the plan")).to_be_visible()
    table = arriving_table(page)
    expect(table.get_by_role("row", name="plan")).to_contain_text("free")
    expect(table.get_by_role("row", name="odd")).to_contain_text("mixed: number, text")
    expect(page.get_by_role("button", name="Add as fields")).to_be_disabled()
    table.get_by_label("Take all along").click()
    expect(table.get_by_role("checkbox", checked=True)).to_have_count(5)
    table.get_by_label("Take plan along").click()
    page.get_by_role("button", name="Add 3 fields").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a type for odd")
    table.get_by_label("Take odd along").click()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Add 2 fields").click()
    expect(page.get_by_label("Type of cart")).to_have_value("json")
    expect(page.get_by_label("Type of price")).to_have_value("number")
    expect(table.locator("tbody code")).to_have_text(["odd", "plan"])
    names = [field["name"] for field in api.send("GET", f"/event-types/{made['id']}")["field_definitions"]]
    assert names[0] == "mail" and sorted(names[1:]) == ["cart", "price"]
    page = open_page(f"/p/{slug}/event-types/{other['id']}", viewer)
    expect(arriving_table(page).get_by_role("row", name="mail")).to_contain_text("not shown")
    expect(page.get_by_text("ada@example.com")).to_have_count(0)
    expect(page.get_by_role("button", name="Add as fields")).to_have_count(0)
    expect(arriving_table(page).get_by_role("checkbox")).to_have_count(0)
