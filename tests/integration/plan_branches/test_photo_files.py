"""Files and rows of photos agree, whatever fails between them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Conflict, Forbidden, NotFound
from app.kernel.settings import get_settings
from app.plan.branching import service as branching
from app.plan.photos import files, service, uploads
from app.plan.photos.storage import LOCAL, StoredFile
from models.attachments import EventPhoto
from models.plan import Event, PlanBranch
from models.projects import Project
from tests.factories import make_actor
from tests.integration.plan_branches.plans import make_plan, named
from tests.unit.plan_photos.pictures import picture


@pytest.fixture
def plan(engine):
    with session_scope(engine) as session:
        return make_plan(session)


@pytest.fixture
def event_id(engine, plan) -> str:
    with session_scope(engine) as session:
        return named(session, Event, plan.main_id, "sent").id


def upload(plan, event_id, actor=SYSTEM_ACTOR):
    return uploads.upload(actor, plan.slug, event_id, filename="a.png", content_type="image/png", data=picture())


def stored() -> list[Path]:
    return [path for path in (get_settings().data_dir / "photos").rglob("*") if path.is_file()]


def test_an_upload_whose_row_cannot_be_written_leaves_no_file(plan, event_id, monkeypatch):
    def full(*_arguments, **_details):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(service, "add_photo", full)
    with pytest.raises(RuntimeError):
        upload(plan, event_id)
    assert stored() == []


def test_an_upload_whose_second_file_cannot_be_written_leaves_no_first(plan, event_id, monkeypatch):
    put = files.LocalStorage.put

    def fail_on_thumbnail(self, key, data, content_type):
        if "thumbnail" in key:
            raise OSError(28, "No space left on device")
        put(self, key, data, content_type)

    monkeypatch.setattr(files.LocalStorage, "put", fail_on_thumbnail)
    with pytest.raises(OSError, match="No space"):
        upload(plan, event_id)
    assert stored() == []


def test_an_upload_to_a_branch_that_closes_meanwhile_leaves_no_file(engine, plan, monkeypatch):
    with session_scope(engine) as session:
        event_id = named(session, Event, plan.branch_id, "sent").id
    make_safe = uploads.make_safe

    def close_meanwhile(data):
        with session_scope(engine) as session:
            session.get_one(PlanBranch, plan.branch_id).status = "closed"
        return make_safe(data)

    monkeypatch.setattr(uploads, "make_safe", close_meanwhile)
    with pytest.raises(Conflict):
        upload(plan, event_id)
    assert stored() == []


def test_who_may_not_upload_is_told_before_the_picture_is_worked_on(engine, plan, event_id, monkeypatch):
    monkeypatch.setattr(uploads, "make_safe", lambda _: pytest.fail("worked on"))
    from app.identity.contracts import UserRole

    with session_scope(engine) as session:
        viewer = make_actor(session, UserRole.VIEWER)
    with pytest.raises(Forbidden):
        upload(plan, event_id, viewer)
    with pytest.raises(NotFound):
        upload(plan, plan.main_id)


def test_nobody_waits_for_the_database_while_a_picture_is_worked_on(engine, plan, event_id, monkeypatch):
    make_safe = uploads.make_safe

    def write_meanwhile(data):
        with session_scope(engine) as session:  # on SQLite this would wait in vain for the upload's own transaction
            session.add(EventPhoto(event_id=event_id, project_id=plan.project_id, original_filename="b", content_type="x"))
        return make_safe(data)

    monkeypatch.setattr(uploads, "make_safe", write_meanwhile)
    assert upload(plan, event_id).sort_order == 1


def test_a_deletion_that_is_rolled_back_keeps_its_file(engine, plan, event_id):
    photo = upload(plan, event_id)
    with pytest.raises(RuntimeError), session_scope(engine) as session:
        removed = service.delete_photo(session, SYSTEM_ACTOR, plan.slug, event_id, photo.id)
        raise RuntimeError
    assert files.remove_unreferenced(removed) == 0
    assert len(stored()) == 2


def test_the_last_of_several_copies_takes_the_file_along(engine, plan, event_id):
    photo = upload(plan, event_id)
    with session_scope(engine) as session:
        branch = branching.create_branch(session, SYSTEM_ACTOR, plan.slug, "copy")
        copy = session.exec(select(EventPhoto).where(EventPhoto.origin_id == photo.id)).one()
        copy_id, copy_event = copy.id, copy.event_id
    with session_scope(engine) as session:
        removed = service.delete_photo(session, SYSTEM_ACTOR, plan.slug, event_id, photo.id)
    assert files.remove_unreferenced(removed) == 0
    with session_scope(engine, write=False) as session:
        assert service.read_photo(session, SYSTEM_ACTOR, plan.slug, copy_event, copy_id).content_type == "image/png"
    with session_scope(engine) as session:
        removed = branching.delete_branch(session, SYSTEM_ACTOR, plan.slug, branch.id)
    assert files.remove_unreferenced(removed) == 2
    assert stored() == []


def test_a_picture_added_on_a_branch_is_shown_on_main_after_the_merge(engine, plan):
    with session_scope(engine) as session:
        on_branch = named(session, Event, plan.branch_id, "sent").id
    upload(plan, on_branch)
    with session_scope(engine) as session:
        branching.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
        event_id = named(session, Event, plan.main_id, "sent").id
    with session_scope(engine) as session:
        photo = service.list_photos(session, SYSTEM_ACTOR, plan.slug, event_id)[0]
        assert service.read_photo(session, SYSTEM_ACTOR, plan.slug, event_id, photo.id).filename == "a.png"
        removed = branching.delete_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    assert files.remove_unreferenced(removed) == 0
    assert len(stored()) == 2


def test_a_picture_deleted_on_a_branch_is_deleted_on_main_by_the_merge_and_only_then(engine, plan, event_id):
    photo, other = upload(plan, event_id), upload(plan, event_id)
    with session_scope(engine) as session:
        branch = branching.create_branch(session, SYSTEM_ACTOR, plan.slug, "without picture")
        copy = session.exec(select(EventPhoto).where(EventPhoto.origin_id == photo.id)).one()
        copy_id, copy_event = copy.id, copy.event_id
    with session_scope(engine) as session:
        service.delete_photo(session, SYSTEM_ACTOR, plan.slug, copy_event, copy_id)
    later = upload(plan, event_id)
    with session_scope(engine) as session:
        assert [row.id for row in service.list_photos(session, SYSTEM_ACTOR, plan.slug, event_id)] == [photo.id, other.id, later.id]
        row = session.get_one(PlanBranch, branch.id)
        row.status = "approved"
    with session_scope(engine) as session:
        branching.merge_branch(session, SYSTEM_ACTOR, plan.slug, branch.id)
    with session_scope(engine) as session:
        assert [row.id for row in service.list_photos(session, SYSTEM_ACTOR, plan.slug, event_id)] == [other.id, later.id]


def test_a_sweep_takes_what_no_row_names_and_only_when_it_is_old(engine, plan, event_id):
    kept = upload(plan, event_id)
    other = upload(plan, event_id)
    with session_scope(engine) as session:
        session.delete(session.get_one(EventPhoto, other.id))
    assert files.sweep() == 0
    later = SYSTEM_CLOCK.now() + timedelta(hours=2)
    assert files.sweep(later) == 2
    assert {path.name for path in stored()} == {f"{kept.id}.png", f"{kept.id}_thumbnail.webp"}
    with session_scope(engine) as session:
        session.delete(session.get_one(Project, plan.project_id))
    assert files.sweep(later) == 2
    assert stored() == []
    assert files.sweep(later) == 0


def test_a_place_that_does_not_respond_keeps_its_file(plan):
    assert files.remove_unreferenced([StoredFile("gcs", "events/x/y.png")]) == 0
    assert files.chosen_backend() == LOCAL
