"""Routes of passwords: changing one's own, and links for those who forgot theirs (contract section 13, newer versions)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request

from app import sign_in_paths
from app.http import Caller, Db, WaitingCaller, client_address
from app.identity import password_changes, service
from app.identity.shapes import (
    MessageResponse,
    PasswordChange,
    PasswordResetConfirm,
    PasswordResetLinkResponse,
    PasswordResetRequest,
    PasswordResetRequestResponse,
)
from app.kernel.clock import SYSTEM_CLOCK

router = APIRouter()

ON_ITS_WAY = "If the address has an account with a password, a link is on its way. It works once, within 60 minutes."
NO_MAIL = "This instance sends no mail. Ask an owner for a link, or run `plumbline user reset-password EMAIL` on the server."


@router.put("/api/v1/me/password", operation_id="change_password", tags=["auth"], status_code=204)
def change_password(body: PasswordChange, actor: WaitingCaller, request: Request) -> None:
    """Change your password. Your other sessions end. Needs a session, not a key."""
    password_changes.change_password(
        actor, body.current_password, body.new_password, body.code, address=client_address(request), clock=SYSTEM_CLOCK
    )


@router.post("/api/v1/auth/password-reset/request", operation_id="request_password_reset", tags=["auth"])
def request_password_reset(body: PasswordResetRequest, request: Request) -> PasswordResetRequestResponse:
    """Have a link mailed. The answer is the same for every address."""
    can_mail = password_changes.ask_for_reset(body.email, address=client_address(request), clock=SYSTEM_CLOCK)
    return PasswordResetRequestResponse(message=ON_ITS_WAY if can_mail else NO_MAIL, email_configured=can_mail)


@router.post("/api/v1/auth/password-reset/confirm", operation_id="confirm_password_reset", tags=["auth"])
def confirm_password_reset(body: PasswordResetConfirm, request: Request) -> MessageResponse:
    """Choose another password with the token of a link. All sessions of the account end; a second factor stays on."""
    password_changes.reset_password(body.token, body.new_password, address=client_address(request), clock=SYSTEM_CLOCK)
    return MessageResponse(message="The password is changed. Sign in with it.")


@router.post("/api/v1/users/{user_id}/password-reset", operation_id="create_reset_link", tags=["users"], status_code=201)
def create_reset_link(user_id: UUID, session: Db, actor: Caller) -> PasswordResetLinkResponse:
    """Make a link with which a member chooses another password. Only this answer shows it. Owners, not for themselves."""
    link, token = service.create_reset_link(session, actor, str(user_id), SYSTEM_CLOCK.now())
    return PasswordResetLinkResponse(email=link.email, expires_at=link.expires_at, reset_path=sign_in_paths.reset_password(token))
