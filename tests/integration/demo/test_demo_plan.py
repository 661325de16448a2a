"""The plan of the demo project, with an event store that forgets and a scan that finds nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel

from app.demo import plan_story as told
from app.demo import service as demo
from app.demo.plan_builder import PlanBuilder
from app.demo.service import DemoTools
from app.demo.story import EVENTS
from app.eventstore.service import set_event_store
from app.identity.contracts import SYSTEM_ACTOR, Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK, FixedClock
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.plan import service as plan
from app.plan.branching import service as branching
from app.plan.branching.readiness import branch_readiness
from app.plan.branching.views import BranchView
from app.plan.photos import service as photos
from app.projects import service as projects
from app.projects.contracts import GenerationStatus
from app.scans import service as scans
from jobs import cleanup
from jobs.leadership import Leadership
from models.attachments import ChartAnnotation, EventPhoto, EventPhotoComment
from models.branches import BranchApproval, BranchComment, BranchReviewer, PlanRevision
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import (
    EventChange,
    EventFieldValue,
    EventMetaValue,
    EventTag,
    EventTypeOwner,
    FieldDefinition,
    MetaField,
    Relation,
    Variable,
    VariableContext,
)
from models.scans import ScanJob
from tests import factories

FILLED: tuple[type[SQLModel], ...] = (
    ChartAnnotation, EventPhoto, EventPhotoComment, BranchApproval, BranchComment, BranchReviewer, PlanRevision, Event, EventType,
    EventChange, EventFieldValue, EventMetaValue, EventTag, EventTypeOwner, FieldDefinition, MetaField, Relation, Variable,
    VariableContext,
)  # fmt: skip


class ForgetfulStore:
    def recent(self, *_arguments: object, **_options: object) -> list[int]:
        return []

    def delete_project(self, tenant_id: str, project_id: str) -> None:
        pass

    def insert_lines(self, table: str, lines: bytes, *, rows: int, token: str) -> None:
        pass


def finish_scan(job_id: str, holder: str) -> None:
    with session_scope() as session:
        session.execute(sa.update(ScanJob).where(sa.column("id") == job_id).values(status="completed"))


@pytest.fixture
def author(engine: Engine) -> Actor:
    with session_scope() as session:
        return factories.make_actor(session, UserRole.EDITOR)


@pytest.fixture(autouse=True)
def few_events(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.demo.service.event_batches", lambda *_: iter(()))
    monkeypatch.setattr("app.demo.surfaces.watch", lambda *_: None)
    monkeypatch.setattr("app.demo.surfaces.score_actors", lambda *_: None)
    yield
    set_event_store(None)


def generate(actor: Actor) -> str:
    with session_scope() as session:
        view = demo.create_demo_project(session, actor)
    assert fill(view.id)
    return view.slug


def fill(project_id: str) -> bool:
    return demo.generate_demo_project(project_id, DemoTools("holder", ForgetfulStore(), run_scan=finish_scan))


def sizes() -> dict[str, int]:
    with session_scope(write=False) as session:
        return {table.__name__: session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in FILLED}


def stored_files() -> list[Path]:
    return [path for path in (get_settings().data_dir / "photos").rglob("*") if path.is_file()]


def branches(actor: Actor, slug: str) -> dict[str, BranchView]:
    with session_scope(write=False) as session:
        return {branch.name: branch for branch in branching.list_branches(session, actor, slug).items}


def test_every_page_of_the_plan_has_something_to_show(author: Actor):
    slug = generate(author)
    assert {name for name, size in sizes().items() if size == 0} == set()
    with session_scope(write=False) as session:
        events = {event.source_name: event for event in plan.list_event_details(session, author, slug).items}
        order = events["order_placed"]
        names = {field.id: field.name for field in plan.list_fields(session, author, slug, order.event_type_id)}
        assert {names[value.field_definition_id]: value.value for value in order.field_values} == told.VALUES["order_placed"]
        assert all(value.variable_values for value in order.field_values)
        assert all(event.tags and len(event.meta_values) == 3 for event in events.values())
        assert order.owner_id == author.user_id
        assert len(plan.list_variables(session, author, slug)) == len(told.VARIABLES)
        assert len(plan.list_relations(session, author, slug)) == 2
        assert [found.label for found in plan.list_annotations(session, author, slug)] == [
            told.RELEASE, told.CAMPAIGN, told.NEWEST_RELEASE,
        ]  # fmt: skip
        assert {change.field for change in plan.get_event_history(session, author, slug, order.id)} == {
            "description", "tags", "status",
        }  # fmt: skip
        pictures = photos.list_photos(session, author, slug, events[told.PICTURED].id)
        assert [picture.original_filename for picture in pictures] == ["checkout-form.png", "checkout-payment.png"]
        picture = photos.read_photo(session, author, slug, events[told.PICTURED].id, pictures[0].id)
        assert picture is not None and picture.data.startswith(b"\x89PNG")


def test_a_branch_under_review_differs_from_main_and_conflicts_with_it(author: Actor):
    slug = generate(author)
    branch = branches(author, slug)[told.WORKING_BRANCH]
    assert branch.status == "ready_for_review"
    with session_scope(write=False) as session:
        detail = branching.get_branch(session, author, slug, branch.id)
        assert [reviewer.user_id for reviewer in detail.reviewers] == [author.user_id]
        first, second = branching.list_comments(session, author, slug, branch.id)
        assert (first.body, second.parent_id) == (told.QUESTION, first.id)
        found = branching.diff_branch(session, author, slug, branch.id)
        assert found.is_behind_base
        assert {(one.entity.type, one.entity.name) for one in found.entries} == {
            ("event", told.EXPRESS_EVENT),
            ("event", "checkout_started"),
            ("event_type", "checkout"),
            ("field_definition", "method"),
        }
        conflicts = branching.branch_conflicts(session, author, slug, branch.id)
        assert conflicts.unresolved_count == 1
        (conflict,) = conflicts.by_event_type["checkout"]
        assert (conflict.attribute, conflict.ours, conflict.theirs) == ("color", told.MAIN_COLOR, told.BRANCH_COLOR)
        assert not branch_readiness(session, author, slug, branch.id).conflicts


def test_the_story_lies_in_the_past_in_its_order(author: Actor):
    slug = generate(author)
    merged = branches(author, slug)[told.MERGED_BRANCH]
    now = SYSTEM_CLOCK.now()
    assert merged.status == "merged" and merged.merged_at is not None
    assert timedelta(days=17) < now - merged.merged_at < timedelta(days=19)
    with session_scope(write=False) as session:
        summaries = [row.summary for row in branching.list_revisions(session, author, slug, limit=20, offset=0).items]
        assert summaries == [
            told.SECOND_REVISION,
            f"Base of branch {told.WORKING_BRANCH}",
            f"Merged branch {told.MERGED_BRANCH}",
            f"Base of branch {told.MERGED_BRANCH}",
            told.FIRST_REVISION,
        ]
        refund = next(event for event in plan.list_events(session, author, slug).items if event.source_name == "refund_issued")
        assert refund.description == told.REFUND_DESCRIPTION
        for table in (Event, EventChange, PlanRevision, BranchComment, EventPhoto):
            latest = session.execute(sa.select(sa.func.max(table.created_at))).scalar_one()
            assert now - latest > timedelta(hours=12), table


def test_two_demo_projects_have_the_same_plan(author: Actor):
    plans = []
    for slug in (generate(author), generate(author)):
        with session_scope(write=False) as session:
            newest = branching.list_revisions(session, author, slug, limit=1, offset=0).items[0]
            plans.append(without_ids(branching.get_revision(session, author, slug, newest.id).payload))
    assert plans[0] == plans[1]


def without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_ids(part) for key, part in value.items() if key != "id" and not key.endswith("_id")}
    return [without_ids(part) for part in value] if isinstance(value, list) else value


def test_filling_again_leaves_one_plan_and_its_pictures(author: Actor):
    slug = generate(author)
    before = sizes()
    with session_scope() as session:
        project_id = demo.reset_demo_project(session, author, slug).id
    assert fill(project_id)
    assert sizes() == before
    assert len(stored_files()) == 4


def test_a_failure_at_the_end_leaves_no_row_and_no_picture(author: Actor, monkeypatch: pytest.MonkeyPatch):
    write_work = PlanBuilder.write_work

    def write_and_fail(self: PlanBuilder, *arguments: object) -> None:
        write_work(self, *arguments)
        raise RuntimeError("late")

    monkeypatch.setattr(PlanBuilder, "write_work", write_and_fail)
    with session_scope() as session:
        view = demo.create_demo_project(session, author)
    assert not fill(view.id)
    assert {name: size for name, size in sizes().items() if size} == {}
    assert stored_files() == []
    with session_scope(write=False) as session:
        assert projects.get_project(session, author, view.slug).generation_status is GenerationStatus.FAILED
        assert session.execute(sa.select(sa.func.count()).select_from(PlanBranch)).scalar_one() == 1


def test_a_deleted_demo_project_leaves_no_row_and_the_cleanup_takes_its_pictures(author: Actor):
    slug = generate(author)
    with session_scope() as session:
        projects.delete_project(session, SYSTEM_ACTOR, slug)
    assert {name: size for name, size in sizes().items() if size} == {}
    assert len(stored_files()) == 4
    set_event_store(ForgetfulStore())
    cleanup.run(Leadership(scans.this_process(), 60, FixedClock(SYSTEM_CLOCK.now() + timedelta(hours=2))))
    assert stored_files() == []


def test_nobody_owns_the_plan_of_a_demo_that_the_system_made(engine: Engine):
    slug = generate(SYSTEM_ACTOR)
    assert branches(SYSTEM_ACTOR, slug)[told.MERGED_BRANCH].status == "merged"
    found = sizes()
    assert (found["EventTypeOwner"], found["BranchReviewer"]) == (0, 0)


def test_fields_and_values_agree_with_the_events():
    assert set(told.VALUES) | {"search_performed"} == set(told.TAGS) == {event.name for event in EVENTS if event.status}
