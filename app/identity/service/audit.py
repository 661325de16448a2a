"""The audit trail that every mutating service writes to."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session

from app.identity import repository
from app.identity.contracts import Actor
from models.identity import AuditEntry


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

    The caller leaves secrets out of `payload`, which must be JSON (contract section 17).
    """
    entry = AuditEntry(
        actor_user_id=actor.user_id,
        actor_email=actor.email,
        action=action,
        target_type=target_type,
        target_id=target_id,
        project_slug=project_slug,
        payload=dict(payload or {}),
    )
    repository.add_audit(session, entry)
