"""A project whose plan has one of everything, and callers of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.plan.service import main_branch_id
from models.attachments import ChartAnnotation
from models.plan import Event, EventType, PlanBranch
from models.plan_drifts import SchemaDrift
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
from models.projects import Project
from tests.factories import make_api_key, make_event, make_event_type, make_project, make_user

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Ids of one of everything in a project."""

    slug: str
    project_id: str
    branch_id: str
    event_type_id: str
    field_id: str
    other_field_id: str
    event_id: str
    other_event_id: str
    meta_field_id: str
    variable_id: str
    relation_id: str
    owner_id: str
    annotation_id: str
    drift_id: str
    user_id: str

    @property
    def base(self) -> str:
        """Where the project's routes begin."""
        return f"/api/v1/projects/{self.slug}"


def make_world(session: Session, *, branch: str | None = None, project: Project | None = None) -> World:
    """A project with one of everything, on main or on a working branch of that name."""
    project = project or make_project(session)
    branch_id = main_branch_id(session, project.id)
    if branch is not None:
        working = PlanBranch(project_id=project.id, name=branch, kind="working", status="draft")
        session.add(working)
        session.flush()
        branch_id = working.id
    user = make_user(session)
    row = session.get_one(PlanBranch, branch_id)
    event_type: EventType = make_event_type(session, project, name="shop", branch=row)
    event: Event = make_event(session, event_type, name="order_paid", last_seen_at=AT)
    other: Event = make_event(session, event_type, name="order_sent")
    event.order, other.order = 0, 1
    field = FieldDefinition(event_type_id=event_type.id, name="step", display_name="Step", field_type="string", order=0)
    other_field = FieldDefinition(event_type_id=event_type.id, name="sum", display_name="Sum", field_type="number", order=1)
    meta = MetaField(project_id=project.id, branch_id=branch_id, name="ticket", display_name="Ticket", field_type="string")
    variable = Variable(project_id=project.id, branch_id=branch_id, name="step_name", source_name="payload.step")
    relation = Relation(
        project_id=project.id, branch_id=branch_id, source_event_type_id=event_type.id, target_event_type_id=event_type.id,
        source_field_id=field.id, target_field_id=other_field.id,
    )  # fmt: skip
    owner = EventTypeOwner(event_type_id=event_type.id, user_id=user.id, granted_by=user.id)
    annotation = ChartAnnotation(project_id=project.id, bucket=AT, label="Release 1", created_by_user_id=user.id)
    drift = SchemaDrift(
        event_type_id=event_type.id, field_name="coupon", drift_type="new_field", observed_type="String", sample_value="WINTER",
        detected_at=SYSTEM_CLOCK.now(),
    )  # fmt: skip
    session.add_all([field, other_field, meta, variable, annotation, drift])
    session.flush()
    session.add_all([relation, owner])
    session.add_all(
        [
            EventFieldValue(event_id=event.id, field_definition_id=field.id, value="${step_name}"),
            EventMetaValue(event_id=event.id, meta_field_id=meta.id, value="SHOP-1"),
            EventTag(event_id=event.id, name="checkout"),
            EventChange(event_id=event.id, user_id=user.id, field_name="status", old_value="draft", new_value="in_review"),
            VariableContext(
                variable_id=variable.id, event_id=event.id, field_definition_id=field.id, source_column="payload.step",
                value_kind="low", observed_count=2, values=["cart", "payment"],
            ),
        ]
    )  # fmt: skip
    session.flush()
    return World(
        slug=project.slug, project_id=project.id, branch_id=branch_id, event_type_id=event_type.id, field_id=field.id,
        other_field_id=other_field.id, event_id=event.id, other_event_id=other.id, meta_field_id=meta.id,
        variable_id=variable.id, relation_id=relation.id, owner_id=owner.id, annotation_id=annotation.id,
        drift_id=drift.id, user_id=user.id,
    )  # fmt: skip


def key_headers(engine: Any, *, role: UserRole, scope: ApiKeyScope, project_id: str | None = None) -> dict[str, str]:
    """Headers of a key of a new member."""
    with session_scope(engine) as session:
        project = session.get_one(Project, project_id) if project_id else None
        _, token = make_api_key(session, make_user(session, role=role), scope=scope, project=project)
    return {"Authorization": f"Bearer {token}"}


Headers = Callable[[str], dict[str, str]]
