"""What people write and what scans find meet in one plan (contract 2.1 to 2.3)."""

from __future__ import annotations

from datetime import UTC, datetime

from app.kernel.database import session_scope
from app.plan import service as plan
from app.plan.contracts import EventStatus, ObservedEvent
from app.plan.drafts import BulkChanges, EventDraft
from models.plan_entities import EventFieldValue
from tests.api.plan.workbench import make_world
from tests.factories import make_actor

AT = datetime(2026, 11, 25, 8, tzinfo=UTC)


def test_a_scan_adopts_a_hand_made_event_and_keeps_what_people_set(engine):
    with session_scope(engine) as session:
        world, actor = make_world(session), make_actor(session)
        draft = EventDraft(event_type_id=world.event_type_id, name="signed_up", status=EventStatus.LIVE, description="Ours")
        made = plan.create_event(session, actor, world.slug, draft)
    with session_scope(engine) as session:
        result = plan.sync_observed_events(session, world.project_id, [ObservedEvent("shop", "signed_up", 3, AT)])
        assert (result.created, result.event_ids["shop", "signed_up"]) == (0, (world.event_type_id, made.id))
    with session_scope(engine) as session:
        adopted = plan.get_event_detail(session, actor, world.slug, made.id)
        assert (adopted.source_name, adopted.status, adopted.description) == ("signed_up", EventStatus.LIVE, "Ours")
        plan.update_event(session, actor, world.slug, made.id, {"name": "Signed up"})
    with session_scope(engine) as session:
        result = plan.sync_observed_events(session, world.project_id, [ObservedEvent("shop", "signed_up", 3, AT)])
        assert (result.created, result.event_ids["shop", "signed_up"][1]) == (0, made.id)
        assert plan.get_event_detail(session, actor, world.slug, made.id).name == "Signed up"


def test_a_value_is_authored_once_a_person_changed_it(engine):
    with session_scope(engine) as session:
        world, actor = make_world(session), make_actor(session)
        found = EventFieldValue(event_id=world.event_id, field_definition_id=world.other_field_id, value="1", is_authored=False)
        session.add(found)
    for value, is_authored in (("1", False), ("2", True), ("2", True)):
        with session_scope(engine) as session:
            plan.update_event(session, actor, world.slug, world.event_id, {"field_values": [(world.other_field_id, value)]})
        with session_scope(engine) as session:
            assert session.get_one(EventFieldValue, found.id).is_authored is is_authored


def test_one_session_reads_back_what_it_just_wrote(engine):
    with session_scope(engine) as session:
        world, actor = make_world(session), make_actor(session)
        plan.bulk_update_events(session, actor, world.slug, [world.event_id], BulkChanges(status=EventStatus.ARCHIVED))
        assert plan.get_event_detail(session, actor, world.slug, world.event_id).status is EventStatus.ARCHIVED
        plan.reorder_events(session, actor, world.slug, [world.other_event_id, world.event_id])
        assert [event.id for event in plan.list_event_details(session, actor, world.slug).items] == [
            world.other_event_id,
            world.event_id,
        ]
        plan.bulk_delete_events(session, actor, world.slug, [world.event_id])
        assert plan.list_event_details(session, actor, world.slug).total == 1
