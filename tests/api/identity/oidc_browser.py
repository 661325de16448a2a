"""What the tests of sign-in at a provider share: the settings, and a browser that goes there and back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
from sqlmodel import select

from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.identity import AuditEntry
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, StandIn

HERE = "http://testserver"
START = "/session/oidc/start"
CALLBACK = "/session/oidc/callback"
ADA = {"sub": "ada-1", "email": "Ada@Example.com", "email_verified": True, "name": "Ada Lovelace"}


def configure(monkeypatch, provider: StandIn, **settings: str) -> None:
    values = {
        "PUBLIC_URL": HERE,
        "OUTBOUND_ALLOW": "127.0.0.1",
        "OIDC_ISSUER": provider.url,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        **settings,
    }
    for name, value in values.items():
        monkeypatch.setenv(f"PLUMBLINE_{name}", value)
    get_settings.cache_clear()


def leave(client, next_path: str = "") -> str:
    """To the provider and, there, back to our address with a code; that address is returned, not called."""
    answer = client.get(START, params={"next": next_path} if next_path else {})
    assert answer.status_code == 303, answer.text
    there = httpx.get(answer.headers["location"], follow_redirects=False)
    assert there.status_code == 302, there.text
    back = there.headers["location"]
    assert back.startswith(HERE + CALLBACK)
    return back.removeprefix(HERE)


def come_back(client, next_path: str = ""):
    return client.get(leave(client, next_path))


def refusal(answer) -> str:
    """The code under which the sign-in page tells why."""
    assert answer.status_code == 303, answer.text
    where = urlsplit(answer.headers["location"])
    assert (where.netloc, where.path) == ("", "/login")
    assert "plumbline_session" not in answer.headers.get("set-cookie", "")
    return parse_qs(where.query)["error"][0]


def audited(action: str) -> list[AuditEntry]:
    with session_scope(write=False) as session:
        return list(session.exec(select(AuditEntry).where(AuditEntry.action == action)).all())


def refusal_reason() -> str:
    return str(audited("session.refuse")[-1].payload["reason"])
