"""Addresses of signing in and up, and where they may lead afterwards."""

from __future__ import annotations

from urllib.parse import quote

from app.ui_paths import HOME

LOGIN = "/login"
LOGIN_CODE = "/login/code"
FORGOT_PASSWORD = "/forgot-password"  # noqa: S105
RESET_PASSWORD = "/reset-password"  # noqa: S105
REGISTER = "/register"


def login(next_path: str = "") -> str:
    """The sign-in page, which returns to `next_path` afterwards."""
    return f"{LOGIN}?next={quote(next_path, safe='')}" if next_path else LOGIN


def login_code(next_path: str = "") -> str:
    """Where a sign-in goes on with the code of a second factor."""
    return f"{LOGIN_CODE}?next={quote(next_path, safe='')}" if next_path else LOGIN_CODE


def reset_password(token: str) -> str:
    """Where the holder of a link chooses another password."""
    return f"{RESET_PASSWORD}?token={quote(token, safe='')}"


def register(next_path: str = "") -> str:
    """The sign-up page, which leads to `next_path` afterwards."""
    return f"{REGISTER}?next={quote(next_path, safe='')}" if next_path else REGISTER


def provider_sign_in(next_path: str) -> str:
    """Where signing in at the provider begins; it leads to `next_path` afterwards."""
    return f"/session/oidc/start?next={quote(next_path, safe='')}"


def invitation(token: object) -> str:
    """Where an invitation is accepted."""
    return f"/invite/{token}"


def safe_next(path: str) -> str:
    """`path` when it leads to a page of this instance, else the project list; never another host."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_local and not path.startswith((LOGIN, REGISTER)) else HOME
