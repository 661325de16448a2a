"""Who is calling and what they may do; the only part of identity, besides its service, that other areas use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.errors import Forbidden


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


class IngestScope(StrEnum):
    """What an ingest key may do on its surface."""

    APPEND = "append"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Via(StrEnum):
    """How the caller proved who they are."""

    SESSION = "session"
    KEY = "key"
    SYSTEM = "system"


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
