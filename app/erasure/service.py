"""Requests to erase a person's records, and what became of them. Owners only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.erasure import repository
from app.erasure.certificate import NotACertificate, Verified, verify
from app.erasure.contracts import ErasureStatus, ErasureView
from app.erasure.work import LEASE, Tools, carry_out
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.crypto import SecretBox, keyed_hash
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.settings import get_settings
from app.projects import service as projects
from models.erasure import Erasure

__all__ = [
    "NotACertificate",
    "Tools",
    "Verified",
    "carry_out",
    "certificate_of",
    "claim_next",
    "get_erasure",
    "has_waiting",
    "list_erasures",
    "request_erasure",
    "user_hash",
    "verify",
]

LONGEST_ID: Final = 1024


def request_erasure(
    session: Session, actor: Actor, slug: str, user_id: str, now: datetime, *, holder: str | None = None
) -> ErasureView:
    """Ask for the removal of everything that was received up to now about the person; a job carries it out, or the holder.

    The id is kept sealed until the work is done. Errors: NotFound, InvalidInput, Conflict while the same is under way.
    """
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    if not user_id.strip() or len(user_id) > LONGEST_ID or "\x00" in user_id:
        raise InvalidInput(f"Enter a user id of 1 to {LONGEST_ID} characters", field="user_id")
    hashed = user_hash(project.id, user_id)
    if repository.live_erasure(session, project.id, hashed) is not None:
        raise Conflict("This person's records are being erased already")
    row = Erasure(
        project_id=project.id,
        user_hash=hashed,
        sealed_user_id=SecretBox(get_settings().encryption_keys()).seal(user_id),
        requested_by=actor.email,
        requested_at=now,
        claimed_by=holder,
        claimed_until=now + LEASE if holder else None,
    )
    repository.save(session, row)
    identity.record_audit(session, actor, "erasure.request", "erasure", row.id, project_slug=slug, payload={"user_hash": hashed})
    return _view(row)


def list_erasures(
    session: Session, actor: Actor, slug: str, *, limit: int = 50, offset: int = 0
) -> tuple[Sequence[ErasureView], int]:
    """Erasures of the project, newest first, and how many there are. Errors: NotFound."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    found, total = repository.erasures(session, project.id, limit, offset)
    return [_view(row) for row in found], total


def get_erasure(session: Session, actor: Actor, slug: str, erasure_id: str) -> ErasureView:
    """One erasure. Errors: NotFound."""
    return _view(_find(session, actor, slug, erasure_id))


def certificate_of(session: Session, actor: Actor, slug: str, erasure_id: str) -> str:
    """The signed certificate as JSON text. Errors: NotFound, Conflict while the erasure is under way."""
    row = _find(session, actor, slug, erasure_id)
    if row.certificate is None:
        raise Conflict("The erasure has not ended yet; there is no certificate")
    return row.certificate


def user_hash(project_id: str, user_id: str) -> str:
    """What stands for the user id in records of its erasure: nobody without the instance's secret can try ids against it."""
    return keyed_hash(get_settings().secret_key(), f"erasure from {project_id}\n{user_id}")


def has_waiting(session: Session, now: datetime) -> bool:
    """Whether an erasure waits for a worker; reads only."""
    return repository.has_waiting(session, now)


def claim_next(session: Session, holder: str, now: datetime, lease: timedelta = LEASE) -> str | None:
    """Take the erasure that has waited longest, its id; one whose worker died is taken over after its lease."""
    return repository.claim(session, holder, now, now + lease)


def _find(session: Session, actor: Actor, slug: str, erasure_id: str) -> Erasure:
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    row = repository.erasure(session, project.id, erasure_id)
    if row is None:
        raise NotFound("There is no such erasure")
    return row


def _view(row: Erasure) -> ErasureView:
    return ErasureView(
        id=row.id,
        status=ErasureStatus(row.status),
        user_hash=row.user_hash,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        phase=row.phase,
        progress_percent=row.progress_percent,
        removed=dict(row.before),
        error_message=row.error_message,
        completed_at=row.completed_at,
        has_certificate=row.certificate is not None,
    )
