"""Sign-up, activation, sign-in, passwords and people (contract D.1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.audit import accounts
from app.audit.api.dialect import bearer, form_of
from app.audit.mail import post_link
from app.audit.shapes import ChangePasswordForm, EmailForm, LoginForm, NewPasswordForm, SignUpForm
from app.http import client_address
from app.identity.passwords import hash_password
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.audit import AuditAccount

router = APIRouter(tags=["audit-log accounts"])

Key = Annotated[str, Query(max_length=200)]
Caller = Annotated[AuditAccount, Depends(bearer)]


async def _sign_up_form(request: Request) -> SignUpForm:
    return await form_of(request, SignUpForm)


async def _login_form(request: Request) -> LoginForm:
    return await form_of(request, LoginForm)


async def _email_form(request: Request) -> EmailForm:
    return await form_of(request, EmailForm)


async def _password_form(request: Request) -> NewPasswordForm:
    return await form_of(request, NewPasswordForm)


async def _change_form(request: Request, _account: Caller) -> ChangePasswordForm:
    return await form_of(request, ChangePasswordForm)


@router.post("/auth/signup", operation_id="audit_sign_up", status_code=201)
def sign_up(request: Request, form: Annotated[SignUpForm, Depends(_sign_up_form)]) -> JSONResponse:
    """Make an account; the answer holds the link that activates it."""
    hashed = hash_password(form.password)
    with session_scope() as session:
        key = accounts.sign_up(session, form.username, form.email, hashed, SYSTEM_CLOCK.now())
    text = f"{form.username} signed up. Activate the account using {_link(request, 'auth/activate', key)}."
    post_link(form.email, "Activate your account", text)
    return _said(text, 201)


@router.get("/auth/activate", operation_id="audit_activate")
def activate(key: Key = "") -> JSONResponse:
    """Make the account usable."""
    with session_scope() as session:
        account = accounts.activate(session, key, SYSTEM_CLOCK.now())
    return _said(f"The account of {account.username} is active.")


@router.post("/auth/activate/resend", operation_id="audit_resend_activation")
def resend(request: Request, form: Annotated[EmailForm, Depends(_email_form)]) -> JSONResponse:
    """A new link to activate."""
    _take_try(request, form.email)
    with session_scope() as session:
        account, key = accounts.resend(session, form.email, SYSTEM_CLOCK.now())
        username = account.username
    text = f"Activate the account of {username} using {_link(request, 'auth/activate', key)}."
    post_link(form.email, "Activate your account", text)
    return _said(text)


@router.post("/auth/login", operation_id="audit_login", status_code=202)
def login(request: Request, form: Annotated[LoginForm, Depends(_login_form)]) -> JSONResponse:
    """Sign in for an hour; failed tries are bounded for the account and for the client's address."""
    address, now = client_address(request), SYSTEM_CLOCK.now()
    with session_scope() as session:
        accounts.take_try(session, form.username, address, now)
    with session_scope(write=False) as session:
        token = accounts.sign_in(session, form.username, form.password, now)
    with session_scope() as session:
        accounts.give_back_try(session, form.username, address)
    return JSONResponse({"access_token": token, "token_type": "Bearer"}, 202)


@router.patch("/auth/password/change", operation_id="audit_change_password")
def change_password(account: Caller, form: Annotated[ChangePasswordForm, Depends(_change_form)]) -> JSONResponse:
    """Set another password, knowing the current one."""
    accounts.check_password(account, form.password)
    hashed = hash_password(form.new_password)
    with session_scope() as session:
        accounts.change_password(session, account.id, hashed)
    return _said("The password is changed.")


@router.post("/auth/password/forgot", operation_id="audit_forgot_password")
def forgot_password(request: Request, form: Annotated[EmailForm, Depends(_email_form)]) -> JSONResponse:
    """A link to set a new password."""
    _take_try(request, form.email)
    with session_scope() as session:
        account, key = accounts.forgot_password(session, form.email, SYSTEM_CLOCK.now())
        username = account.username
    text = f"Reset the password of {username} using {_link(request, 'auth/password/reset', key)}."
    post_link(form.email, "Reset your password", text)
    return _said(text)


@router.get("/auth/password/reset", operation_id="audit_check_reset")
def check_reset(key: Key = "") -> JSONResponse:
    """Whether the link may be used; it stays usable."""
    with session_scope(write=False) as session:
        accounts.check_reset(session, key, SYSTEM_CLOCK.now())
    return _said("The password may be reset.")


@router.patch("/auth/password/reset", operation_id="audit_reset_password")
def reset_password(form: Annotated[NewPasswordForm, Depends(_password_form)], key: Key = "") -> JSONResponse:
    """Set a new password by a link, which works once."""
    hashed = hash_password(form.new_password)
    with session_scope() as session:
        accounts.reset_password(session, key, hashed, SYSTEM_CLOCK.now())
    return _said("The password is reset.")


@router.get("/users/access-key/me", operation_id="audit_my_access_key")
def my_access_key(account: Caller) -> dict[str, str]:
    """The key that records are sent with."""
    return {"accessKey": accounts.access_key_of(account)}


@router.get("/users/me", operation_id="audit_me")
def me(account: Caller) -> dict[str, Any]:
    """Who is signed in."""
    return _shown(account)


@router.get("/users/{account_id}", operation_id="audit_user")
def user(account_id: str, account: Caller) -> dict[str, Any]:
    """Oneself, and for superusers anybody."""
    with session_scope(write=False) as session:
        return _shown(accounts.visible(session, account, account_id))


def _take_try(request: Request, email: str) -> None:
    # Each of these may send a mail, to somebody who did not ask for it.
    with session_scope() as session:
        accounts.take_try(session, email, client_address(request), SYSTEM_CLOCK.now())


def _link(request: Request, path: str, key: str) -> str:
    base = get_settings().runtime.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{base}/{path}?key={key}"


def _said(text: str, status: int = 200) -> JSONResponse:
    return JSONResponse({"loc": None, "msg": text, "type": None}, status)


def _shown(account: AuditAccount) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.username,
        "email": account.email,
        "createdAt": account.created_at.isoformat().replace("+00:00", "Z"),
        "lastUpdatedAt": account.updated_at.isoformat().replace("+00:00", "Z"),
    }
