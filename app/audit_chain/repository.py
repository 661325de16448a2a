"""Rows of the chain, its checkpoints, keys and sealing marks, and the own audit trail as the chain reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.audit_chain.contracts import Checkpoint, Entry, RecordKind
from app.audit_chain.hashing import GENESIS
from app.kernel.clock import as_utc
from models.audit import AuditAccount
from models.audit_chain import AuditChainEntry, AuditCheckpoint, AuditSealing, AuditSigningKey
from models.identity import AuditEntry
from models.projects import Project, ProjectRemoval

PRUNED: Final = "audit_records.prune"
"""The action under which the own trail notes what retention removed."""
_MOST_VALUES: Final = 10_000
"""Values of one IN list; SQLite takes 32766 parameters."""


def text_of(moment: datetime) -> str:
    """An instant as the chain writes it: ISO 8601 in UTC with microseconds."""
    return as_utc(moment).isoformat(timespec="microseconds").replace("+00:00", "Z")


def head(session: Session, tenant: str) -> tuple[int, str]:
    """Number and hash of the tenant's last entry; zero and the genesis hash when there is none."""
    statement = (
        sa.select(col(AuditChainEntry.seq), col(AuditChainEntry.hash))
        .where(col(AuditChainEntry.tenant_id) == tenant)
        .order_by(col(AuditChainEntry.seq).desc())
        .limit(1)
    )
    row = session.execute(statement).first()
    return (row[0], row[1]) if row else (0, GENESIS)


def tenants(session: Session) -> list[str]:
    """Tenants that have a chain or a checkpoint."""
    found = set(session.scalars(sa.select(col(AuditCheckpoint.tenant_id)).distinct()))
    # One step of the primary key per tenant, where DISTINCT would read every entry.
    last = ""
    tenant_id = col(AuditChainEntry.tenant_id)
    while following := session.scalar(sa.select(sa.func.min(tenant_id)).where(tenant_id > last)):
        last = str(following)
        found.add(last)
    return sorted(found)


def entries(session: Session, tenant: str, after: int, limit: int) -> list[Entry]:
    """At most `limit` entries behind the number, in order."""
    statement = (
        sa.select(AuditChainEntry)
        .where(col(AuditChainEntry.tenant_id) == tenant, col(AuditChainEntry.seq) > after)
        .order_by(col(AuditChainEntry.seq))
        .limit(limit)
        .execution_options(yield_per=1000)
    )
    return [_entry(row) for row in session.scalars(statement)]


def add_entries(session: Session, made: Sequence[tuple[Entry, datetime, datetime]]) -> None:
    """Write entries with the moments of record and sealing. IntegrityError when somebody else wrote the same number."""
    values = [
        {
            "tenant_id": entry.tenant,
            "seq": entry.seq,
            "record_kind": entry.kind,
            "record_id": entry.record_id,
            "project_id": entry.project_id,
            "record_time": record_time,
            "sealed_at": sealed_at,
            "digest": entry.digest,
            "previous": entry.previous,
            "hash": entry.hash,
        }
        for entry, record_time, sealed_at in made
    ]
    if values:
        session.execute(sa.insert(AuditChainEntry), values)


def known(session: Session, kind: RecordKind, record_ids: Collection[str], tenant: str | None = None) -> set[str]:
    """Which of the records are chained, by the tenant when one is named."""
    found: set[str] = set()
    wanted = list(record_ids)
    for start in range(0, len(wanted), _MOST_VALUES):
        part = wanted[start : start + _MOST_VALUES]
        statement = sa.select(col(AuditChainEntry.record_id)).where(
            col(AuditChainEntry.record_kind) == kind.value, col(AuditChainEntry.record_id).in_(part)
        )
        if tenant is not None:
            statement = statement.where(col(AuditChainEntry.tenant_id) == tenant)
        found.update(session.scalars(statement))
    return found


def places_of(session: Session, kind: RecordKind, record_ids: Sequence[str]) -> dict[str, tuple[str, int, datetime | None]]:
    """Tenant and number of the records that are chained, and when the first checkpoint at or behind them was signed."""
    entry, checkpoint = AuditChainEntry, AuditCheckpoint
    signed_at = (
        sa.select(col(checkpoint.signed_at))
        .where(col(checkpoint.tenant_id) == col(entry.tenant_id), col(checkpoint.seq) >= col(entry.seq))
        .order_by(col(checkpoint.seq))
        .limit(1)
        .correlate(entry)
        .scalar_subquery()
    )
    statement = sa.select(col(entry.record_id), col(entry.tenant_id), col(entry.seq), signed_at).where(
        col(entry.record_kind) == kind.value, col(entry.record_id).in_(record_ids)
    )
    return {row[0]: (row[1], row[2], as_utc(row[3]) if row[3] else None) for row in session.execute(statement)}


def checkpoints(session: Session, tenant: str, after: int = 0, up_to: int | None = None) -> list[Checkpoint]:
    """Checkpoints of the tenant behind one number and up to another, in order."""
    statement = sa.select(AuditCheckpoint).where(col(AuditCheckpoint.tenant_id) == tenant, col(AuditCheckpoint.seq) > after)
    if up_to is not None:
        statement = statement.where(col(AuditCheckpoint.seq) <= up_to)
    return [_checkpoint(row) for row in session.scalars(statement.order_by(col(AuditCheckpoint.seq)))]


