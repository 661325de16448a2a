"""Audit records for people signed in: whose they may see, and the note that they looked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.audit import repository
from app.audit.contracts import Bucket, bucket_of
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.projects import service as projects


@dataclass(frozen=True, slots=True)
class Source:
    """Whose records are shown, by which key the address names them; empty for the project itself."""

    key: str
    name: str


def sources(session: Session, actor: Actor, slug: str) -> list[Source]:
    """The project, and for owners every account of the audit log. Errors: NotFound."""
    projects.get_project(session, actor, slug)
    found = [Source("", "This project")]
    if actor.role is UserRole.OWNER:
        found += [Source(account_id, f"Account {username}") for account_id, username in repository.usernames(session)]
    return found


def bucket_for(session: Session, actor: Actor, slug: str, source: str) -> Bucket:
    """Where the records of the source are. Errors: NotFound, Forbidden for an account when the actor is no owner."""
    project = projects.get_project(session, actor, slug)
    if not source:
        return Bucket(project.tenant_id, project.id)
    actor.require_owner()
    return bucket_of(repository.require_account(session, source).id)


def note_look(session: Session, actor: Actor, slug: str, asked: dict[str, object]) -> None:
    """Note in the own trail that somebody read audit records, and which. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    identity.record_audit(session, actor, "audit_records.read", "project", project.id, project_slug=slug, payload=asked)
