"""Who is calling and what they may do; the only part of identity, besides its service, that other areas use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.errors import Forbidden

DEFAULT_TENANT_ID = "tenant_default"
OPERATOR_EMAIL = "operator@localhost"
"""Account that keys made at the command line act for until somebody has signed up. Nobody can sign in to it."""
"""The tenant that owns every project nobody put elsewhere; the first migration creates it."""


class UserRole(StrEnum):
    """Roles in rising order of rights."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


class ApiKeyScope(StrEnum):
    """What a tracking-plan key may do on behalf of its user."""

    READ = "read"
    WRITE = "write"


class IngestKind(StrEnum):
    """The surface an ingest key opens."""

    EVENTS = "events"
    LOGS = "logs"
    SECURITY = "security"
    AUDIT = "audit"


class IngestScope(StrEnum):
    """What an ingest key may do on its surface."""

    APPEND = "append"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class TenantPlan(StrEnum):
    """What a tenant has booked; quotas and rates follow from it."""

    TRIAL = "trial"
    STARTER = "starter"
    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Via(StrEnum):
    """How the caller proved who they are."""

    SESSION = "session"
    KEY = "key"
    SYSTEM = "system"


class EntryRefusal(StrEnum):
    """Why signing in or up by form did not work; the sign-in pages read it from the query `error`."""

    INVALID_CREDENTIALS = "invalid_credentials"
    INVALID_INPUT = "invalid_input"
    EMAIL_TAKEN = "email_taken"
    REGISTRATION_CLOSED = "registration_closed"
    RATE_LIMITED = "rate_limited"
    INVITATION_OVER = "invitation_over"
    CODE_REFUSED = "code_refused"
    SIGN_IN_OVER = "sign_in_over"
    SSO_UNAVAILABLE = "sso_unavailable"
    SSO_CANCELLED = "sso_cancelled"
    SSO_OVER = "sso_over"
    SSO_UNTRUSTED = "sso_untrusted"
    SSO_UNVERIFIED_EMAIL = "sso_unverified_email"
    SSO_FOREIGN_DOMAIN = "sso_foreign_domain"
    SSO_NO_ACCOUNT = "sso_no_account"
    SSO_TAKEN = "sso_taken"


@dataclass(frozen=True, slots=True)
class Actor:
    """The resolved caller. Services take one and ask it before they act (contract section 13, permission matrix)."""

    user_id: str | None
    email: str
    name: str
    role: UserRole
    via: Via = Via.SESSION
    scope: ApiKeyScope = ApiKeyScope.WRITE
    bound_project_id: str | None = None
    sign_in_id: str | None = None
    has_to_enrol: bool = False
    """Whether nothing but setting up a second factor is open to this person."""

    def require_write(self) -> None:
        """Any signed-in user; refuses a read-scope key."""
        if self.via is Via.KEY and self.scope is ApiKeyScope.READ:
            raise Forbidden("API key has read-only scope")

    def require_editor(self) -> None:
        """Editors and owners."""
        self.require_write()
        if self.role not in (UserRole.EDITOR, UserRole.OWNER):
            raise Forbidden("Editor role required")

    def require_owner(self) -> None:
        """Owners in a browser session; every API key is refused, even an owner's."""
        self.require_write()
        if self.role is not UserRole.OWNER:
            raise Forbidden("Owner role required")
        if self.via is Via.KEY:
            raise Forbidden("Owner session required")

    def require_reach(self, project_id: str | None) -> None:
        """Refuses a key that is bound to another project; None stands for something that belongs to no project."""
        if self.bound_project_id is not None and self.bound_project_id != project_id:
            raise Forbidden("API key is scoped to a single project")


SYSTEM_ACTOR = Actor(user_id=None, email="system", name="Plumbline", role=UserRole.OWNER, via=Via.SYSTEM)


@dataclass(frozen=True, slots=True)
class IngestPrincipal:
    """What an ingest key stands for: where its records go and which limits hold."""

    key_id: str
    tenant_id: str
    project_id: str
    kind: IngestKind
    scope: IngestScope
    tenant_plan: str
    tenant_status: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credential:
    """What a sign-in is checked against; `user_id` is None for an unknown email."""

    user_id: str | None
    password_hash: str | None
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class UserView:
    """A person as others may see them."""

    id: str
    email: str
    name: str | None
    role: UserRole
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person and the token of their new session, which is known only here and in their cookie."""

    user: UserView
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignInOrigin:
    """Where a sign-in comes from, as the client's connection and its User-Agent header say."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SignInView:
    """A sign-in that is not over. `last_used_at` is exact to a minute; None when it was not used since it began."""

    id: str
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class SecondFactorView:
    """How a person signs in. `confirmed_at` is None while no code is asked for; then there are no recovery codes either.

    `is_required`: this installation asks everybody with a password for one.
    """

    confirmed_at: datetime | None
    recovery_codes_left: int
    has_password: bool
    is_required: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that waits to be confirmed: the secret in Base32, and the address an authenticator app reads."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class PasswordResetLink:
    """A link that lets the holder of the account choose another password, without its token."""

    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ResetHolder:
    """Whose password a link resets, and whether a code is still asked for afterwards."""

    email: str
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation that waits for an answer. `invited_by` is the email of who made it."""

    id: str
    email: str
    role: UserRole
    invited_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKeyView:
    """A tracking-plan key without its token."""

    id: str
    name: str
    key_prefix: str
    scope: ApiKeyScope
    project_id: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IngestKeyView:
    """An ingest key without its token."""

    id: str
    tenant_id: str
    project_id: str
    kind: IngestKind
    scope: IngestScope
    name: str
    key_prefix: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are looked for; None asks for nothing. `since` is inclusive, `until` exclusive.

    Entries of mere looking (`audit.read`) are only found by their action or with `has_reads`.
    """

    project_slug: str | None = None
    action: str | None = None
    user_id: str | None = None
    user_email: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_reads: bool = False