def last_checkpoint(session: Session, tenant: str) -> Checkpoint | None:
    """The tenant's newest checkpoint."""
    statement = (
        sa.select(AuditCheckpoint)
        .where(col(AuditCheckpoint.tenant_id) == tenant)
        .order_by(col(AuditCheckpoint.seq).desc())
        .limit(1)
    )
    row = session.scalars(statement).first()
    return None if row is None else _checkpoint(row)


def signing_keys(session: Session) -> list[AuditSigningKey]:
    """Every key that ever signed, newest first."""
    statement = sa.select(AuditSigningKey).order_by(col(AuditSigningKey.created_at).desc(), col(AuditSigningKey.key_id))
    return list(session.scalars(statement))


def sealing(session: Session, tenant: str, project_id: str) -> AuditSealing | None:
    """How far a place is sealed."""
    return session.get(AuditSealing, (tenant, project_id))


def sealings(session: Session) -> dict[tuple[str, str], AuditSealing]:
    """How far every place is sealed, by tenant and project."""
    return {(row.tenant_id, row.project_id): row for row in session.scalars(sa.select(AuditSealing))}


def save(session: Session, row: SQLModel) -> None:
    """Write the row now, so that its constraints speak here."""
    session.add(row)
    session.flush()


def projects(session: Session) -> list[tuple[str, str, str]]:
    """Tenant, id and slug of every project."""
    statement = sa.select(col(Project.tenant_id), col(Project.id), col(Project.slug)).order_by(col(Project.id))
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def made_at(session: Session, project_id: str) -> datetime | None:
    """When the project was made; None for what is no project."""
    found = session.scalar(sa.select(col(Project.created_at)).where(col(Project.id) == project_id))
    return as_utc(found) if found else None


def removed_slugs(session: Session) -> list[tuple[str, str, str]]:
    """Tenant, id and slug of projects whose records are still being removed."""
    statement = sa.select(col(ProjectRemoval.tenant_id), col(ProjectRemoval.project_id), col(ProjectRemoval.slug))
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def accounts(session: Session) -> list[tuple[str, str]]:
    """Id and name of every account of the audit log."""
    statement = sa.select(col(AuditAccount.id), col(AuditAccount.username)).order_by(col(AuditAccount.username))
    return [(row[0], row[1]) for row in session.execute(statement)]


def own_count(session: Session) -> int:
    """Entries of the own audit trail."""
    return int(session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) or 0)


def first_waiting(session: Session, from_id: str) -> datetime | None:
    """When the oldest entry of the own trail from the id on was written that is not chained."""
    entry, chained = AuditEntry, AuditChainEntry
    is_chained = sa.exists().where(col(chained.record_kind) == RecordKind.OWN.value, col(chained.record_id) == col(entry.id))
    found = session.scalar(sa.select(sa.func.min(col(entry.created_at))).where(col(entry.id) >= from_id, ~is_chained))
    return as_utc(found) if found else None


def own_entries(session: Session, from_id: str, after_id: str, limit: int) -> list[AuditEntry]:
    """Entries of the own trail from the id on and behind another, in the order of their ids, which is that of time."""
    statement = (
        sa.select(AuditEntry)
        .where(col(AuditEntry.id) >= from_id, col(AuditEntry.id) > after_id)
        .order_by(col(AuditEntry.id))
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(statement))


def own_by_id(session: Session, entry_ids: Sequence[str]) -> dict[str, AuditEntry]:
    """Entries of the own trail by id, read from the database."""
    statement = sa.select(AuditEntry).where(col(AuditEntry.id).in_(entry_ids)).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(statement)}


def deletions_noted(session: Session, target_ids: Iterable[str]) -> set[str]:
    """Which of these projects and tenants the own trail knows as deleted."""
    statement = _deletions().where(col(AuditEntry.target_id).in_(list(target_ids)))
    return set(session.scalars(statement))


def all_deletions(session: Session) -> list[str]:
    """Every project and tenant that the own trail knows as deleted."""
    return sorted(session.scalars(_deletions()))


def pruned_before(session: Session) -> datetime | None:
    """Before which instant ingested records were removed by retention, as the own trail says; None when it never was."""
    payloads = session.scalars(sa.select(col(AuditEntry.payload)).where(col(AuditEntry.action) == PRUNED))
    marks = [datetime.fromisoformat(mark) for payload in payloads if isinstance(mark := payload.get("before"), str)]
    return max(marks, default=None)


def _deletions() -> sa.Select[Any]:
    return sa.select(col(AuditEntry.target_id)).distinct().where(col(AuditEntry.action).in_(("project.delete", "tenant.delete")))


def own_document(row: AuditEntry) -> dict[str, Any]:
    """An entry of the own trail as it is hashed."""
    return {
        "id": row.id,
        "created_at": text_of(row.created_at),
        "actor_user_id": row.actor_user_id,
        "actor_email": row.actor_email,
        "action": row.action,
        "target_type": row.target_type,
        "target_id": row.target_id,
        "project_slug": row.project_slug,
        "payload": row.payload,
    }


def _entry(row: AuditChainEntry) -> Entry:
    return Entry(
        row.tenant_id, row.seq, row.record_kind, row.record_id, row.project_id, text_of(row.record_time), text_of(row.sealed_at),
        row.digest, row.previous, row.hash,
    )  # fmt: skip


def _checkpoint(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(row.tenant_id, row.seq, row.hash, text_of(row.signed_at), row.key_id, row.signature)
