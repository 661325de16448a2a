"""`last_used_at` is noted by readers too, at most once a minute, and never by waiting for somebody else."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlmodel import select

from app.identity import service
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from models.identity import ApiKey, IngestKey, User
from tests.factories import make_api_key, make_ingest_key, make_project, make_user


def last_used(engine, table=ApiKey):
    with session_scope(engine, write=False) as session:
        return session.exec(select(table)).one().last_used_at


def call(engine, token, now, *, write=False, fails=False):
    try:
        with session_scope(engine, write=write) as session:
            actor = service.resolve_caller(session, authorization=f"Bearer {token}", cookie=None, project_slug=None, now=now)
            if write:
                user = session.get_one(User, actor.user_id)
                user.name = "written"
                session.flush()
            if fails:
                raise LookupError
    except LookupError:
        pass


def a_key(engine):
    with session_scope(engine) as session:
        return make_api_key(session, make_user(session))[1]


def test_a_reading_request_notes_the_use(engine, clock):
    token = a_key(engine)
    assert last_used(engine) is None
    call(engine, token, clock.now())
    assert last_used(engine) == clock.now()


def test_a_writing_request_and_a_failing_one_note_it_too(engine, clock):
    token = a_key(engine)
    call(engine, token, clock.now(), write=True)
    assert last_used(engine) == clock.now()
    clock.advance(timedelta(minutes=2))
    call(engine, token, clock.now(), write=True, fails=True)
    assert last_used(engine) == clock.now()


def test_uses_within_a_minute_are_one(engine, clock):
    token = a_key(engine)
    first = clock.now()
    call(engine, token, first)
    clock.advance(timedelta(seconds=59))
    call(engine, token, clock.now())
    assert last_used(engine) == first
    clock.advance(timedelta(seconds=1))
    call(engine, token, clock.now())
    assert last_used(engine) == clock.now()


def test_a_refused_key_is_not_used(engine, clock):
    with session_scope(engine) as session:
        _, token = make_api_key(session, make_user(session), expires_at=clock.now())
    try:
        call(engine, token, clock.now())
    except service_errors():
        pass
    assert last_used(engine) is None


def service_errors():
    from app.kernel.errors import Unauthorized

    return Unauthorized


def test_a_busy_writer_delays_no_reader_and_the_use_is_noted_by_the_next_request(engine, clock):
    token = a_key(engine)
    with session_scope(engine) as writer:
        user = writer.exec(select(User)).one()
        user.name = "busy"
        key = writer.exec(select(ApiKey)).one()
        key.name = "held"
        writer.flush()
        started = time.monotonic()
        call(engine, token, clock.now())
        assert time.monotonic() - started < 20
    assert last_used(engine) is None
    call(engine, token, clock.now())
    assert last_used(engine) == clock.now()


def test_the_connection_waits_for_writers_again_afterwards(engine, clock):
    call(engine, a_key(engine), clock.now())
    if engine.dialect.name == "sqlite":
        with session_scope(engine) as session:
            assert session.connection().exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30_000


def test_an_ingest_key_notes_its_use_as_well(engine, clock):
    with session_scope(engine) as session:
        _, token = make_ingest_key(session, make_project(session))
    with session_scope(engine, write=False) as session:
        service.ingest_principal_for(session, token, clock.now())
    assert last_used(engine, IngestKey) == clock.now()


def test_a_request_over_http_notes_the_use(client, engine):
    token = a_key(engine)
    before = SYSTEM_CLOCK.now()
    assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert before <= last_used(engine) <= SYSTEM_CLOCK.now()
