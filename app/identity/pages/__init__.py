"""Pages about people and their keys: signing in and up, members, sessions, API keys, ingest keys."""

from app.identity.pages import (
    api_keys,
    forgot_password,
    ingest_keys,
    invitation,
    members,
    reset_password,
    second_factor,
    sessions,
    sign_in,
    sign_in_code,
    sign_up,
)

__all__ = [
    "api_keys",
    "forgot_password",
    "ingest_keys",
    "invitation",
    "members",
    "reset_password",
    "second_factor",
    "sessions",
    "sign_in",
    "sign_in_code",
    "sign_up",
]
