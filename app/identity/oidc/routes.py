"""The two addresses of a sign-in at a provider. Whatever goes wrong ends at the sign-in page with a code of ours."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app import sign_in_paths
from app.http import client_address, user_agent
from app.identity.contracts import EntryRefusal, SignInOrigin
from app.identity.cookies import is_https, set_session_cookie
from app.identity.oidc import flow
from app.identity.oidc.contracts import OidcRefused
from app.identity.oidc.service import ATTEMPT_LASTS
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import TooManyRequests
from app.kernel.settings import get_settings

COOKIE = "plumbline_oidc"
COOKIE_PATH = "/session/oidc"

router = APIRouter(include_in_schema=False)


@router.get("/session/oidc/start")
def start(request: Request) -> Response:
    """Send the browser to the provider, with the verifier of this sign-in in a cookie that only comes back here."""
    next_path = sign_in_paths.safe_next(request.query_params.get("next", ""))
    try:
        departure = flow.depart(get_settings(), next_path, origin=_origin(request), clock=SYSTEM_CLOCK)
    except OidcRefused as refused:
        return _back(refused.refusal, next_path)
    except TooManyRequests:
        return _back(EntryRefusal.RATE_LIMITED, next_path)
    response = RedirectResponse(departure.url, status_code=303)
    response.set_cookie(
        COOKIE,
        departure.verifier,
        max_age=int(ATTEMPT_LASTS.total_seconds()),
        path=COOKIE_PATH,
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )
    return response


@router.get(flow.CALLBACK)
def callback(request: Request) -> Response:
    """Take the browser back from the provider: signed in, or at the sign-in page."""
    response: Response
    try:
        arrival = flow.arrive(
            get_settings(),
            request.query_params,
            request.cookies.get(COOKIE, ""),
            origin=_origin(request),
            clock=SYSTEM_CLOCK,
        )
    except OidcRefused as refused:
        response = _back(refused.refusal, refused.next_path)
    except TooManyRequests:
        response = _back(EntryRefusal.RATE_LIMITED, "")
    else:
        response = RedirectResponse(sign_in_paths.safe_next(arrival.next_path), status_code=303)
        set_session_cookie(request, response, arrival.signed_in)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, httponly=True, samesite="lax", secure=is_https(request))
    return response


def _origin(request: Request) -> SignInOrigin:
    return SignInOrigin(client_address(request), user_agent(request))


def _back(refusal: EntryRefusal, next_path: str) -> Response:
    query = {"error": refusal.value} | ({"next": next_path} if next_path else {})
    return RedirectResponse(f"{sign_in_paths.LOGIN}?{urlencode(query)}", status_code=303)
