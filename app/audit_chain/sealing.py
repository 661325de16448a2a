"""Appending what arrived to the chains, and signing where they stand.

Acknowledging a record never waits for this: a job does it later. Invariants: an entry is written once, in a transaction that
also read the tenant's last one; who loses a race for a number fails on the primary key and tries again at the next run.
"""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlmodel import Session

from app.audit.contracts import bucket_of
from app.audit_chain import records, repository, signing
from app.audit_chain.contracts import Checkpoint, Entry, RecordKind
from app.audit_chain.hashing import digest_of, hash_of
from app.audit_chain.records import Arrival
from app.identity.contracts import DEFAULT_TENANT_ID
from app.kernel.crypto import SecretBox
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from models.audit_chain import AuditCheckpoint, AuditSealing, AuditSigningKey
from models.identity import AuditEntry

BATCH: Final = 2000
SWEEP_EVERY: Final = timedelta(minutes=10)
FULL_SWEEP_EVERY: Final = timedelta(days=1)
OVERLAP: Final = timedelta(seconds=10)
"""Records of requests at the same time may reach the store in another order than they were received; later ones are swept."""
OWN_OVERLAP: Final = timedelta(hours=1)
"""Transactions of the own trail that stay open longer than this are found by the count of entries."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Turn = Callable[[], AbstractContextManager[Session | None]]
"""A transaction for whoever may seal; None when that is another process."""

log = logging.getLogger("plumbline.audit")


class _NotOurTurn(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """Where records are stored, and how far they are sealed."""

    tenant: str
    project_id: str
    received_to: datetime = EPOCH
    sealed_count: int = 0
    swept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    record_id: str
    tenant: str
    project_id: str
    time: datetime
    document: dict[str, Any]


def places(session: Session) -> list[Place]:
    """Everywhere that ingested audit records may be."""
    known = repository.sealings(session)
    pairs = [(tenant, project_id) for tenant, project_id, _ in repository.projects(session)]
    buckets = (bucket_of(account_id) for account_id, _ in repository.accounts(session))
    pairs += [(bucket.tenant_id, bucket.project_id) for bucket in buckets]
    return [_place(pair, known.get(pair)) for pair in pairs]


def seal_waiting(turn: Turn, now: Callable[[], datetime], budget_seconds: float) -> int:
    """Chain what is waiting and sign checkpoints; how many records were chained. Ends early when the time is up.

    Opens its own transactions, none of them around a call to the store. An event store that is away holds only its own
    records back.
    """
    until = time.monotonic() + budget_seconds
    try:
        sealed = _seal_own(turn, now, until)
        with _ours(turn) as session:
            found = places(session)
        random.shuffle(found)  # whoever the time does not suffice for today comes earlier another time
        try:
            for place in found:
                if time.monotonic() < until:
                    sealed += _seal_place(turn, place, now, until)
        except Unavailable as away:
            log.warning("ingested audit records wait to be sealed: %s", away.message)
        with _ours(turn) as session:
            sign_heads(session, now())
    except _NotOurTurn:
        return 0
    return sealed


def sign_heads(session: Session, now: datetime) -> list[Checkpoint]:
    """Sign where every chain stands that grew since its last checkpoint."""
    signed: list[Checkpoint] = []
    key: signing.SigningKey | None = None
    for tenant in repository.tenants(session):
        seq, hash_ = repository.head(session, tenant)
        last = repository.last_checkpoint(session, tenant)
        if seq <= (last.seq if last else 0):
            continue
        key = key or signing_key(session, now)
        checkpoint = key.signed(Checkpoint(tenant, seq, hash_, repository.text_of(now), "", ""))
        repository.save(
            session,
            AuditCheckpoint(
                tenant_id=tenant, seq=seq, hash=hash_, signed_at=now, key_id=checkpoint.key_id, signature=checkpoint.signature
            ),
        )
        # A log that is shipped elsewhere is an outside copy, which no later change of this instance can reach.
        log.info("audit checkpoint", extra={"tenant": tenant, "seq": seq, "hash": hash_, "key_id": key.key_id})
        signed.append(checkpoint)
    return signed


def signing_key(session: Session, now: datetime) -> signing.SigningKey:
    """The newest key that today's encryption keys open; made when there is none."""
    box = SecretBox(get_settings().encryption_keys())
    for row in repository.signing_keys(session):
        try:
            return signing.open_key(box.open(row.sealed_private_key))
        except ValueError:
            log.warning("the audit signing key %s cannot be read with today's encryption keys", row.key_id)
    key = signing.make_key()
    repository.save(
        session,
        AuditSigningKey(
            key_id=key.key_id, public_key=key.public_text, sealed_private_key=box.seal(key.private_text), created_at=now
        ),
    )
    return key


def _seal_place(turn: Turn, place: Place, now: Callable[[], datetime], until: float) -> int:
    stored = records.stored_count(place.tenant, place.project_id)
    if stored == 0 or stored == place.sealed_count:
        return 0
    before = place.sealed_count
    place = _seal_windows(turn, place, now, until)
    if stored != place.sealed_count and time.monotonic() < until and _is_sweep_due(place, stored, now()):
        # Something arrived behind the mark, or was removed: look at everything once more.
        place = _seal_windows(turn, replace(place, received_to=EPOCH), now, until)
        if time.monotonic() < until:
            with _ours(turn) as session:
                _mark(session, replace(place, swept_at=now()))
    return place.sealed_count - before


