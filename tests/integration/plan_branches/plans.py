"""A plan with every sort of row on main, and a branch that adds, changes, renames and removes of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from app.identity.contracts import SYSTEM_ACTOR
from app.plan.branching import service
from models.attachments import EventPhoto, EventPhotoComment
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import (
    EventFieldValue,
    EventMetaValue,
    EventTag,
    FieldDefinition,
    MetaField,
    Relation,
    Variable,
)
from models.projects import Project
from tests.api.plan_branches.workbench import approved
from tests.factories import main_branch, make_project


@dataclass(frozen=True)
class Plan:
    """A project and its branches."""

    slug: str
    project_id: str
    main_id: str
    branch_id: str


def add_event_type(session: Session, branch: PlanBranch, name: str, *fields: str) -> EventType:
    """An event type with text fields."""
    row = EventType(project_id=branch.project_id, branch_id=branch.id, name=name, display_name=name.title())
    session.add(row)
    session.flush()
    for order, field in enumerate(fields):
        definition = FieldDefinition(
            event_type_id=row.id, name=field, display_name=field, field_type="string", order=order, contract_max_value=1.5
        )
        session.add(definition)
    session.flush()
    return row


def add_event(session: Session, event_type: EventType, name: str, **details: object) -> Event:
    """An event; `tags`, `values` and `metas` by name."""
    tags, values, metas = details.pop("tags", ()), details.pop("values", {}), details.pop("metas", {})
    event = Event(
        project_id=event_type.project_id, branch_id=event_type.branch_id, event_type_id=event_type.id, name=name, **details
    )
    session.add(event)
    session.flush()
    session.add_all(EventTag(event_id=event.id, name=tag) for tag in tags)
    for field, value in values.items():
        session.add(EventFieldValue(event_id=event.id, field_definition_id=field_id(session, event_type, field), value=value))
    for meta, value in metas.items():
        session.add(EventMetaValue(event_id=event.id, meta_field_id=meta_id(session, event_type.branch_id, meta), value=value))
    session.flush()
    return event


def field_id(session: Session, event_type: EventType, name: str) -> str:
    """The field's row."""
    return session.exec(
        select(FieldDefinition.id).where(FieldDefinition.event_type_id == event_type.id, FieldDefinition.name == name)
    ).one()


def meta_id(session: Session, branch_id: str, name: str) -> str:
    """The meta field's row."""
    return session.exec(select(MetaField.id).where(MetaField.branch_id == branch_id, MetaField.name == name)).one()


def named(session: Session, model: type[SQLModel], branch_id: str, name: str):
    """The branch's row of that name."""
    return session.exec(select(model).where(model.branch_id == branch_id, model.name == name)).one()


