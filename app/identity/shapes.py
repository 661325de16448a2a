"""Bodies of the routes tagged auth, users and api-keys, field by field as the contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import email_validator
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.text import PlainText

# Mailboxes of closed networks count too, an instance often has no other; the library documents this list as ours to change.
for _name in ("local", "localhost", "test"):
    if _name in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_name)


def _checked_email(value: str) -> str:
    try:
        return email_validator.validate_email(value, check_deliverability=False, globally_deliverable=False).normalized
    except email_validator.EmailNotValidError as error:
        raise ValueError(str(error)) from None


Email = Annotated[str, AfterValidator(_checked_email), WithJsonSchema({"type": "string", "format": "email"})]


class RegisterRequest(BaseModel):
    """A new account."""

    email: Email
    password: PlainText = Field(min_length=8, max_length=255)
    name: PlainText | None = Field(None, min_length=1, max_length=255)


class LoginRequest(BaseModel):
    """Email and password; for an account with a second factor also a code of its app, or a recovery code."""

    email: PlainText = Field(min_length=3, max_length=320)
    password: PlainText = Field(min_length=8, max_length=255)
    totp: PlainText | None = Field(None, min_length=1, max_length=64)


class _Response(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AuthUserResponse(_Response):
    """The signed-in person."""

    id: str
    email: str
    name: str | None
    role: UserRole
    created_at: datetime
    updated_at: datetime


class UserListItem(_Response):
    """A member."""

    id: str
    email: str
    name: str | None
    role: UserRole
    created_at: datetime


class UserRoleUpdate(BaseModel):
    """The role to give."""

    role: UserRole


class ApiKeyCreate(BaseModel):
    """A key to make."""

    name: PlainText = Field(min_length=1, max_length=100)
    scope: ApiKeyScope = ApiKeyScope.READ
    expires_in_days: int | None = Field(None, ge=1, le=3650)
    project_slug: PlainText | None = None


class ApiKeyResponse(_Response):
    """A key without its token."""

    id: str
    name: str
    key_prefix: str
    scope: ApiKeyScope
    project_id: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class ApiKeyCreateResponse(ApiKeyResponse):
    """A key with its token, which no later answer shows."""

    token: str


class InvitationCreate(BaseModel):
    """Whom to invite, and as what."""

    email: Email
    role: UserRole = UserRole.EDITOR


class InvitationAccept(BaseModel):
    """The account to open."""

    password: PlainText = Field(min_length=8, max_length=255)
    name: PlainText | None = Field(None, min_length=1, max_length=255)


class InvitationPreview(_Response):
    """What an invitation offers."""

    email: str
    role: UserRole
    expires_at: datetime


class InvitationResponse(InvitationPreview):
    """An invitation that waits for an answer."""

    id: str
    invited_by: str
    created_at: datetime


class InvitationCreateResponse(InvitationResponse):
    """An invitation with the path that accepts it, which no later answer shows."""

    accept_path: str


class SecondFactorResponse(_Response):
    """Whether a code is asked for at sign-in, since when, and how many recovery codes are left."""

    is_on: bool
    is_required: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


class SecondFactorBegin(BaseModel):
    """The caller's password, before a secret is shown."""

    password: PlainText = Field(min_length=1, max_length=255)


class SecondFactorEnrolment(_Response):
    """A secret to confirm, which no later answer shows."""

    secret: str
    uri: str


class SecondFactorConfirm(BaseModel):
    """A code of the app that took the secret in."""

    code: PlainText = Field(min_length=1, max_length=64)


class SecondFactorProof(SecondFactorBegin, SecondFactorConfirm):
    """The caller's password, and a code of their app or a recovery code."""


class PasswordChange(BaseModel):
    """The caller's present password and the one to have; with a second factor also a code of their app, or a recovery code."""

    current_password: PlainText = Field(min_length=1, max_length=255)
    new_password: PlainText = Field(min_length=8, max_length=255)
    code: PlainText | None = Field(None, min_length=1, max_length=64)


class PasswordResetRequest(BaseModel):
    """Whose password is forgotten."""

    email: PlainText = Field(min_length=3, max_length=320)


class PasswordResetConfirm(BaseModel):
    """The token of a link, and the password to have."""

    token: str
    new_password: PlainText = Field(min_length=8, max_length=255)


class MessageResponse(BaseModel):
    """What was done, in a sentence."""

    message: str


class PasswordResetRequestResponse(MessageResponse):
    """The same for every address; whether this instance can send mail."""

    email_configured: bool


class PasswordResetLinkResponse(BaseModel):
    """A link for a member's account, which no later answer shows."""

    email: str
    expires_at: datetime
    reset_path: str


class AuthStatusResponse(BaseModel):
    """Whether anybody has signed up, and whether somebody new may."""

    has_users: bool
    registration_enabled: bool


class RecoveryCodes(BaseModel):
    """Codes that stand in for the app, once each, which no later answer shows."""

    recovery_codes: list[str]
