"""Plain HTML forms for signing in, up and out: the cookie is HttpOnly, so the browser itself has to receive it.

Each answers 303 to a page. A refusal goes back to its form with a code; neither password nor email appears in an address.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from app import sign_in_paths, ui_paths
from app.http import SESSION_COOKIE, client_address, user_agent
from app.identity import entrance, service
from app.identity.contracts import EntryRefusal
from app.identity.cookies import (
    TICKET_COOKIE,
    clear_session_cookie,
    clear_ticket_cookie,
    set_session_cookie,
    set_ticket_cookie,
)
from app.identity.second_factor import CodeRefused, CodeRequired
from app.identity.shapes import InvitationAccept, LoginRequest, RegisterRequest
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Conflict, Forbidden, Gone, NotFound, TooManyRequests, Unauthorized

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form()]
NextPath = Annotated[str, Form(alias="next")]

_LONGEST_CODE = 64

_REFUSALS: dict[type[AppError], EntryRefusal] = {
    Unauthorized: EntryRefusal.INVALID_CREDENTIALS,
    CodeRequired: EntryRefusal.SIGN_IN_OVER,  # the factor was turned on while the password was checked
    Conflict: EntryRefusal.EMAIL_TAKEN,
    Forbidden: EntryRefusal.REGISTRATION_CLOSED,
    TooManyRequests: EntryRefusal.RATE_LIMITED,
}


@router.post("/session/login")
def login(request: Request, email: Text = "", password: Text = "", next_path: NextPath = "") -> Response:
    """Sign in and go to `next`, by way of the code where the account asks for one; otherwise back to the form."""
    try:
        body = LoginRequest(email=email.strip(), password=password, totp=None)
        outcome = entrance.begin_sign_in(
            body.email, body.password, address=client_address(request), clock=SYSTEM_CLOCK, user_agent=user_agent(request)
        )
    except ValidationError:
        # Too short to be anybody's password: the same answer as for a wrong one.
        return _back(sign_in_paths.LOGIN, EntryRefusal.INVALID_CREDENTIALS, next_path)
    except tuple(_REFUSALS) as refusal:
        return _back(sign_in_paths.LOGIN, _REFUSALS[type(refusal)], next_path)
    if isinstance(outcome, str):
        response = _to(sign_in_paths.login_code(sign_in_paths.safe_next(next_path)))
        set_ticket_cookie(request, response, outcome)
        return response
    response = _to(sign_in_paths.safe_next(next_path))
    set_session_cookie(request, response, outcome)
    return response


@router.post("/session/code")
def code(request: Request, totp: Text = "", next_path: NextPath = "") -> Response:
    """Finish a sign-in with a code and go to `next`; otherwise back to its form, or to the start when it took too long."""
    try:
        signed_in = entrance.finish_sign_in(
            request.cookies.get(TICKET_COOKIE, ""),
            totp[:_LONGEST_CODE],
            address=client_address(request),
            clock=SYSTEM_CLOCK,
            user_agent=user_agent(request),
        )
    except Gone:
        response = _back(sign_in_paths.LOGIN, EntryRefusal.SIGN_IN_OVER, next_path)
    except CodeRefused:
        return _back(sign_in_paths.LOGIN_CODE, EntryRefusal.CODE_REFUSED, next_path)
    except TooManyRequests:
        return _back(sign_in_paths.LOGIN_CODE, EntryRefusal.RATE_LIMITED, next_path)
    else:
        response = _to(sign_in_paths.safe_next(next_path))
        set_session_cookie(request, response, signed_in)
    clear_ticket_cookie(request, response)
    return response


@router.post("/session/register")
def register(request: Request, email: Text = "", password: Text = "", name: Text = "", next_path: NextPath = "") -> Response:
    """Sign up and go to `next`; otherwise back to the form."""
    try:
        body = RegisterRequest(email=email.strip(), password=password, name=name.strip() or None)
        address = client_address(request)
        signed_in = entrance.sign_up(
            body.email, body.password, body.name, address=address, clock=SYSTEM_CLOCK, user_agent=user_agent(request)
        )
    except ValidationError:
        return _back(sign_in_paths.REGISTER, EntryRefusal.INVALID_INPUT, next_path)
    except tuple(_REFUSALS) as refusal:
        return _back(sign_in_paths.REGISTER, _REFUSALS[type(refusal)], next_path)
    response = _to(sign_in_paths.safe_next(next_path))
    set_session_cookie(request, response, signed_in)
    return response


@router.post("/session/accept-invitation")
def accept_invitation(request: Request, token: Text = "", password: Text = "", name: Text = "") -> Response:
    """Open the account that an invitation offers and go to the projects; otherwise back to the form."""
    back = sign_in_paths.invitation(quote(token[:200], safe=""))
    try:
        body = InvitationAccept(password=password, name=name.strip() or None)
        signed_in = entrance.accept_invitation(
            token,
            body.password,
            body.name,
            address=client_address(request),
            clock=SYSTEM_CLOCK,
            user_agent=user_agent(request),
        )
    except ValidationError:
        return _back(back, EntryRefusal.INVALID_INPUT, "")
    except NotFound:
        return _back(back, EntryRefusal.INVITATION_OVER, "")
    except tuple(_REFUSALS) as refusal:
        return _back(back, _REFUSALS[type(refusal)], "")
    response = _to(ui_paths.HOME)
    set_session_cookie(request, response, signed_in)
    return response


@router.post("/session/logout")
def logout(request: Request) -> Response:
    """End the session, if there is one, and go to the sign-in page."""
    token = request.cookies.get(SESSION_COOKIE)
    with session_scope() as session:
        actor = service.caller_for_session(session, token, SYSTEM_CLOCK.now(), may_enrol=True)
        if actor is not None:
            service.logout(session, actor, token)
    response = _to(sign_in_paths.LOGIN)
    clear_session_cookie(request, response)
    return response


def _back(form: str, refusal: EntryRefusal, next_path: str) -> Response:
    query = {"error": refusal.value}
    if next_path:
        query["next"] = sign_in_paths.safe_next(next_path)
    return _to(f"{form}?{urlencode(query)}")


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)
