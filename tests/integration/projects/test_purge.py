from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from app.eventstore.service import set_event_store
from app.identity.contracts import UserRole
from app.ingest.wal import SUFFIX
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from app.projects import purge, service
from models.identity import AuditEntry
from models.projects import Project, ProjectRemoval
from tests.factories import (
    make_actor,
    make_anomaly,
    make_api_key,
    make_event,
    make_event_type,
    make_ingest_key,
    make_project,
    make_scan_config,
    make_scan_job,
    make_user,
)


class Store:
    """An event store that remembers deletions and can be down."""

    def __init__(self):
        self.deleted = []
        self.is_down = False

    def delete_project(self, tenant_id, project_id):
        if self.is_down:
            raise Unavailable("the event store does not answer")
        self.deleted.append((tenant_id, project_id))


@pytest.fixture
def deleted(engine):
    """The id of a project that was deleted just now."""
    with session_scope(engine) as session:
        project = make_project(session)
        service.delete_project(session, make_actor(session, UserRole.OWNER), project.slug)
        return project.id


def waiting(engine):
    with session_scope(engine, write=False) as session:
        return session.exec(select(ProjectRemoval)).all()


def test_records_are_removed_at_once_and_again_when_late_ones_have_settled(engine, deleted):
    store, clock = Store(), FixedClock(datetime.now(UTC))
    assert purge.purge_removed(store, clock=clock) == 0
    assert store.deleted == [("tenant_default", deleted)]
    assert [row.project_id for row in waiting(engine)] == [deleted]
    clock.advance(purge.SETTLED_AFTER + timedelta(seconds=1))
    assert purge.purge_removed(store, clock=clock) == 1
    assert len(store.deleted) == 2
    assert waiting(engine) == []
    assert purge.purge_removed(store, clock=clock) == 0


def test_the_note_stays_while_the_log_holds_records_of_that_time(engine, deleted):
    store, clock = Store(), FixedClock(datetime.now(UTC) + purge.SETTLED_AFTER * 2)
    folder = get_settings().data_dir / "wal" / "0"
    folder.mkdir(parents=True)
    segment = folder / f"1{SUFFIX}"
    segment.write_bytes(b"")
    assert purge.purge_removed(store, clock=clock) == 0
    segment.unlink()
    assert purge.purge_removed(store, clock=clock) == 1
    assert len(store.deleted) == 2


def test_a_store_that_is_down_is_noted_and_tried_again(engine, deleted):
    store, clock = Store(), FixedClock(datetime.now(UTC) + purge.SETTLED_AFTER * 2)
    store.is_down = True
    assert purge.purge_removed(store, clock=clock) == 0
    row = waiting(engine)[0]
    assert (row.last_error, row.attempted_at) == ("the event store does not answer", clock.now())
    store.is_down = False
    assert purge.purge_removed(store, clock=clock) == 1


def test_no_store_at_all_is_noted_too(engine, deleted):
    set_event_store(None)
    assert purge.purge_removed() == 0  # nothing runs on the temporary data folder
    assert "No running instance" in waiting(engine)[0].last_error


def test_a_refused_deletion_leaves_no_note(engine):
    with session_scope(engine) as session:
        project = make_project(session, slug="shop")
    with pytest.raises(ZeroDivisionError), session_scope(engine) as session:
        service.delete_project(session, make_actor(session, UserRole.OWNER), project.slug)
        raise ZeroDivisionError
    assert waiting(engine) == []
    with session_scope(engine, write=False) as session:
        assert session.exec(select(Project)).one().slug == "shop"


def test_deleting_a_project_leaves_no_row_of_it_in_any_table(engine):
    with session_scope(engine) as session:
        kept, project = make_project(session), make_project(session)
        for each in (kept, project):
            make_event(session, make_event_type(session, each))
            config = make_scan_config(session, each)
            make_scan_job(session, config)
            make_anomaly(session, config, bucket=datetime.now(UTC))
            make_ingest_key(session, each)
            make_api_key(session, make_user(session), project=each)
        owner = make_actor(session, UserRole.OWNER)
    with session_scope(engine) as session:
        service.delete_project(session, owner, project.slug)
    with session_scope(engine, write=False) as session:
        for table in SQLModel.metadata.sorted_tables:
            if "project_id" not in table.columns or table.name == ProjectRemoval.__tablename__:
                continue
            left = session.execute(sa.select(sa.func.count()).where(table.c.project_id == project.id)).scalar_one()
            assert left == 0, table.name
        assert session.exec(select(Project)).one().id == kept.id
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "project.delete")).one()


def test_every_reference_to_a_project_goes_with_it():
    for table in SQLModel.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == "projects":
                assert key.ondelete == "CASCADE", f"{table.name}.{key.parent.name}"
            else:
                assert key.ondelete in ("CASCADE", "SET NULL"), f"{table.name}.{key.parent.name}"
