"""Plain HTML forms for people who forgot their password; like the others they answer 303 and keep email and password out of it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from app import sign_in_paths
from app.http import client_address
from app.identity import password_changes
from app.identity.contracts import EntryRefusal
from app.identity.shapes import PasswordResetConfirm, PasswordResetRequest
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import BadRequest, Forbidden, TooManyRequests

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form()]

_LONGEST_TOKEN = 200


@router.post("/session/password-reset/request")
def request_password_reset(request: Request, email: Text = "") -> Response:
    """Have a link mailed; the same answer for every address."""
    try:
        body = PasswordResetRequest(email=email.strip())
        password_changes.ask_for_reset(body.email, address=client_address(request), clock=SYSTEM_CLOCK)
    except ValidationError:
        return _to(sign_in_paths.FORGOT_PASSWORD, error=EntryRefusal.INVALID_INPUT.value)
    except TooManyRequests:
        return _to(sign_in_paths.FORGOT_PASSWORD, error=EntryRefusal.RATE_LIMITED.value)
    except Forbidden:
        return _to(sign_in_paths.LOGIN, error=EntryRefusal.REGISTRATION_CLOSED.value)
    return _to(sign_in_paths.FORGOT_PASSWORD, done="asked")


@router.post("/session/password-reset/confirm")
def confirm_password_reset(request: Request, token: Text = "", password: Text = "") -> Response:
    """Choose another password and go to the sign-in page; otherwise back to the form."""
    token = token[:_LONGEST_TOKEN]
    try:
        body = PasswordResetConfirm(token=token, new_password=password)
        password_changes.reset_password(body.token, body.new_password, address=client_address(request), clock=SYSTEM_CLOCK)
    except ValidationError:
        return _to(sign_in_paths.RESET_PASSWORD, token=token, error=EntryRefusal.INVALID_INPUT.value)
    except TooManyRequests:
        return _to(sign_in_paths.RESET_PASSWORD, token=token, error=EntryRefusal.RATE_LIMITED.value)
    except BadRequest:
        return _to(sign_in_paths.RESET_PASSWORD)  # the page says that there is no valid link
    except Forbidden:
        return _to(sign_in_paths.LOGIN, error=EntryRefusal.REGISTRATION_CLOSED.value)
    return _to(sign_in_paths.LOGIN, done="password")


def _to(path: str, **query: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)
