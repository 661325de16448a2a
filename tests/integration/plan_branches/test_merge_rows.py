"""What a merge leaves in main's rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.errors import Conflict
from app.plan.branching import service
from app.plan.branching.payload import payload_of, snapshot_from
from app.plan.branching.rows import load_snapshot
from app.plan.diff import diff
from app.plan.merge import apply_merge, merge
from app.plan.snapshot import COMPARED, QUIET, EntityType, Snapshot
from models.attachments import EventPhoto, EventPhotoComment
from models.branches import PlanRevision
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import EventChange, EventFieldValue, FieldDefinition, Variable
from tests.factories import make_actor
from tests.integration.plan_branches.plans import (
    add_event,
    add_event_type,
    change_branch,
    contents,
    make_plan,
    meta_id,
    named,
)


def facts(plan: Snapshot) -> dict[object, object]:
    """Everything a plan says, without ids."""
    return {
        key: {name: entity.attributes.get(name) for name in (*COMPARED[entity.type], *QUIET[entity.type])}
        for key, entity in plan.by_key.items()
    }


@pytest.fixture
def plan(engine):
    with session_scope(engine) as session:
        return make_plan(session)


def test_a_branch_says_what_main_says_under_other_ids(engine, plan):
    with session_scope(engine) as session:
        main, branch = load_snapshot(session, plan.main_id), load_snapshot(session, plan.branch_id)
        assert facts(main) == facts(branch)
        assert {entity.id for entity in main.entities}.isdisjoint(entity.id for entity in branch.entities)
        origins = {entity.origin_id for entity in branch.entities if entity.type in (EntityType.EVENT, EntityType.VARIABLE)}
        assert origins == {entity.id for entity in main.entities if entity.type in (EntityType.EVENT, EntityType.VARIABLE)}
        photos = session.exec(select(EventPhoto).order_by(EventPhoto.id)).all()
        assert [photo.origin_id for photo in photos] == [None, photos[0].id]
        comments = session.exec(select(EventPhotoComment).where(EventPhotoComment.photo_id == photos[1].id)).all()
        by_body = {comment.body: comment for comment in comments}
        assert by_body["two"].parent_id == by_body["one"].id


def test_a_revision_gives_back_the_very_plan_it_was_made_of(engine, plan):
    with session_scope(engine) as session:
        named(session, Event, plan.main_id, "paid").sunset_at = session.get_one(PlanBranch, plan.main_id).created_at
        session.flush()
        main = load_snapshot(session, plan.main_id)
        made = service.create_revision(session, SYSTEM_ACTOR, plan.slug)
        revision_id = made.summary.id
    with session_scope(engine) as session:
        stored = session.get_one(PlanRevision, revision_id).payload
        assert stored == payload_of(main)
        assert facts(snapshot_from(stored)) == facts(main)
        assert diff(snapshot_from(stored), load_snapshot(session, plan.main_id)) == []


def test_a_merge_writes_what_the_pure_merge_says_and_keeps_the_ids_of_main(engine, plan):
    with session_scope(engine) as session:
        change_branch(session, plan)
    with session_scope(engine) as session:
        ours, theirs = load_snapshot(session, plan.main_id), load_snapshot(session, plan.branch_id)
        wanted = apply_merge(ours, merge(ours, ours, theirs))
        assert facts(wanted) == facts(theirs), "main stood still"
        actor = make_actor(session)
        service.merge_branch(session, actor, plan.slug, plan.branch_id)
    with session_scope(engine) as session:
        after = load_snapshot(session, plan.main_id)
        assert facts(after) == facts(theirs)
        for key, entity in after.by_key.items():
            before = ours.by_key.get(key)
            assert before is None or entity.id == before.id
        renamed = after.get(EntityType.EVENT, ("shop", "order_paid"))
        assert renamed.id == ours.get(EntityType.EVENT, ("shop", "paid")).id
        stage = after.get(EntityType.VARIABLE, ("stage",))
        assert stage.id == ours.get(EntityType.VARIABLE, ("step",)).id
        assert after.get(EntityType.EVENT, ("cart", "filled")).id != theirs.get(EntityType.EVENT, ("cart", "filled")).id
        authored = session.exec(
            select(EventFieldValue.value, EventFieldValue.is_authored).where(EventFieldValue.event_id == renamed.id)
        ).all()
        assert dict(authored) == {"${stage}": True, "1": True, "EUR": False}
        changes = session.exec(select(EventChange).where(EventChange.event_id == renamed.id)).all()
        assert {(change.field_name, change.old_value, change.new_value) for change in changes} == {
            ("name", "paid", "order_paid"), ("status", "draft", "live"), ("tags", "money, web", "app, money"),
            ("field:step", "${step}", "${stage}"), ("field:currency", None, "EUR"), ("meta:launch", None, "2026-12-01"),
        }  # fmt: skip
        assert {change.user_id for change in changes} == {actor.user_id}
        newest = session.exec(select(PlanRevision).order_by(PlanRevision.created_at.desc())).first()
        assert facts(snapshot_from(newest.payload)) == facts(after)
        assert facts(load_snapshot(session, plan.branch_id)) == facts(theirs), "the branch stays as it was"


def test_photos_added_on_the_branch_come_to_main_behind_the_others(engine, plan):
    with session_scope(engine) as session:
        change_branch(session, plan)
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    with session_scope(engine) as session:
        for name, wanted in (("order_paid", ["a.png", "b.png"]), ("filled", ["b.png"])):
            event = named(session, Event, plan.main_id, name)
            photos = session.exec(select(EventPhoto).where(EventPhoto.event_id == event.id).order_by(EventPhoto.sort_order)).all()
            assert [photo.original_filename for photo in photos] == wanted
            assert [photo.sort_order for photo in photos] == list(range(len(wanted)))
            assert {photo.origin_id for photo in photos} == {None}
            comments = session.exec(select(EventPhotoComment.body).where(EventPhotoComment.photo_id == photos[-1].id)).all()
            assert comments == ["on the branch"]


def test_edits_of_main_meanwhile_stay(engine, plan):
    with session_scope(engine) as session:
        change_branch(session, plan)
        main = session.get_one(PlanBranch, plan.main_id)
        viewed = named(session, Event, main.id, "viewed")
        viewed.description, viewed.owner_id = "Seen", None
        # A scan finds the event that the branch renames, and one of its own.
        named(session, Event, main.id, "paid").order = 40
        add_event(session, named(session, EventType, main.id, "page"), "closed", source_name="closed")
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    with session_scope(engine) as session:
        after = load_snapshot(session, plan.main_id)
        assert after.get(EntityType.EVENT, ("page", "viewed")).attributes["description"] == "Seen"
        assert after.get(EntityType.EVENT, ("page", "closed")) is not None
        assert after.get(EntityType.EVENT, ("shop", "order_paid")).attributes["order"] == 40


def test_a_field_removed_on_main_takes_its_values_along_without_a_conflict(engine, plan):
    with session_scope(engine) as session:
        named(session, Event, plan.branch_id, "paid").description = "Money came in"
        shop = named(session, EventType, plan.main_id, "shop")
        coupon = session.exec(
            select(FieldDefinition).where(FieldDefinition.event_type_id == shop.id, FieldDefinition.name == "coupon")
        ).one()
        session.delete(coupon)
        session.flush()
        session.expire_all()
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    with session_scope(engine) as session:
        paid = load_snapshot(session, plan.main_id).get(EntityType.EVENT, ("shop", "paid"))
        assert paid.attributes["description"] == "Money came in"
        assert paid.attributes["field_values"] == {"step": "${step}", "sum": "1"}


def test_two_events_never_end_up_with_one_identity(engine, plan):
    with session_scope(engine) as session:
        add_event(session, named(session, EventType, plan.branch_id, "page"), "on_branch", source_name="clicked")
        add_event(session, named(session, EventType, plan.main_id, "page"), "on_main", source_name="clicked")
    with session_scope(engine) as session, pytest.raises(Conflict) as caught:
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    assert caught.value.detail == {"conflicts": [{"entity_type": "event", "name": "page.on_branch"}]}


def test_events_may_swap_the_names_that_scans_know_them_by(engine, plan):
    with session_scope(engine) as session:
        paid, sent = (named(session, Event, plan.branch_id, name) for name in ("paid", "sent"))
        paid.source_name = None
        session.flush()
        sent.source_name = "paid"
        session.flush()
        paid.source_name = "sent"
        session.flush()
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    with session_scope(engine) as session:
        assert named(session, Event, plan.main_id, "paid").source_name == "sent"
        assert named(session, Event, plan.main_id, "sent").source_name == "paid"


def test_an_event_type_that_vanished_and_came_back_is_the_same_one(engine, plan):
    with session_scope(engine) as session:
        branch = session.get_one(PlanBranch, plan.branch_id)
        session.delete(named(session, EventType, branch.id, "page"))
        session.flush()
        session.expire_all()
        page = add_event_type(session, branch, "page", "url")
        add_event(session, page, "viewed", source_name="viewed", order=3, values={"url": "/"})
        before = load_snapshot(session, plan.main_id)
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    with session_scope(engine) as session:
        after = load_snapshot(session, plan.main_id)
        for key in (
            (EntityType.EVENT_TYPE, ("page",)),
            (EntityType.EVENT, ("page", "viewed")),
            (EntityType.FIELD, ("page", "url")),
        ):
            assert after.by_key[key].id == before.by_key[key].id


def test_a_branch_whose_base_is_gone_asks_about_every_difference(engine, plan):
    with session_scope(engine) as session:
        named(session, Event, plan.branch_id, "paid").description = "x"
        session.execute(sa.update(PlanBranch).values(base_revision_id=None))
        session.expire_all()
        with pytest.raises(Conflict):
            service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)


def test_an_unchanged_branch_changes_no_row_of_main(engine, plan):
    with session_scope(engine) as session:
        before = contents(session)
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
        after = contents(session)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"plan_branches", "plan_revisions", "audit_entries"}


def test_a_variable_renamed_on_both_sides_alike_merges(engine, plan):
    with session_scope(engine) as session:
        for branch_id in (plan.main_id, plan.branch_id):
            named(session, Variable, branch_id, "step").name = "stage"
        service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
        assert meta_id(session, plan.main_id, "ticket")
        names = session.exec(select(Variable.name).where(Variable.branch_id == plan.main_id).order_by(Variable.name)).all()
        assert names == ["old_variable", "stage"]


def test_ids_of_the_outcome_are_those_of_the_rows(engine, plan):
    with session_scope(engine) as session:
        main = load_snapshot(session, plan.main_id)
        assert merge(main, main, main).updates == ()
        swapped = Snapshot.of(replace(entity, id="x") for entity in main.entities)
        assert merge(main, main, swapped).updates == ()
