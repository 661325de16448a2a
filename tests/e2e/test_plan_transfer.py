"""A plan carried out as a file and in again: the preview tells every row, and only then a branch is made."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, session_cookie
from tests.e2e.server import RunningServer


def make_project(server: RunningServer, owner: Person) -> str:
    """The slug of a project with one event type and one event."""
    slug = f"files-{uuid4().hex[:8]}"
    client = httpx.Client(base_url=server.url, cookies={"plumbline_session": session_cookie(server, owner)}, timeout=30)
    assert client.post("/api/v1/projects", json={"name": slug, "slug": slug}).is_success
    base = f"/api/v1/projects/{slug}"
    made = client.post(f"{base}/event-types", json={"name": "shop", "display_name": "Shop"})
    assert made.is_success, made.text
    assert client.post(f"{base}/events", json={"event_type_id": made.json()["id"], "name": "paid", "tags": ["core"]}).is_success
    return slug


def test_a_plan_goes_out_as_a_file_and_comes_in_on_a_branch(
    open_page: OpenPage, server: RunningServer, owner: Person, tmp_path: Path, check_accessibility: Callable[[Page], None]
) -> None:
    slug = make_project(server, owner)
    page = open_page(f"/p/{slug}/plan/transfer", owner)
    expect(page.get_by_role("heading", name="Import and export")).to_be_visible()
    check_accessibility(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="YAML folder").click()
    names = zipfile.ZipFile(BytesIO(download.value.path().read_bytes())).namelist()
    assert names == ["event_types/shop.yaml", "meta_fields.yaml", "relations.yaml", "variables.yaml"]
    with page.expect_download() as download:
        page.get_by_role("link", name="Events as CSV").click()
    table = download.value.path().read_text()
    assert "shop,paid,draft,,core," in table

    edited = tmp_path / "events.csv"
    edited.write_text(table.replace("paid,draft", "paid,nonsense") + "shop,refunded,draft,,,\n")
    page.get_by_label("File", exact=True).set_input_files(edited)
    main = page.get_by_role("main")
    expect(main).to_contain_text("Nothing can be imported before 1 error in the file is corrected")
    expect(page.get_by_role("row", name="shop › paid")).to_contain_text("row 2, status")
    expect(page.get_by_role("button", name="Import to branch")).to_have_count(0)

    edited.write_text(table.replace("paid,draft", "paid,live") + "shop,refunded,draft,,,\n")
    page.get_by_label("File", exact=True).set_input_files(edited)
    expect(main).to_contain_text("1 changed, 1 created")
    expect(page.get_by_role("row", name="shop › paid")).to_contain_text("status: 'draft' → 'live'")
    expect(page.get_by_role("row", name="shop › refunded")).to_contain_text("Created")
    check_accessibility(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    name = page.get_by_label("Name of the branch")
    expect(name).to_have_value("Import events.csv")
    name.fill("From the spreadsheet")
    page.get_by_role("button", name="Import to branch").click()
    expect(page.get_by_role("heading", name="From the spreadsheet")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("refunded")
