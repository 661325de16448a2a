"""Addresses of the user interface."""

from __future__ import annotations

import pytest

from app import sign_in_paths, ui_paths
from app.palette import address_entries
from app.projects.pages.home_view import slug_from


@pytest.mark.parametrize("path", ["/home", "/p/shop/events?q=a&page=2", "/settings/members"])
def test_a_page_of_this_instance_is_followed(path: str) -> None:
    assert sign_in_paths.safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "home",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "https://elsewhere.example",
        "/\t/elsewhere.example",
        "/p\\..\\x",
        "javascript:alert(1)",
        "/login",
        "/register?next=/login",
        "/a\nSet-Cookie: x",
    ],
)
def test_everything_else_leads_to_the_project_list(path: str) -> None:
    assert sign_in_paths.safe_next(path) == ui_paths.HOME


def test_the_page_to_return_to_is_one_parameter_whatever_it_holds() -> None:
    assert sign_in_paths.login("/p/shop/events?q=a&page=2") == "/login?next=%2Fp%2Fshop%2Fevents%3Fq%3Da%26page%3D2"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Web Shop (EU)", "web-shop-eu"), ("  Café  Zürich ", "cafe-zurich"), ("a__b--c", "a-b-c"), ("日本", ""), ("", "")],
)
def test_a_slug_is_proposed_from_the_name(name: str, slug: str) -> None:
    assert slug_from(name) == slug


def test_a_typed_address_leads_to_its_security_events() -> None:
    assert address_entries("shop", "2001:DB8::1")[0]["href"] == "/p/shop/security/events?ip=2001%3Adb8%3A%3A1&days=90"
    assert address_entries("shop", "checkout") == []
