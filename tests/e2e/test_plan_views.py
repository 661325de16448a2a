"""The plan as people look at it: relations as a graph, saved views of the catalogue, answers under a photo."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.plan_api import Api


def test_relations_are_drawn_and_lead_to_their_event_types(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    field = {"name": "customer_id", "display_name": "Customer", "field_type": "string"}
    order, customer = api.event_type("order", field), api.event_type("customer", field)
    page = open_page(f"/p/{slug}/relations", owner)
    expect(page.get_by_role("heading", name="No relations yet")).to_be_visible()
    api.send(
        "POST",
        "/relations",
        {
            "source_event_type_id": order["id"],
            "source_field_id": order["field_definitions"][0]["id"],
            "target_event_type_id": customer["id"],
            "target_field_id": customer["field_definitions"][0]["id"],
            "relation_type": "belongs_to",
        },
    )
    page.reload()
    graph = page.get_by_role("region", name="Graph of relations")
    expect(graph).to_contain_text("belongs to")
    expect(page.get_by_role("table")).to_contain_text("Customer.customer_id")
    graph.get_by_role("link", name="Customer").click()
    expect(page.get_by_role("heading", name="Customer", level=1)).to_be_visible()


def test_a_view_keeps_its_filters_until_it_is_forgotten(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    kind = api.event_type("order")
    api.event(kind, "order_placed")
    api.event(kind, "cart_opened")
    page = open_page(f"/p/{slug}/events?q=cart", owner)
    expect(page.get_by_role("button", name="Save this view")).to_be_visible()
    page.get_by_role("button", name="Save this view").click()
    form = page.get_by_role("dialog", name="Save this view")
    form.get_by_label("Name").fill("Carts")
    form.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("button", name="Carts", exact=True)).to_be_visible()
    page.goto(page.url.partition("?")[0])
    expect(page.get_by_role("table")).to_contain_text("order_placed")
    page.get_by_role("button", name="Carts", exact=True).click()
    expect(page.get_by_role("table")).not_to_contain_text("order_placed")
    expect(page.get_by_role("table")).to_contain_text("cart_opened")
    page.get_by_role("button", name="Forget the view Carts").click()
    expect(page.get_by_role("button", name="Carts", exact=True)).to_have_count(0)


def test_an_answer_stands_under_its_comment(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    event = api.event(api.event_type("order"), "order_placed")
    picture = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "PNG")
    page = open_page(f"/p/{slug}/events/{event['id']}?tab=photos", owner)
    expect(page.locator("input[type=file]")).to_be_enabled()
    page.locator("input[type=file]").set_input_files({"name": "cart.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    page.get_by_role("button", name="Open cart.png").click()
    box = page.get_by_role("dialog")
    for text in ("First", "Second"):
        box.get_by_role("textbox", name="Comment").fill(text)
        box.get_by_role("button", name="Comment", exact=True).click()
        expect(box.get_by_text(text, exact=True)).to_be_visible()
    box.locator(".comment").filter(has_text="First").get_by_role("button", name="Answer").click()
    box.get_by_role("textbox", name="Comment").fill("Under the first")
    box.get_by_role("button", name="Answer", exact=True).click()
    expect(box.locator(".comment-reply")).to_have_count(1)
    expect(box.locator(".comment-body")).to_have_text(["First", "Under the first", "Second"])