def add_relation(
    session: Session, branch: PlanBranch, source: tuple[str, str], target: tuple[str, str], **details: str
) -> Relation:
    """A relation by names."""
    types = [named(session, EventType, branch.id, name) for name, _ in (source, target)]
    row = Relation(
        project_id=branch.project_id, branch_id=branch.id, source_event_type_id=types[0].id, target_event_type_id=types[1].id,
        source_field_id=field_id(session, types[0], source[1]), target_field_id=field_id(session, types[1], target[1]), **details,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def make_plan(session: Session) -> Plan:
    """Main with two event types and everything that hangs on them, and an approved branch that changes nothing yet."""
    project: Project = make_project(session)
    main = main_branch(session, project)
    owned = {"project_id": project.id, "branch_id": main.id}
    session.add_all(
        [
            MetaField(**owned, name="ticket", display_name="Ticket", field_type="url", link_template="https://t/${value}"),
            MetaField(**owned, name="team", display_name="Team", field_type="enum", enum_options=["web", "app"]),
            Variable(**owned, name="step", source_name="payload.step"),
            Variable(**owned, name="old_variable"),
        ]
    )
    session.flush()
    shop = add_event_type(session, main, "shop", "step", "sum", "coupon")
    page = add_event_type(session, main, "page", "url")
    add_event_type(session, main, "obsolete", "what")
    add_event(
        session, shop, "paid", source_name="paid", tags=["money", "web"], values={"step": "${step}", "sum": "1", "coupon": "X"},
        metas={"ticket": "S-1", "team": "web"},
    )  # fmt: skip
    add_event(session, shop, "sent", source_name="sent", order=1, values={"sum": "2"})
    add_event(session, shop, "dropped", source_name="dropped", order=2)
    add_event(session, page, "viewed", source_name="viewed", order=3, values={"url": "/"})
    add_relation(session, main, ("shop", "step"), ("page", "url"), description="joined")
    add_relation(session, main, ("shop", "coupon"), ("page", "url"))
    photo = EventPhoto(
        event_id=named(session, Event, main.id, "paid").id, project_id=project.id, original_filename="a.png", kind="figma",
        content_type="application/x-figma-embed", external_url="https://figma.com/file/1",
    )  # fmt: skip
    session.add(photo)
    session.flush()
    remark = EventPhotoComment(photo_id=photo.id, body="one")
    session.add(remark)
    session.flush()
    session.add(EventPhotoComment(photo_id=photo.id, body="two", parent_id=remark.id))
    session.flush()
    branch = service.create_branch(session, SYSTEM_ACTOR, project.slug, "work")
    approved(session, branch.id)
    return Plan(project.slug, project.id, main.id, branch.id)


def change_branch(session: Session, plan: Plan) -> None:
    """Something of every sort added, changed, renamed and removed on the branch."""
    branch = session.get_one(PlanBranch, plan.branch_id)
    owned = {"project_id": plan.project_id, "branch_id": branch.id}
    shop = named(session, EventType, branch.id, "shop")
    shop.color, shop.order = "#00ff00", 5
    session.delete(named(session, EventType, branch.id, "obsolete"))
    session.get_one(FieldDefinition, field_id(session, shop, "sum")).field_type = "number"
    session.delete(session.get_one(FieldDefinition, field_id(session, shop, "coupon")))
    session.add(
        FieldDefinition(event_type_id=shop.id, name="currency", display_name="Currency", field_type="enum", enum_options=["EUR"])
    )
    session.add(MetaField(**owned, name="launch", display_name="Launch", field_type="date"))
    session.delete(named(session, MetaField, branch.id, "team"))
    named(session, MetaField, branch.id, "ticket").link_template = None
    named(session, Variable, branch.id, "step").name = "stage"
    session.delete(named(session, Variable, branch.id, "old_variable"))
    session.add(Variable(**owned, name="fresh", variable_type="number"))
    session.flush()
    session.expire_all()
    paid = named(session, Event, branch.id, "paid")
    paid.name, paid.status, paid.reviewed = "order_paid", "live", True
    values = session.exec(select(EventFieldValue).where(EventFieldValue.event_id == paid.id)).all()
    next(value for value in values if value.value == "${step}").value = "${stage}"
    session.add(
        EventFieldValue(event_id=paid.id, field_definition_id=field_id(session, shop, "currency"), value="EUR", is_authored=False)
    )
    session.exec(sa.delete(EventTag).where(EventTag.event_id == paid.id, EventTag.name == "web"))
    session.add(EventTag(event_id=paid.id, name="app"))
    session.add(EventMetaValue(event_id=paid.id, meta_field_id=meta_id(session, branch.id, "launch"), value="2026-12-01"))
    sent = named(session, Event, branch.id, "sent")
    sent.description = "Left the house"
    session.delete(named(session, Event, branch.id, "dropped"))
    cart = add_event_type(session, branch, "cart", "item")
    added = add_event(
        session, cart, "filled", source_name="filled", tags=["new"], values={"item": "1"}, metas={"ticket": "S-2"}, status="draft"
    )
    add_relation(session, branch, ("cart", "item"), ("shop", "currency"), relation_type="has_many")
    relation = session.exec(select(Relation).where(Relation.branch_id == branch.id, Relation.description == "joined")).one()
    relation.description = "joined on the page"
    for event in (paid, added):
        photo = EventPhoto(
            event_id=event.id, project_id=plan.project_id, kind="figma", original_filename="b.png", sort_order=4,
            content_type="application/x-figma-embed", external_url="https://figma.com/file/2",
        )  # fmt: skip
        session.add(photo)
        session.flush()
        session.add(EventPhotoComment(photo_id=photo.id, body="on the branch"))
    session.flush()


TABLES = tuple(table for table in SQLModel.metadata.sorted_tables if table.name not in ("alembic_version",))


def contents(session: Session) -> dict[str, Counter[str]]:
    """Every row of the database, to be compared as a whole."""
    return {
        table.name: Counter(repr(sorted(dict(row).items())) for row in session.execute(sa.select(table)).mappings())
        for table in TABLES
    }
