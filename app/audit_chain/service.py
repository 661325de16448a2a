"""The chain over audit records, as one surface: its state, verification of this instance, and exports.

Sealing is the business of `app.audit_chain.sealing`. Owners only: a chain speaks of every project of its tenant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlmodel import Session

from app.audit_chain import records, repository
from app.audit_chain.contracts import Absence, Checkpoint, Count, Entry, Fault, Link, RecordKind, Report
from app.audit_chain.export_file import Anchor
from app.audit_chain.hashing import GENESIS
from app.audit_chain.sealing import EPOCH, Turn, own_floor, places, seal_waiting, signing_key
from app.audit_chain.verification import ChainVerifier
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, Actor
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings

__all__ = [
    "LATE_AFTER",
    "ChainState",
    "Progress",
    "Seal",
    "Turn",
    "begin",
    "chain_state",
    "kept_days",
    "links",
    "note_pruned",
    "public_keys",
    "seal_waiting",
    "sealed_places",
    "seals",
    "signing_key",
    "step",
    "verify_all",
]

PART: Final = 1000
LATE_AFTER: Final = timedelta(minutes=15)
"""What waits longer was passed over by fifteen runs of the job, and by the sweep for what arrived behind a mark."""
KEYS_FROM_DATABASE: Final = (
    "The public keys come from this instance's own database; only a copy kept elsewhere proves their origin."
)


@dataclass(frozen=True, slots=True)
class ChainState:
    """What the page of the own audit log says; `unsealed` is None while the event store does not answer.

    `waiting_since` is when the oldest record was received that waits to be chained, where that is known.
    """

    tenants: int
    entries: int
    unsealed: int | None
    waiting_since: datetime | None
    last_checkpoint: Checkpoint | None
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification of this instance got. Hand it to `step` until it `is_done`."""

    tenants: tuple[str, ...]
    total: int
    at: int = 0
    seq: int = 0
    hash: str = GENESIS
    attested: int = 0
    count: Count = field(default_factory=Count)
    fault: Fault | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to look at."""
        return self.fault is not None or self.at >= len(self.tenants)

    @property
    def report(self) -> Report:
        """What was found so far."""
        return Report(len(self.tenants), self.count, self.fault, notes=(KEYS_FROM_DATABASE,))


@dataclass(frozen=True, slots=True)
class Seal:
    """Where an entry of the own trail stands in its chain; `signed_at` is None until a checkpoint attests it."""

    tenant: str
    seq: int
    signed_at: datetime | None


def seals(session: Session, actor: Actor, entry_ids: Sequence[str]) -> dict[str, Seal]:
    """The seals of these entries of the own trail; those not chained yet have none. Owners only."""
    actor.require_owner()
    found = repository.places_of(session, RecordKind.OWN, entry_ids) if entry_ids else {}
    return {entry_id: Seal(*place) for entry_id, place in found.items()}


def chain_state(session: Session, actor: Actor) -> ChainState:
    """How much is chained and signed. Owners only."""
    actor.require_owner()
    tenants = repository.tenants(session)
    checkpoints = [found for tenant in tenants if (found := repository.last_checkpoint(session, tenant))]
    unsealed, since = _waiting_or_unknown(session)
    return ChainState(
        tenants=len(tenants),
        entries=sum(repository.head(session, tenant)[0] for tenant in tenants),
        unsealed=unsealed,
        waiting_since=since,
        last_checkpoint=max(checkpoints, key=lambda found: found.signed_at, default=None),
        keys=public_keys(session),
    )


def public_keys(session: Session) -> dict[str, str]:
    """Public keys that ever signed, by key id."""
    return {row.key_id: row.public_key for row in repository.signing_keys(session)}


def begin(session: Session, actor: Actor) -> Progress:
    """A verification of every chain of this instance, not begun yet. Owners only."""
    actor.require_owner()
    tenants = tuple(repository.tenants(session))
    return Progress(tenants, total=sum(repository.head(session, tenant)[0] for tenant in tenants))


def step(
    session: Session, actor: Actor, progress: Progress, now: datetime, *, trusted: Anchor | None = None, part: int = PART
) -> Progress:
    """Look at the next `part` entries, by what was kept outside when there is any. Owners only. Errors: Unavailable.

    What is chained while a verification runs may belong to it or not.
    """
    actor.require_owner()
    if progress.is_done:
        return progress
    tenant = progress.tenants[progress.at]
    found = repository.entries(session, tenant, progress.seq, part)
    is_last = len(found) < part
    last = None if is_last else found[-1].seq
    verifier = ChainVerifier(
        tenant,
        {*repository.checkpoints(session, tenant, progress.seq, last), *_outside(trusted, tenant, progress.seq, last)},
        public_keys(session) if trusted is None else trusted.keys,
        seq=progress.seq,
        hash=progress.hash,
        attested=progress.attested,
    )
    fault = next((fault for link in _with_records(session, tenant, found, now) if (fault := verifier.feed(link))), None)
    if fault is None and is_last:
        fault = verifier.finish()
    count = progress.count + verifier.count
    if is_last and fault is None:
        return replace(progress, at=progress.at + 1, seq=0, hash=GENESIS, attested=0, count=count)
    return replace(progress, seq=verifier.seq, hash=verifier.hash, attested=verifier.attested, count=count, fault=fault)


def verify_all(session: Session, actor: Actor, now: datetime, trusted: Anchor | None = None) -> Report:
    """Verify every chain of this instance at once, by what was kept outside when there is any. Owners only.

    Errors: Unavailable while records cannot be read.
    """
    progress = begin(session, actor)
    if trusted is not None:
        # A chain that is gone altogether is known from outside only.
        outside = {checkpoint.tenant for checkpoint in trusted.checkpoints}
        progress = replace(progress, tenants=tuple(sorted({*progress.tenants, *outside})))
    while not progress.is_done:
        progress = step(session, actor, progress, now, trusted=trusted)
    notes = (KEYS_FROM_DATABASE,) if trusted is None else ()
    return replace(progress.report, unsealed=_waiting(session)[0], notes=notes)


def _outside(trusted: Anchor | None, tenant: str, after: int, up_to: int | None) -> Iterator[Checkpoint]:
    for checkpoint in trusted.checkpoints if trusted else ():
        if checkpoint.tenant == tenant and after < checkpoint.seq and (up_to is None or checkpoint.seq <= up_to):
            yield checkpoint


def links(session: Session, tenant: str, now: datetime, project_id: str | None = None) -> Iterator[Link]:
    """The tenant's chain with its records; of one project only when it is named. Errors: Unavailable."""
    after = 0
    while found := repository.entries(session, tenant, after, PART):
        after = found[-1].seq
        if project_id is None:
            yield from _with_records(session, tenant, found, now)
            continue
        of_project = iter(_with_records(session, tenant, [entry for entry in found if entry.project_id == project_id], now))
        for entry in found:
            yield next(of_project) if entry.project_id == project_id else Link(entry, Absence.WITHHELD)


