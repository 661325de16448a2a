"""Signing up, in and out, members and API keys, as people do it in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, Watched, sign_up_over_http
from tests.e2e.server import RunningServer


def fill_credentials(page: Page, person: Person) -> None:
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(person.password)


def test_a_newcomer_signs_up_and_lands_on_the_project_list(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/register")
    page.get_by_label("Name (optional)").fill("Nina Newcomer")
    fill_credentials(page, Person("nina@example.com", "Nina Newcomer"))
    page.get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(re.compile(r"/home$"))
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def test_a_taken_email_is_told_at_its_field(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/register")
    fill_credentials(page, owner)
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator("#email-error")).to_contain_text("has an account already")


def test_a_wrong_password_is_told_without_saying_which_part_is_wrong(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/login")
    fill_credentials(page, Person(owner.email, owner.name, "not the password"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The email address or the password is wrong.")
    assert "not+the+password" not in page.url


def test_a_link_to_an_inner_page_survives_the_sign_in(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/settings/members?from=mail")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    fill_credentials(page, owner)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/settings/members\?from=mail$"))
    expect(page.get_by_role("heading", name="Members", level=1)).to_be_visible()


def test_a_link_to_another_host_is_not_followed_after_sign_in(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/login?next=//elsewhere.example/home")
    fill_credentials(page, owner)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"^http://127\.0\.0\.1:\d+/home$"))


def test_a_reload_keeps_the_session(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/home", owner)
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def test_after_sign_out_the_page_and_the_cookie_are_closed(open_page: OpenPage, editor: Person) -> None:
    page = open_page("/settings/members", editor)
    expect(page.get_by_role("cell", name=editor.email)).to_be_visible()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/login$"))
    page.goto("/settings/members")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    expect(page.get_by_text(editor.email)).to_have_count(0)


def test_a_session_ended_elsewhere_leads_to_the_sign_in_page_at_the_next_action(
    open_page: OpenPage, server: RunningServer, owner: Person
) -> None:
    page = open_page("/settings/api-keys", owner)
    expect(page.get_by_role("heading", name="API keys", level=1)).to_be_visible()
    cookie = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "plumbline_session")
    httpx.post(f"{server.url}/api/v1/auth/logout", cookies={"plumbline_session": cookie}, timeout=30).raise_for_status()
    page.get_by_role("button", name=re.compile("Create.*key")).first.click()
    expect(page).to_have_url(re.compile(r"/login\?next=%2Fsettings%2Fapi-keys"))


def test_an_owner_changes_a_role_and_that_person_is_signed_out(open_page: OpenPage, server: RunningServer, owner: Person) -> None:
    viola = sign_up_over_http(server, Person("viola@example.com", "Viola Viewer"))
    theirs = open_page("/home", viola)
    expect(theirs.get_by_role("heading", name="Projects", level=1)).to_be_visible()
    page = open_page("/settings/members", owner)
    page.get_by_label(f"Role of {viola.email}").select_option("viewer")
    expect(page.get_by_text(f"{viola.email} is now viewer")).to_be_visible()
    theirs.reload()
    expect(theirs).to_have_url(re.compile(r"/login"))


def test_the_last_owner_cannot_be_demoted_and_is_told_so(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/settings/members", owner)
    own_role = page.get_by_label(f"Role of {owner.email}")
    own_role.select_option("editor")
    expect(page.get_by_role("alert")).to_contain_text("last owner")
    expect(own_role).to_have_value("owner")


def test_who_is_no_owner_sees_roles_but_cannot_choose_them(open_page: OpenPage, editor: Person) -> None:
    page = open_page("/settings/members", editor)
    expect(page.get_by_text("Only owners change roles")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("you"))).to_contain_text(editor.email)
    expect(page.get_by_role("combobox")).to_have_count(0)


def test_an_api_key_is_shown_once_works_and_is_refused_after_it_was_revoked(
    open_page: OpenPage, server: RunningServer, owner: Person
) -> None:
    page = open_page("/settings/api-keys", owner)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=re.compile("Create.*key")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Nightly export")
    dialog.get_by_role("button", name="Create key").evaluate("button => { button.click(); button.click() }")
    token = page.locator("#new-token").inner_text()
    assert token.startswith("tk_r_")
    page.get_by_role("button", name="Copy key").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == token
    assert ask_with(server, token) == 200

    page.get_by_role("button", name="I have copied it").click()
    page.reload()
    row = page.get_by_role("row", name=re.compile("Nightly export"))
    expect(row).to_have_count(1)  # however quickly somebody pressed twice
    expect(row).to_contain_text("active")
    expect(page.get_by_text(token)).to_have_count(0)

    row.get_by_role("button", name="Revoke").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("is refused from now on")
    question.get_by_role("button", name="Revoke key").click()
    expect(row).to_contain_text("revoked")
    assert ask_with(server, token) == 401


def ask_with(server: RunningServer, token: str) -> int:
    return httpx.get(f"{server.url}/api/v1/projects", headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code


def test_a_blank_key_name_is_told_at_the_field(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/settings/api-keys", owner)
    page.get_by_role("button", name=re.compile("Create.*key")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("   ")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.locator("#name-error")).to_be_visible()


def test_a_project_gets_its_slug_from_its_name_and_a_taken_slug_is_told_at_the_field(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/home", owner)
    page.get_by_role("button", name="Create project").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Web Shop (EU)")
    expect(dialog.get_by_label("Slug")).to_have_value("web-shop-eu")
    dialog.get_by_role("button", name="Create project").click()
    expect(page).to_have_url(re.compile(r"/p/web-shop-eu/keys$"))

    page.goto("/home")
    expect(page.get_by_role("link", name="Web Shop (EU)")).to_be_visible()
    page.get_by_role("button", name="Create project").first.click()
    dialog.get_by_label("Name").fill("Another")
    dialog.get_by_label("Slug").fill("web-shop-eu")
    dialog.get_by_role("button", name="Create project").click()
    expect(dialog.locator("#slug-error")).to_be_visible()


def test_who_submits_before_the_slug_has_followed_gets_the_project(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/home", owner)
    page.get_by_role("button", name="Create project").first.click()
    form = page.get_by_role("dialog").locator("form")
    expect(form.get_by_label("Slug")).to_have_value("")
    form.evaluate("form => { form.elements.name.value = 'Quick Shop'; form.requestSubmit() }")
    expect(page).to_have_url(re.compile(r"/p/quick-shop/keys$"))


def test_the_command_on_the_keys_page_sends_an_event(open_page: OpenPage, server: RunningServer, owner: Person) -> None:
    page = open_page("/home", owner)
    page.get_by_role("button", name="Create project").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("First event")
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    page.get_by_role("button", name=re.compile("Create.*key")).first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("terminal")
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    token = page.locator("#new-token").inner_text()
    command = page.get_by_role("region", name="Command that sends one event").inner_text()
    assert f"{server.url}/v1/events" in command
    assert token in command
    body = re.search(r"-d '(.*)'", command)
    assert body
    answer = httpx.post(f"{server.url}/v1/events", content=body[1], headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.json()["processed"] == 1


def test_an_unknown_project_says_so(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/p/nobody-made-this/keys", owner)
    expect(page.get_by_role("heading", name="There is no such project")).to_be_visible()


def test_pages_about_people_and_keys_are_accessible(
    open_page: OpenPage, owner: Person, check_accessibility: Callable[[Page], None]
) -> None:
    for path, person in (
        ("/login", None),
        ("/register", None),
        ("/home", owner),
        ("/settings/members", owner),
        ("/settings/api-keys", owner),
    ):
        for scheme in ("light", "dark"):
            page = open_page(path, person, scheme=scheme)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            check_accessibility(page)
            page.close()


def test_open_dialogs_and_a_fresh_key_are_accessible(
    open_page: OpenPage, owner: Person, check_accessibility: Callable[[Page], None]
) -> None:
    for scheme in ("light", "dark"):
        page = open_page("/settings/api-keys", owner, scheme=scheme)
        page.get_by_role("button", name=re.compile("Create.*key")).first.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Name")).to_be_focused()
        check_accessibility(page)
        dialog.get_by_label("Name").fill(f"Reader in {scheme}")
        dialog.get_by_role("button", name="Create key").click()
        expect(page.locator("#new-token")).to_be_visible()
        check_accessibility(page)
        page.get_by_role("button", name=f"Revoke Reader in {scheme}").click()
        expect(page.get_by_role("button", name="Revoke key")).to_be_visible()
        check_accessibility(page)
        page.close()


def test_a_demo_project_is_made_before_ones_eyes(open_page: OpenPage, owner: Person) -> None:
    page = open_page("/home", owner)
    page.get_by_role("button", name="Create demo project").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.reload()
    expect(page.get_by_text("The demo project is ready")).to_be_visible(timeout=120_000)
    made = page.get_by_role("row", name=re.compile("demo-"))
    expect(made).to_contain_text("completed")
    made.get_by_role("button", name=re.compile("Make demo-.* anew")).click()
    question = page.get_by_role("dialog", name="Make the demo project anew?")
    expect(question).to_contain_text("changed in it is lost")
    question.get_by_role("button", name="Cancel").click()
    # Its invented sign-ins have places of their own, whatever this instance knows of addresses.
    made.get_by_role("link").first.click()
    page.get_by_role("link", name="Security", exact=True).click()
    expect(page.get_by_role("img", name="places; most from Hamburg, DE")).to_be_visible()
    expect(page.get_by_role("region", name="Sign-ins by place").get_by_role("link", name="Toronto, CA")).to_be_visible()


def test_an_address_that_leads_nowhere_says_so_and_leads_back(open_page: OpenPage, watched: Watched, owner: Person) -> None:
    watched.expected.append("404 (Not Found)")
    page = open_page("/nothing/here", owner)
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    page.get_by_role("link", name="All projects").click()
    expect(page).to_have_url(re.compile(r"/home$"))


def test_nothing_overflows_on_a_narrow_screen(open_page: OpenPage, owner: Person) -> None:
    for path in ("/home", "/settings/members", "/settings/api-keys"):
        page = open_page(path, owner, width=390)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.close()
