"""People as an OpenID provider knows them, and sign-ins that are under way there."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, moment_field, reference


class ExternalIdentity(SQLModel, table=True):
    """A subject of a provider and the account it enters. A later change of the email at the provider changes nothing."""

    __tablename__ = "external_identities"
    __table_args__ = (sa.UniqueConstraint("issuer", "subject"),)

    id: str = id_field()
    issuer: str = Field(max_length=500)
    subject: str = Field(max_length=255)
    user_id: str = reference("users.id")
    created_at: datetime = created_field()


class OidcAttempt(SQLModel, table=True):
    """A browser that was sent to the provider and is not back yet; it is deleted when it comes back.

    Only keyed hashes of the state and of the PKCE verifier are stored: the verifier itself is with the browser.
    """

    __tablename__ = "oidc_attempts"

    state_hash: str = Field(primary_key=True, max_length=64)
    verifier_hash: str = Field(max_length=64)
    nonce: str = Field(max_length=64)
    issuer: str = Field(max_length=500)
    next_path: str = Field(max_length=2000)
    expires_at: datetime = moment_field(index=True)
