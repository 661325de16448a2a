"""The chain with its records as lines of a file. Owners only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from app.audit_chain import repository, service
from app.audit_chain.contracts import Checkpoint, Link
from app.audit_chain.export_file import Head, Scope, checkpoint_line, key_line, written
from app.audit_chain.hashing import canonical
from app.audit_chain.sealing import signing_key
from app.identity import service as identity
from app.identity.contracts import Actor
from app.projects import service as projects


def note_export(session: Session, actor: Actor, slug: str | None, now: datetime) -> None:
    """Note that somebody takes an export, and see to it that there is a key to sign it. Owners only. Errors: NotFound."""
    actor.require_owner()
    if slug is not None:
        projects.get_project(session, actor, slug)
    signing_key(session, now)
    identity.record_audit(session, actor, "audit.export", "audit", slug or "instance", project_slug=slug)


def export(session: Session, actor: Actor, slug: str | None, now: datetime) -> Iterator[bytes]:
    """The file line by line: the project's chain with the records of the project, or every chain with every record.

    What is not sealed yet is not in it. Owners only. Errors: NotFound, Unavailable while records cannot be read.
    """
    actor.require_owner()
    project = None if slug is None else projects.get_project(session, actor, slug)
    tenants = repository.tenants(session) if project is None else [project.tenant_id]
    heads = {tenant: Head(*repository.head(session, tenant)) for tenant in tenants}
    scope = Scope(
        exported_at=repository.text_of(now),
        heads=heads,
        project=project.slug if project else "",
        project_id=project.id if project else "",
        retention_days=service.kept_days(session, now),
        removed=repository.all_deletions(session),
    )
    checkpoints = (one for tenant in tenants for one in repository.checkpoints(session, tenant, up_to=heads[tenant].seq))
    links = _links(session, heads, now, scope.project_id or None)
    return written(scope, signing_key(session, now), service.public_keys(session), checkpoints, links)


def anchor(session: Session, actor: Actor) -> Iterator[bytes]:
    """Public keys and the newest checkpoint of every chain as lines, to be kept where this instance cannot reach."""
    actor.require_owner()
    for key_id, public in service.public_keys(session).items():
        yield canonical(key_line(key_id, public)) + b"\n"
    for tenant in repository.tenants(session):
        checkpoint: Checkpoint | None = repository.last_checkpoint(session, tenant)
        if checkpoint is not None:
            yield canonical(checkpoint_line(checkpoint)) + b"\n"


def _links(session: Session, heads: dict[str, Head], now: datetime, project_id: str | None) -> Iterator[Link]:
    for tenant, head in heads.items():
        for link in service.links(session, tenant, now, project_id):
            if link.entry.seq > head.seq:
                break
            yield link
