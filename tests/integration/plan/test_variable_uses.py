"""Which events use a variable, counted in two queries however large the plan is."""

from __future__ import annotations

import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.plan import service as plan
from models.plan_entities import EventFieldValue, EventMetaValue, FieldDefinition, MetaField
from tests.factories import main_branch, make_event, make_event_type, make_project


def test_each_event_counts_once_for_a_variable_whatever_holds_it(engine):
    with session_scope(engine) as session:
        project = make_project(session)
        kind = make_event_type(session, project)
        field = FieldDefinition(event_type_id=kind.id, name="path", display_name="Path", field_type="string")
        meta = MetaField(
            project_id=project.id, branch_id=main_branch(session, project).id, name="doc", display_name="Doc", field_type="string"
        )
        session.add_all([field, meta])
        session.flush()
        for number in range(3):
            event = make_event(session, kind, name=f"e{number}")
            value = "/${user_id}/${page}" if number else "plain $ {user_id}"
            session.add(EventFieldValue(event_id=event.id, field_definition_id=field.id, value=value))
            session.add(EventMetaValue(event_id=event.id, meta_field_id=meta.id, value="${user_id}" if number == 1 else "none"))
        other = make_project(session)
        elsewhere = make_event(session, make_event_type(session, other), name="x")
        session.add(EventMetaValue(event_id=elsewhere.id, meta_field_id=meta.id, value="${user_id}"))
        slug = project.slug
    statements = []
    sa.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with session_scope(engine, write=False) as session:
        assert plan.variable_uses(session, SYSTEM_ACTOR, slug) == {"user_id": 2, "page": 2}
    assert len([text for text in statements if "_values" in text]) == 2
