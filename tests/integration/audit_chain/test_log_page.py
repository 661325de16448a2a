"""The page of the own audit log and the download, against a sealed project."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.audit_chain import file_verification, service
from app.audit_chain.pages.log_view import Query, log_view, note_look, verify_view
from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden
from models.audit_chain import AuditCheckpoint
from models.identity import AuditEntry
from tests.factories import make_actor
from tests.integration.audit_chain.conftest import NOW, note, seal, send

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def sealed(watched):
    send(watched.bucket, 3)
    note(slug=watched.slug, name="Order placed", before=1)
    note("settings.update")
    seal()
    return watched


EVERYTHING = Query()


def view(query=EVERYTHING, role=UserRole.OWNER):
    with session_scope() as session:
        return log_view(session, make_actor(session, role), query, ZONE)


def test_entries_are_listed_with_what_narrows_them(sealed):
    shown = view()
    assert [row.action for row in shown.rows] == ["settings.update", "event.update"]
    assert (shown.rows[1].target, shown.rows[1].project) == ("event Order placed", sealed.slug)
    assert '"before": 1' in shown.rows[1].payload
    assert [row.action for row in view(Query(project=sealed.slug)).rows] == ["event.update"]
    assert [row.action for row in view(Query(project="instance")).rows] == ["settings.update"]
    assert view(Query(action="nothing", days="")).rows == []
    assert view(Query(project=sealed.slug)).export_href.endswith(f"?project_slug={sealed.slug}")


def test_a_page_beyond_the_end_is_the_last_one_and_all_time_is_a_choice_of_its_own(sealed):
    shown = view(Query(page=99, days="all"))
    assert (shown.page, shown.first, shown.last, shown.total) == (1, 1, 2, 2)


def test_the_seal_says_how_far_it_reaches(sealed):
    assert (view().seal.sealed, view().seal.unsealed) == ("5", "0")
    note()
    assert view().seal.unsealed == "1"


def test_what_waits_longer_than_the_job_needs_is_a_warning(sealed):
    note("settings.reset")
    seal_now, waiting = view().seal, view().rows[0]
    assert (seal_now.unsealed_tone, seal_now.unsealed_note) == ("neutral", "sealed within a minute or so")
    assert waiting.seal_tone == "unknown"
    earlier = SYSTEM_CLOCK.now() - service.LATE_AFTER - timedelta(minutes=1)
    with session_scope() as session:
        session.execute(update(AuditEntry).where(col(AuditEntry.action) == "settings.reset").values(created_at=earlier))
    seal_now = view().seal
    waiting = next(row for row in view().rows if row.action == "settings.reset")
    assert seal_now.unsealed_tone == "warn"
    assert seal_now.unsealed_note.startswith("sealing is behind: the oldest waits since ")
    assert (waiting.seal, waiting.seal_tone, waiting.seal_note) == ("waiting", "warn", "longer than usual")


def test_each_entry_shows_whether_it_is_sealed(sealed):
    note("settings.reset")
    waiting, *others = view().rows
    assert (waiting.action, waiting.seal, waiting.seal_note) == ("settings.reset", "waiting", "")
    assert [(row.action, row.seal, row.seal_tone) for row in others] == [
        ("settings.update", "sealed", "ok"),
        ("event.update", "sealed", "ok"),
    ]
    assert others[0].seal_note.startswith("entry 1, signed 25 Nov, ")
    with session_scope() as session:
        session.execute(AuditCheckpoint.__table__.delete())
    assert {row.seal for row in view().rows[1:]} == {"chained"}
    assert view().rows[1].seal_note == "entry 1, not signed yet"


@pytest.mark.parametrize("role", [UserRole.EDITOR, UserRole.VIEWER])
def test_it_is_the_owners(sealed, role):
    with pytest.raises(Forbidden):
        view(role=role)
    with session_scope() as session, pytest.raises(Forbidden):
        note_look(session, make_actor(session, role), Query())


def test_a_look_is_noted_and_shown_when_asked_for(sealed):
    with session_scope() as session:
        note_look(session, SYSTEM_ACTOR, Query(person="ana"))
    assert len(view().rows) == 2
    assert [row.action for row in view(Query(reads="1")).rows] == ["audit.read", "settings.update", "event.update"]


def test_a_verification_tells_its_progress_and_outcome(sealed):
    def outcome():
        with session_scope(write=False) as session:
            progress = service.begin(session, SYSTEM_ACTOR)
            seen = [verify_view(progress)]
            while not progress.is_done:
                progress = service.step(session, SYSTEM_ACTOR, progress, NOW, part=2)
                seen.append(verify_view(progress))
            return seen

    seen = outcome()
    assert [one.percent for one in seen] == sorted(one.percent for one in seen)
    assert (seen[-1].outcome, seen[-1].percent) == ("ok", 100)
    assert seen[-1].message == "Intact: 5 records in 2 chains, 2 signed checkpoints confirmed."
    with session_scope() as session:
        session.execute(AuditEntry.__table__.update().where(AuditEntry.action == "event.update").values(actor_email="x"))
    bad = outcome()[-1]
    assert bad.outcome == "bad"
    assert bad.message.startswith("Tampered with: edited at entry 1 of the chain")


def test_the_download_verifies_and_is_the_owners(sealed, client, member):
    answer = client.get("/api/v1/audit/export", headers=member(UserRole.OWNER).headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    report = file_verification.verify(answer.content.splitlines(keepends=True))
    assert report.is_intact and report.count.entries == 5
    one = client.get("/api/v1/audit/export", params={"project_slug": sealed.slug}, headers=member(UserRole.OWNER).headers)
    assert json.loads(one.content.splitlines()[0])["project"] == sealed.slug
    assert client.get("/api/v1/audit/export").status_code == 401
    assert client.get("/api/v1/audit/export", headers=member(UserRole.EDITOR).headers).status_code == 403
    missing = client.get("/api/v1/audit/export", params={"project_slug": "nowhere"}, headers=member(UserRole.OWNER).headers)
    assert missing.status_code == 404