def _with_records(session: Session, tenant: str, found: Sequence[Entry], now: datetime) -> Iterator[Link]:
    documents = _documents(session, tenant, found)
    missing = {entry.project_id for entry in found if (entry.kind, entry.record_id) not in documents}
    removed = repository.deletions_noted(session, {*missing, tenant}) if missing else set()
    oldest = now - timedelta(days=kept_days(session, now)) if missing else now
    for entry in found:
        yield Link(entry, documents.get((entry.kind, entry.record_id)) or _absence(entry, removed, oldest))


def kept_days(session: Session, now: datetime) -> int:
    """Records older than so many days may be gone: by the retention of the event store, or because a pass removed them."""
    days, mark = get_settings().storage.retention_days, repository.pruned_before(session)
    return days if mark is None else min(days, max(0, (now - mark).days))


def sealed_places(session: Session) -> dict[tuple[str, str], bool]:
    """Everywhere that ingested records may be, as tenant and project, and whether every record there is chained.

    Errors: Unavailable.
    """
    return {
        (place.tenant, place.project_id): records.stored_count(place.tenant, place.project_id) <= place.sealed_count
        for place in places(session)
    }


def note_pruned(session: Session, before: datetime, removed: int) -> None:
    """Note in the own trail that ingested records older than the instant are removed; without it their absence is tampering."""
    payload = {"before": before.isoformat(), "removed": removed}
    identity.record_audit(session, SYSTEM_ACTOR, repository.PRUNED, "audit", "instance", payload=payload)


def _absence(entry: Entry, removed: set[str], oldest: datetime) -> Absence | None:
    """Why an ingested record may be gone; one of the own trail never may."""
    if entry.kind != RecordKind.INGESTED:
        return None
    if entry.project_id in removed or entry.tenant in removed:
        return Absence.REMOVED
    return Absence.EXPIRED if _moment(entry.record_time) < oldest else None


def _documents(session: Session, tenant: str, found: Sequence[Entry]) -> dict[tuple[str, str], dict[str, Any]]:
    own = [entry.record_id for entry in found if entry.kind == RecordKind.OWN]
    documents: dict[tuple[str, str], dict[str, Any]] = {
        (RecordKind.OWN.value, record_id): repository.own_document(row)
        for record_id, row in (repository.own_by_id(session, own) if own else {}).items()
    }
    by_project: dict[str, list[Entry]] = {}
    for entry in found:
        if entry.kind == RecordKind.INGESTED:
            by_project.setdefault(entry.project_id, []).append(entry)
    for project_id, entries in by_project.items():
        times = [_moment(entry.record_time) for entry in entries]
        stored = records.by_record_id(tenant, project_id, [entry.record_id for entry in entries], min(times), max(times))
        documents |= {(RecordKind.INGESTED.value, record_id): document for record_id, document in stored.items()}
    return documents


def _waiting_or_unknown(session: Session) -> tuple[int | None, datetime | None]:
    try:
        return _waiting(session)
    except Unavailable:
        return None, None


def _waiting(session: Session) -> tuple[int, datetime | None]:
    """How many records are stored and not chained yet, and when the oldest was received, as far as the marks tell.

    Errors: Unavailable.
    """
    mark = repository.sealing(session, "", "")
    count = max(0, repository.own_count(session) - (mark.sealed_count if mark else 0))
    oldest = [repository.first_waiting(session, own_floor(mark.received_to if mark else EPOCH))] if count else []
    for place in places(session):
        behind = records.stored_count(place.tenant, place.project_id) - place.sealed_count
        if behind > 0:
            count += behind
            first = records.first_received(place.tenant, place.project_id, place.received_to)
            # A demo project brings records along that are older than itself.
            made_at = repository.made_at(session, place.project_id)
            oldest.append(max(first, made_at) if first and made_at else first)
    return count, min((moment for moment in oldest if moment), default=None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
