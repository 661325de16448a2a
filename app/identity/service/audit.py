"""The audit trail that every mutating service writes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.identity import audit_repository, repository
from app.identity.contracts import Actor, AuditFilter, IngestPrincipal, UserRole, Via
from app.kernel.errors import NotFound
from models.identity import AuditEntry

_SECRET_WORDS = ("password", "secret", "token", "api_key", "private_key", "authorization", "credential")
MASK = "***"


@dataclass(frozen=True, slots=True)
class AuditView:
    """One entry. `project_slug` is empty for the instance, `target_id` None for a target that has no UUID."""

    id: str
    created_at: datetime
    user_id: str | None
    user_email: str
    project_id: str | None
    project_slug: str
    action: str
    target_type: str
    target_id: str | None
    target_name: str
    payload: Mapping[str, object]


def list_audit(
    session: Session, actor: Actor, wanted: AuditFilter, *, limit: int = 50, offset: int = 0
) -> tuple[Sequence[AuditView], int]:
    """Entries, newest first, and how many there are in all. Owners only (contract section 17)."""
    actor.require_owner()
    found = [_view(row, project_id) for row, project_id in audit_repository.entries(session, wanted, limit, offset)]
    return found, audit_repository.count(session, wanted)


def shown_filter(wanted: AuditFilter, limit: int, offset: int) -> dict[str, object]:
    """The filter as the entry about its use holds it: only what was asked for."""
    asked = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(wanted).items() if value}
    return {**asked, "limit": limit, "offset": offset}


def get_audit_entry(session: Session, actor: Actor, entry_id: str) -> AuditView:
    """One entry. Owners only. Errors: NotFound."""
    actor.require_owner()
    found = audit_repository.entry(session, entry_id)
    if found is None:
        raise NotFound("Audit entry not found")
    return _view(*found)


def list_audit_actions(session: Session, actor: Actor) -> list[str]:
    """Every action there is an entry of. Owners only."""
    actor.require_owner()
    return audit_repository.actions(session)


def _view(row: AuditEntry, project_id: str | None) -> AuditView:
    named = next((row.payload[key] for key in ("name", "email", "slug", "filename") if isinstance(row.payload.get(key), str)), "")
    return AuditView(
        row.id,
        row.created_at,
        _uuid(row.actor_user_id),
        row.actor_email,
        project_id,
        row.project_slug or "",
        row.action,
        row.target_type,
        _uuid(row.target_id),
        str(named) or ("" if _uuid(row.target_id) else row.target_id),
        {key: _masked(key, value) for key, value in row.payload.items()},
    )


def record_key_audit(
    session: Session,
    principal: IngestPrincipal,
    action: str,
    target_type: str,
    target_id: str,
    payload: Mapping[str, object] | None = None,
) -> None:
    """Like `record_audit`, for a change that somebody makes with an ingest key: the entry names the key."""
    slug, name = audit_repository.names_of_key(session, principal.project_id, principal.key_id)
    actor = Actor(user_id=None, email=f"ingest key {name}"[:320], name=name, role=UserRole.EDITOR, via=Via.KEY)
    record_audit(
        session, actor, action, target_type, target_id, project_slug=slug, payload={"key_id": principal.key_id, **(payload or {})}
    )


def _masked(key: str, value: object) -> object:
    """The value without what a service may have let through by mistake."""
    if isinstance(value, dict):
        return {name: _masked(name, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(key, inner) for inner in value]
    return MASK if isinstance(value, str) and any(word in key.lower() for word in _SECRET_WORDS) else value


def _uuid(text: str | None) -> str | None:
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        return None


def record_audit(
    session: Session,
    actor: Actor,
    action: str,
    target_type: str,
    target_id: str,
    project_slug: str | None = None,
    payload: Mapping[str, object] | None = None,
) -> None:
    """Note that the actor did `action` (like `event.update`), in the same transaction as the change itself.

    The caller leaves secrets out of `payload`, which must be JSON (contract section 17); what has the name of a secret is
    masked all the same, because entries are sealed and exported as they stand.
    """
    entry = AuditEntry(
        actor_user_id=actor.user_id,
        actor_email=actor.email,
        action=action,
        target_type=target_type,
        target_id=target_id,
        project_slug=project_slug,
        payload={key: _masked(key, value) for key, value in (payload or {}).items()},
    )
    repository.add_audit(session, entry)
