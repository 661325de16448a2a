"""Routes of invitations (contract section 13, newer versions)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from app import sign_in_paths
from app.http import Caller, Db, WaitingCaller, client_address, user_agent
from app.identity import entrance, service
from app.identity.cookies import set_session_cookie
from app.identity.shapes import (
    AuthUserResponse,
    InvitationAccept,
    InvitationCreate,
    InvitationCreateResponse,
    InvitationPreview,
    InvitationResponse,
)
from app.kernel.clock import SYSTEM_CLOCK

router = APIRouter()

INVITATIONS = "/api/v1/users/invitations"
INVITATION = "/api/v1/auth/invitations/{token}"


@router.get(INVITATION, operation_id="preview_invitation", tags=["auth"])
def preview_invitation(token: str, session: Db) -> InvitationPreview:
    """What the invitation offers, for anybody who has its token."""
    return InvitationPreview.model_validate(service.preview_invitation(session, token, SYSTEM_CLOCK.now()))


@router.post(INVITATION + "/accept", operation_id="accept_invitation", tags=["auth"], status_code=201)
def accept_invitation(token: str, body: InvitationAccept, request: Request, response: Response) -> AuthUserResponse:
    """Open the account and sign in."""
    signed_in = entrance.accept_invitation(
        token, body.password, body.name, address=client_address(request), clock=SYSTEM_CLOCK, user_agent=user_agent(request)
    )
    set_session_cookie(request, response, signed_in)
    return AuthUserResponse.model_validate(signed_in.user)


@router.get(INVITATIONS, operation_id="list_invitations", tags=["users"])
def list_invitations(session: Db, actor: Caller) -> list[InvitationResponse]:
    """Invitations that wait for an answer. Owners."""
    return [InvitationResponse.model_validate(view) for view in service.list_invitations(session, actor, SYSTEM_CLOCK.now())]


@router.post(INVITATIONS, operation_id="create_invitation", tags=["users"], status_code=201)
def create_invitation(body: InvitationCreate, actor: WaitingCaller) -> InvitationCreateResponse:
    """Invite somebody, by mail too where a mail server is set. Only this answer tells the path that accepts. Owners."""
    view, token = entrance.invite(actor, body.email, body.role, clock=SYSTEM_CLOCK)
    shown = InvitationResponse.model_validate(view).model_dump()
    return InvitationCreateResponse(**shown, accept_path=sign_in_paths.invitation(token))


@router.delete(INVITATIONS + "/{invitation_id}", operation_id="revoke_invitation", tags=["users"], status_code=204)
def revoke_invitation(invitation_id: UUID, session: Db, actor: Caller) -> None:
    """Withdraw an invitation. Owners."""
    service.revoke_invitation(session, actor, str(invitation_id))
