"""The session cookie: unreadable for scripts, not sent by other sites' forms, and never over plain HTTP once HTTPS is used."""

from __future__ import annotations

from fastapi import Request, Response

from app.http import SESSION_COOKIE
from app.identity.contracts import SignedIn
from app.identity.service.tickets import TICKET_LASTS
from app.kernel.settings import get_settings

TICKET_COOKIE = "plumbline_sign_in"
_TICKET_PATH = "/session"  # only the forms of signing in get it


def set_session_cookie(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Hand the session's token to the browser, for as long as the session lasts."""
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=get_settings().security.session_hours * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )


def clear_session_cookie(request: Request, response: Response) -> None:
    """Make the browser forget the session."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=is_https(request))


def set_ticket_cookie(request: Request, response: Response, ticket: str) -> None:
    """Hand the browser what its sign-in goes on with, once the person has a code."""
    response.set_cookie(
        TICKET_COOKIE,
        ticket,
        max_age=int(TICKET_LASTS.total_seconds()),
        path=_TICKET_PATH,
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )


def clear_ticket_cookie(request: Request, response: Response) -> None:
    """Make the browser forget a sign-in that is finished or over."""
    response.delete_cookie(TICKET_COOKIE, path=_TICKET_PATH, httponly=True, samesite="lax", secure=is_https(request))


def is_https(request: Request) -> bool:
    """Whether the browser speaks HTTPS to us, directly, through a trusted proxy that says so, or by the public address."""
    settings = get_settings()
    if request.url.scheme == "https" or settings.base_url.startswith("https://"):
        return True
    trusted = {entry.strip() for entry in settings.security.trusted_proxies.split(",") if entry.strip()}
    peer = request.client.host if request.client else ""
    return peer in trusted and request.headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower() == "https"
