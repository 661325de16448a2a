"""Routes tagged auth, users and api-keys (contract section 13)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.http import SESSION_COOKIE, Caller, Db, client_address, user_agent
from app.identity import (
    audit_api,
    entrance,
    forms,
    invitations_api,
    password_api,
    password_forms,
    second_factor_api,
    service,
)
from app.identity.cookies import clear_session_cookie, set_session_cookie
from app.identity.oidc import routes as oidc_routes
from app.identity.shapes import (
    ApiKeyCreate,
    ApiKeyCreateResponse,
    ApiKeyResponse,
    AuthStatusResponse,
    AuthUserResponse,
    LoginRequest,
    RegisterRequest,
    UserListItem,
    UserRoleUpdate,
)
from app.kernel.clock import SYSTEM_CLOCK

router = APIRouter()
for _part in (forms, password_forms, oidc_routes, audit_api, invitations_api, second_factor_api, password_api):
    router.routes.extend(_part.router.routes)  # flat: the edge reads the path of every route


@router.get("/api/v1/auth/status", operation_id="auth_status", tags=["auth"])
def auth_status(request: Request) -> AuthStatusResponse:
    """Whether the instance has people, and takes new ones. For anybody, thirty times a minute."""
    has_users, is_open = entrance.standing(address=client_address(request), clock=SYSTEM_CLOCK)
    return AuthStatusResponse(has_users=has_users, registration_enabled=is_open)


@router.post("/api/v1/auth/register", operation_id="register", tags=["auth"], status_code=201)
def register(body: RegisterRequest, request: Request, response: Response) -> AuthUserResponse:
    """Create an account and sign in. The first one owns the instance."""
    signed_in = entrance.sign_up(
        body.email,
        body.password,
        body.name,
        address=client_address(request),
        clock=SYSTEM_CLOCK,
        user_agent=user_agent(request),
    )
    set_session_cookie(request, response, signed_in)
    return AuthUserResponse.model_validate(signed_in.user)


@router.post("/api/v1/auth/login", operation_id="login", tags=["auth"])
def login(body: LoginRequest, request: Request, response: Response) -> AuthUserResponse:
    """Sign in with email and password, and a code where the account has a second factor."""
    signed_in = entrance.sign_in(
        body.email,
        body.password,
        address=client_address(request),
        clock=SYSTEM_CLOCK,
        user_agent=user_agent(request),
        code=body.totp,
    )
    set_session_cookie(request, response, signed_in)
    return AuthUserResponse.model_validate(signed_in.user)


@router.post("/api/v1/auth/logout", operation_id="logout", tags=["auth"], status_code=204)
def logout(session: Db, actor: Caller, request: Request, response: Response) -> None:
    """End this session."""
    actor.require_reach(None)
    service.logout(session, actor, request.cookies.get(SESSION_COOKIE))
    clear_session_cookie(request, response)


@router.get("/api/v1/auth/me", operation_id="get_me", tags=["auth"])
def get_me(session: Db, actor: Caller) -> AuthUserResponse:
    """The signed-in person; for a key the one it acts as."""
    return AuthUserResponse.model_validate(service.get_me(session, actor))


@router.get("/api/v1/users", operation_id="list_users", tags=["users"])
def list_users(
    session: Db,
    actor: Caller,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[UserListItem]:
    """Members, oldest first."""
    return [UserListItem.model_validate(user) for user in service.list_users(session, actor, limit=limit, offset=offset)]


@router.patch("/api/v1/users/{user_id}", operation_id="update_user_role", tags=["users"])
def update_user_role(user_id: UUID, body: UserRoleUpdate, session: Db, actor: Caller) -> UserListItem:
    """Give a member another role; their sessions end at once."""
    return UserListItem.model_validate(service.update_role(session, actor, str(user_id), body.role))


@router.get("/api/v1/me/api-keys", operation_id="list_api_keys", tags=["api-keys"])
def list_api_keys(session: Db, actor: Caller) -> list[ApiKeyResponse]:
    """Your own keys, newest first, revoked ones included."""
    return [ApiKeyResponse.model_validate(key) for key in service.list_api_keys(session, actor)]


@router.post("/api/v1/me/api-keys", operation_id="create_api_key", tags=["api-keys"], status_code=201)
def create_api_key(body: ApiKeyCreate, session: Db, actor: Caller) -> ApiKeyCreateResponse:
    """Make a key. Only this answer shows its token."""
    key, token = service.create_api_key(
        session,
        actor,
        name=body.name,
        scope=body.scope,
        expires_in_days=body.expires_in_days,
        project_slug=body.project_slug,
        now=SYSTEM_CLOCK.now(),
    )
    return ApiKeyCreateResponse(**ApiKeyResponse.model_validate(key).model_dump(), token=token)


@router.delete("/api/v1/me/api-keys/{key_id}", operation_id="revoke_api_key", tags=["api-keys"], status_code=204)
def revoke_api_key(key_id: UUID, session: Db, actor: Caller) -> None:
    """Make one of your keys useless at once. Doing it again changes nothing."""
    service.revoke_api_key(session, actor, str(key_id), SYSTEM_CLOCK.now())
