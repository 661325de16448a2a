"""The index after any change of the plan is what a rebuilding would write."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.assistant import repository, shelf
from app.kernel.database import session_scope
from models.assistant import SearchDocument
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import EventFieldValue, EventMetaValue, EventTag, FieldDefinition, MetaField, Relation, Variable
from tests.api.plan.workbench import make_world


def contents(session, branch_id):
    rows = session.execute(sa.select(SearchDocument).where(SearchDocument.branch_id == branch_id)).scalars()
    # Which of a tag's rows stands for it may differ.
    return sorted(
        (row.entity_type, row.entity_id if row.entity_type != "tag" else "", row.parent_id or "", row.title,
         " ".join(sorted(row.keywords.split())), row.description, " ".join(sorted(row.body.split())), row.is_archived)
        for row in rows
    )  # fmt: skip


CHANGES = {
    "rename": lambda s, w: s.execute(sa.update(Event).where(Event.id == w.event_id).values(name="renamed", source_name="src")),
    "archive": lambda s, w: s.execute(sa.update(Event).where(Event.id == w.event_id).values(status="archived")),
    "type renamed": lambda s, w: s.execute(sa.update(EventType).where(EventType.id == w.event_type_id).values(display_name="X")),
    "field labelled": lambda s, w: s.execute(
        sa.update(FieldDefinition).where(FieldDefinition.id == w.field_id).values(sensitivity="pii", name="card")
    ),
    "meta field labelled": lambda s, w: s.execute(
        sa.update(MetaField).where(MetaField.id == w.meta_field_id).values(sensitivity="pii")
    ),
    "values changed": lambda s, w: [s.execute(sa.update(t).values(value="other")) for t in (EventFieldValue, EventMetaValue)],
    "tags added": lambda s, w: s.execute(
        sa.insert(EventTag), [{"event_id": w.other_event_id, "name": name} for name in ("checkout", "fresh")]
    ),
    "tag's first event deleted": lambda s, w: [
        s.execute(sa.insert(EventTag), [{"event_id": w.other_event_id, "name": "checkout"}]),
        s.execute(sa.delete(Event).where(Event.id == w.event_id)),
    ],
    "last tag deleted": lambda s, w: s.execute(sa.delete(EventTag).where(EventTag.event_id == w.event_id)),
    "event deleted": lambda s, w: s.execute(sa.delete(Event).where(Event.id == w.event_id)),
    "type deleted": lambda s, w: s.execute(sa.delete(EventType).where(EventType.id == w.event_type_id)),
    "field deleted": lambda s, w: s.execute(sa.delete(FieldDefinition).where(FieldDefinition.id == w.field_id)),
    "relation deleted": lambda s, w: s.execute(sa.delete(Relation).where(Relation.id == w.relation_id)),
    "variable changed": lambda s, w: s.execute(sa.update(Variable).where(Variable.id == w.variable_id).values(description="d")),
    "branch deleted": lambda s, w: s.execute(sa.delete(PlanBranch).where(PlanBranch.id == w.branch_id)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_triggers_and_memory_follow_the_change(engine, change):
    with session_scope(engine) as session:
        world = make_world(session)
        place = shelf.shelved(world.branch_id)
        shelf.refresh(session, world.branch_id, place)
        assert len(place.index) >= 8
    with session_scope(engine) as session:
        CHANGES[change](session, world)
    with session_scope(engine) as session:
        kept = contents(session, world.branch_id)
        shelf.refresh(session, world.branch_id, place)
        assert len(place.index) == len(kept)
        repository.rebuild(session, world.branch_id)
        assert contents(session, world.branch_id) == kept
