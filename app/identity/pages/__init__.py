"""Pages about people and their keys: signing in and up, members, sessions, API keys, ingest keys."""

from app.identity.pages import (
    api_keys,
    ingest_keys,
    invitation,
    members,
    second_factor,
    sessions,
    sign_in,
    sign_in_code,
    sign_up,
)

__all__ = ["api_keys", "ingest_keys", "invitation", "members", "second_factor", "sessions", "sign_in", "sign_in_code", "sign_up"]
