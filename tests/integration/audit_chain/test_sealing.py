"""Records are chained once, in the order they came, on both databases."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.audit_chain import repository, sealing, service
from app.audit_chain.contracts import Absence, FaultKind
from app.eventstore.service import set_event_store
from app.identity.contracts import DEFAULT_TENANT_ID, SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from models.audit_chain import AuditChainEntry, AuditCheckpoint, AuditSigningKey
from models.identity import AuditEntry
from models.projects import Project
from tests.integration.audit_chain.conftest import NOW, note, seal, send


def chain(tenant):
    with session_scope(write=False) as session:
        return repository.entries(session, tenant, 0, 10_000)


def verified(trusted=None):
    with session_scope(write=False) as session:
        return service.verify_all(session, SYSTEM_ACTOR, NOW, trusted)


def tamper(statement):
    with session_scope() as session:
        session.execute(statement)


def test_ingested_and_own_records_of_a_project_stand_in_one_chain_in_order(watched):
    first, second = send(watched.bucket, 3), send(watched.bucket, 2, NOW + timedelta(seconds=1))
    note(slug=watched.slug, name="Order placed")
    note()
    assert seal() == 7
    entries = chain(watched.bucket.tenant_id)
    assert [(entry.seq, entry.kind) for entry in entries] == [(1, "own"), *((seq, "ingested") for seq in range(2, 7))]
    assert [entry.record_id for entry in entries[1:]] == [f"{first}:1", f"{first}:2", f"{first}:3", f"{second}:1", f"{second}:2"]
    assert [entry.kind for entry in chain(DEFAULT_TENANT_ID)] == ["own"]
    report = verified()
    assert report.is_intact
    assert (report.tenants, report.count.entries, report.count.checkpoints, report.unsealed) == (2, 7, 2, 0)


def test_a_second_pass_adds_nothing_and_signs_nothing(watched):
    send(watched.bucket, 3)
    assert (seal(), seal(), seal(NOW + timedelta(days=2))) == (3, 0, 0)
    with session_scope(write=False) as session:
        assert len(session.exec(select(AuditCheckpoint)).all()) == 1


def test_what_arrives_late_is_appended_in_the_order_of_arrival(watched):
    send(watched.bucket, 1, NOW)
    seal()
    late = send(watched.bucket, 1, NOW - timedelta(hours=3))
    assert seal(NOW + timedelta(minutes=20)) == 1
    assert chain(watched.bucket.tenant_id)[-1].record_id == f"{late}:1"
    assert verified().is_intact


def test_an_own_entry_with_an_older_id_is_still_chained(watched):
    note()
    seal()
    with session_scope() as session:
        session.add(
            AuditEntry(id="00000000-0000-7000-8000-000000000000", actor_email="x", action="a.b", target_type="t", target_id="1")
        )
    assert seal() == 1
    assert verified().is_intact


def test_more_than_one_batch_is_sealed_and_a_pass_without_time_leaves_the_rest(watched, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 7)
    for second in range(5):
        send(watched.bucket, 10, NOW + timedelta(seconds=second * 40))
    assert seal(budget=0.0) == 0
    assert seal() == 50
    assert [entry.seq for entry in chain(watched.bucket.tenant_id)] == list(range(1, 51))
    assert verified().is_intact


def test_who_does_not_lead_seals_nothing(watched):
    send(watched.bucket)

    @contextmanager
    def elsewhere():
        yield None

    assert seal(turn=elsewhere) == 0
    assert chain(watched.bucket.tenant_id) == []


def test_a_crash_between_two_batches_loses_and_repeats_nothing(watched, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 4)
    send(watched.bucket, 10)
    calls = 0

    @contextmanager
    def failing():
        nonlocal calls
        calls += 1
        with session_scope() as session:
            yield session
            if calls == 5:
                raise RuntimeError("the process ended before the commit")

    with pytest.raises(RuntimeError):
        seal(turn=failing)
    assert 0 < len(chain(watched.bucket.tenant_id)) < 10
    seal()
    assert len({entry.record_id for entry in chain(watched.bucket.tenant_id)}) == 10
    assert verified().is_intact


def test_two_processes_cannot_write_one_number_twice(watched):
    note(slug=watched.slug)
    seal()
    entry = chain(watched.bucket.tenant_id)[0]
    with pytest.raises(IntegrityError), session_scope() as session:
        repository.add_entries(session, [(entry, NOW, NOW)])


def test_an_event_store_that_is_away_holds_only_its_own_records_back(watched, event_store):
    class Away:
        def select(self, *_):
            raise Unavailable("away")

    send(watched.bucket)
    note(slug=watched.slug)
    set_event_store(Away())
    assert seal() == 1
    set_event_store(event_store)
    assert seal() == 1
    assert verified().is_intact


@pytest.fixture
def sealed(watched):
    send(watched.bucket, 4)
    for number in range(4):
        note(slug=watched.slug, number=number)
    seal()
    return watched


def fault():
    report = verified()
    return report.fault.kind, report.fault.seq


def entry_at(seq, tenant):
    return (col(AuditChainEntry.tenant_id) == tenant) & (col(AuditChainEntry.seq) == seq)


def test_an_edited_own_record_is_found(sealed):
    entry_id = chain(sealed.bucket.tenant_id)[1].record_id
    tamper(update(AuditEntry).where(col(AuditEntry.id) == entry_id).values(actor_email="somebody@else"))
    assert fault() == (FaultKind.EDITED, 2)


def test_a_deleted_own_record_is_found(sealed):
    entry_id = chain(sealed.bucket.tenant_id)[2].record_id
    tamper(AuditEntry.__table__.delete().where(col(AuditEntry.id) == entry_id))
    assert fault() == (FaultKind.DELETED, 3)


def test_an_edited_ingested_record_is_found(sealed, event_store):
    event_id = chain(sealed.bucket.tenant_id)[6].record_id.partition(":")[0]
    statement = (
        f"ALTER TABLE {event_store.address.database}.events UPDATE status = 'error' "
        f"WHERE id = '{event_id}' AND JSONExtractInt(properties, 'event', 'stage') = 3 SETTINGS mutations_sync = 1"
    )
    event_store._connected().command(statement)
    assert fault() == (FaultKind.EDITED, 7)


def test_a_deleted_ingested_record_is_found(sealed, event_store):
    event_id = chain(sealed.bucket.tenant_id)[5].record_id.partition(":")[0]
    statement = (
        f"DELETE FROM {event_store.address.database}.events "
        f"WHERE id = '{event_id}' AND JSONExtractInt(properties, 'event', 'stage') = 2"
    )
    event_store._connected().command(statement)
    assert fault() == (FaultKind.DELETED, 6)


def test_a_deleted_entry_of_the_chain_is_found(sealed):
    tamper(AuditChainEntry.__table__.delete().where(entry_at(3, sealed.bucket.tenant_id)))
    assert fault() == (FaultKind.DELETED, 3)


def test_entries_that_changed_places_are_found_at_the_first(sealed):
    tenant = sealed.bucket.tenant_id
    for seq, other in ((3, 1003), (5, 3), (1003, 5)):
        tamper(update(AuditChainEntry).where(entry_at(seq, tenant)).values(seq=other))
    assert fault() == (FaultKind.EDITED, 3)


def test_a_cut_tail_is_found_while_its_checkpoint_stands(sealed):
    tamper(
        AuditChainEntry.__table__.delete().where(
            col(AuditChainEntry.tenant_id) == sealed.bucket.tenant_id, col(AuditChainEntry.seq) > 5
        )
    )
    assert fault() == (FaultKind.CUT, 6)


def test_a_chain_that_is_gone_is_found_while_its_checkpoint_stands(sealed):
    tamper(AuditChainEntry.__table__.delete())
    assert fault() == (FaultKind.CUT, 1)


def test_records_of_a_deleted_project_are_missing_for_a_reason(sealed, event_store):
    note("project.delete")
    tamper(update(AuditEntry).where(col(AuditEntry.action) == "project.delete").values(target_id=sealed.bucket.project_id))
    seal()
    event_store.delete_project(sealed.bucket.tenant_id, sealed.bucket.project_id)
    report = verified()
    assert report.is_intact
    assert report.count.absent == 4


def test_records_older_than_the_retention_are_missing_for_a_reason(watched, event_store, settings):
    send(watched.bucket, 2, NOW - timedelta(days=settings.storage.retention_days + 1))
    seal()
    event_store.delete_project(watched.bucket.tenant_id, watched.bucket.project_id)
    with session_scope(write=False) as session:
        found = list(service.links(session, watched.bucket.tenant_id, NOW))
    assert [link.record for link in found] == [Absence.EXPIRED] * 2


def test_a_verification_in_parts_finds_what_one_pass_finds(sealed):
    for is_cut in (False, True):
        if is_cut:
            tamper(AuditChainEntry.__table__.delete().where(entry_at(8, sealed.bucket.tenant_id)))
        with session_scope(write=False) as session:
            progress = service.begin(session, SYSTEM_ACTOR)
            steps = 0
            while not progress.is_done:
                progress = service.step(session, SYSTEM_ACTOR, progress, NOW, part=3)
                steps += 1
        assert steps >= 3
        assert progress.report.is_intact is not is_cut
        assert is_cut is False or (progress.fault.kind, progress.fault.seq) == (FaultKind.CUT, 8)


def test_a_signing_key_of_lost_encryption_keys_is_replaced_and_old_checkpoints_still_count(sealed, monkeypatch):
    tamper(update(AuditSigningKey).values(sealed_private_key="lost"))
    note(slug=sealed.slug)
    seal(NOW + timedelta(minutes=1))
    report = verified()
    assert report.is_intact
    assert report.count.checkpoints == 2
    with session_scope(write=False) as session:
        assert len(service.public_keys(session)) == 2


def test_the_state_tells_what_is_sealed_and_what_waits(sealed):
    note(slug=sealed.slug)
    send(sealed.bucket, 2)
    with session_scope(write=False) as session:
        state = service.chain_state(session, SYSTEM_ACTOR)
    assert (state.tenants, state.entries, state.unsealed) == (1, 8, 3)
    assert state.last_checkpoint.seq == 8
    assert list(state.keys) == [state.last_checkpoint.key_id]


def test_the_state_tells_since_when_the_oldest_record_waits(sealed):
    def since():
        with session_scope(write=False) as session:
            return service.chain_state(session, SYSTEM_ACTOR).waiting_since

    assert since() is None
    tamper(update(Project).values(created_at=NOW - timedelta(days=1)))
    send(sealed.bucket, 1, NOW + timedelta(hours=2))
    send(sealed.bucket, 1, NOW + timedelta(hours=1))
    assert since() == NOW + timedelta(hours=1)
    tamper(update(Project).values(created_at=NOW + timedelta(minutes=90)))
    assert since() == NOW + timedelta(minutes=90)
    note()
    tamper(update(AuditEntry).where(col(AuditEntry.project_slug).is_(None)).values(created_at=NOW - timedelta(hours=3)))
    assert since() == NOW - timedelta(hours=3)
    seal(NOW + timedelta(hours=3))
    assert since() is None