def _is_sweep_due(place: Place, stored: int, now: datetime) -> bool:
    pause = SWEEP_EVERY if stored > place.sealed_count else FULL_SWEEP_EVERY
    return place.swept_at is None or now - place.swept_at >= pause


def _seal_windows(turn: Turn, place: Place, now: Callable[[], datetime], until: float) -> Place:
    since = max(EPOCH, place.received_to - OVERLAP)
    for window in records.windows(place.tenant, place.project_id, since, BATCH):
        after = None
        while time.monotonic() < until:
            found = records.arrivals(place.tenant, place.project_id, window, after, BATCH)
            if not found:
                break
            after = found[-1].key
            with _ours(turn) as session:
                place = _append_arrivals(session, place, found, now())
        else:
            return place
    return place


def _append_arrivals(session: Session, place: Place, found: Sequence[Arrival], now: datetime) -> Place:
    waiting = [_Waiting(one.record_id, place.tenant, place.project_id, one.time, one.document) for one in found]
    added = append(session, RecordKind.INGESTED, place.tenant, waiting, now)
    place = replace(place, sealed_count=place.sealed_count + added, received_to=max(place.received_to, found[-1].received_at))
    _mark(session, place)
    return place


def _seal_own(turn: Turn, now: Callable[[], datetime], until: float) -> int:
    sealed = 0
    from_id, after_id = "", ""
    is_sweep = False
    while time.monotonic() < until:
        with _ours(turn) as session:
            place = _place(("", ""), repository.sealing(session, "", ""))
            if not after_id and not is_sweep:
                from_id = own_floor(place.received_to)
            found = repository.own_entries(session, from_id, after_id, BATCH)
            if found:
                after_id = found[-1].id
                added = _append_own(session, found, now())
                reached = max(place.received_to, _moment_of_id(after_id))
                _mark(session, replace(place, sealed_count=place.sealed_count + added, received_to=reached))
                sealed += added
            elif is_sweep or repository.own_count(session) <= place.sealed_count or not _is_due(place, now()):
                break
            else:
                # Something was written behind the mark: look at everything once more.
                _mark(session, replace(place, swept_at=now()))
                from_id, after_id, is_sweep = "", "", True
    return sealed


def _is_due(place: Place, now: datetime) -> bool:
    return place.swept_at is None or now - place.swept_at >= SWEEP_EVERY


def _append_own(session: Session, found: Sequence[AuditEntry], now: datetime) -> int:
    homes = {slug: (tenant, project_id) for tenant, project_id, slug in repository.removed_slugs(session)}
    homes |= {slug: (tenant, project_id) for tenant, project_id, slug in repository.projects(session)}
    chained = repository.known(session, RecordKind.OWN, [row.id for row in found])
    by_tenant: dict[str, list[_Waiting]] = defaultdict(list)
    for row in found:
        if row.id not in chained:
            # What belongs to no project, or to one that is gone for good, stands in the instance's own chain.
            tenant, project_id = homes.get(row.project_slug or "", (DEFAULT_TENANT_ID, ""))
            by_tenant[tenant].append(_Waiting(row.id, tenant, project_id, row.created_at, repository.own_document(row)))
    return sum(append(session, RecordKind.OWN, tenant, waiting, now) for tenant, waiting in sorted(by_tenant.items()))


def append(session: Session, kind: RecordKind, tenant: str, waiting: Iterable[_Waiting], now: datetime) -> int:
    """Chain those of the records that are not chained yet, in their order; how many that were."""
    wanted = {record.record_id: record for record in waiting}
    chained = repository.known(session, kind, wanted, tenant)
    seq, previous = repository.head(session, tenant)
    made: list[tuple[Entry, datetime, datetime]] = []
    for record_id, record in wanted.items():
        if record_id in chained:
            continue
        seq += 1
        bare = Entry(
            tenant, seq, kind.value, record_id, record.project_id, repository.text_of(record.time), repository.text_of(now),
            digest_of(record.document), previous, "",
        )  # fmt: skip
        entry = replace(bare, hash=hash_of(bare))
        previous = entry.hash
        made.append((entry, record.time, now))
    repository.add_entries(session, made)
    return len(made)


def _place(pair: tuple[str, str], mark: AuditSealing | None) -> Place:
    if mark is None:
        return Place(*pair)
    return Place(*pair, received_to=mark.received_to, sealed_count=mark.sealed_count, swept_at=mark.swept_at)


def _mark(session: Session, place: Place) -> None:
    row = repository.sealing(session, place.tenant, place.project_id)
    row = row or AuditSealing(tenant_id=place.tenant, project_id=place.project_id, received_to=place.received_to)
    row.sealed_count, row.received_to, row.swept_at = place.sealed_count, place.received_to, place.swept_at
    repository.save(session, row)


class _ours:  # noqa: N801 - reads as a word after `with`
    """A turn that must be ours."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn()

    def __enter__(self) -> Session:
        session = self._turn.__enter__()
        if session is None:
            self._turn.__exit__(None, None, None)
            raise _NotOurTurn
        return session

    def __exit__(self, *fault: Any) -> None:
        self._turn.__exit__(*fault)


def own_floor(received_to: datetime) -> str:
    """The least id that an entry of the own trail may have which is not chained, when entries are chained up to the instant."""
    return _id_floor(received_to - OWN_OVERLAP)


def _id_floor(moment: datetime) -> str:
    """The least id that was made at that moment: ids begin with their milliseconds."""
    digits = f"{max(0, records.milliseconds(moment)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def _moment_of_id(entry_id: str) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=int(entry_id.replace("-", "")[:12], 16))
    except (ValueError, OverflowError):
        return EPOCH
