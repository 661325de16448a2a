"""Tools that change the plan, on a working branch only."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field
from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import NotFound
from app.mcp.access import Access
from app.mcp.reading import Project, plain
from app.plan import service as plan
from app.plan.contracts import EventStatus
from app.plan.drafts import Values
from app.plan.shapes.definitions import FieldDefinitionCreate
from app.plan.shapes.events import EventCreate, EventUpdate
from app.plan.vocabulary import FieldType, Sensitivity

WorkingBranch = Annotated[str, Field(description="Name or id of a working branch; main is refused", min_length=1)]
FieldValues = Annotated[dict[str, str], Field(description="Value by field name")]


def add_writing_tools(server: MCPServer, access: Access) -> None:
    """Offer the tools that need a key of scope `write` whose owner is an editor."""
    adds = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

    @server.tool(annotations=adds)
    def create_event(
        project: Project,
        branch: WorkingBranch,
        event_type: Annotated[str, Field(description="Name or id of an event type of the branch")],
        name: Annotated[str, Field(min_length=1, max_length=500)],
        description: str = "",
        tags: list[str] | None = None,
        field_values: FieldValues | None = None,
    ) -> dict[str, Any]:
        """Add a draft event to the working branch."""
        with access.writing(project, branch) as (session, actor, branch_id):
            type_id = _event_type_id(session, actor, project, branch_id, event_type)
            values = _values(session, actor, project, branch_id, type_id, field_values or {})
            body = EventCreate.model_validate(
                {
                    "event_type_id": type_id,
                    "name": name,
                    "description": description,
                    "tags": tags or [],
                    "field_values": [{"field_definition_id": key, "value": value} for key, value in values],
                }
            )
            return {"event": plain(plan.create_event(session, actor, project, body.draft(), branch=branch_id))}

    @server.tool(annotations=changes)
    def update_event(
        project: Project,
        branch: WorkingBranch,
        event_id: Annotated[str, Field(description="Id of an event of this branch; ids differ between branches")],
        name: Annotated[str | None, Field(min_length=1, max_length=500)] = None,
        description: str | None = None,
        status: EventStatus | None = None,
        tags: Annotated[list[str] | None, Field(description="Replaces all tags")] = None,
        field_values: Annotated[dict[str, str] | None, Field(description="Value by field name; replaces all values")] = None,
    ) -> dict[str, Any]:
        """Change what is given of an event of the working branch."""
        with access.writing(project, branch) as (session, actor, branch_id):
            given: dict[str, object] = {"name": name, "description": description, "status": status, "tags": tags}
            if field_values is not None:
                event = plan.get_event_detail(session, actor, project, event_id, branch=branch_id)
                values = _values(session, actor, project, branch_id, event.event_type_id, field_values)
                given["field_values"] = [{"field_definition_id": key, "value": value} for key, value in values]
            body = EventUpdate.model_validate({key: value for key, value in given.items() if value is not None})
            return {"event": plain(plan.update_event(session, actor, project, event_id, body.changes(), branch=branch_id))}

    @server.tool(annotations=adds)
    def add_field(
        project: Project,
        branch: WorkingBranch,
        event_type: Annotated[str, Field(description="Name or id of an event type of the branch")],
        name: str,
        field_type: FieldType,
        display_name: str = "",
        description: str = "",
        is_required: bool = False,
        enum_options: list[str] | None = None,
        sensitivity: Sensitivity = Sensitivity.NONE,
    ) -> dict[str, Any]:
        """Add a field to an event type of the working branch."""
        with access.writing(project, branch) as (session, actor, branch_id):
            type_id = _event_type_id(session, actor, project, branch_id, event_type)
            present = plan.list_fields(session, actor, project, type_id, branch=branch_id)
            body = FieldDefinitionCreate.model_validate(
                {
                    "name": name,
                    "display_name": display_name or name,
                    "field_type": field_type,
                    "description": description,
                    "is_required": is_required,
                    "enum_options": enum_options,
                    "sensitivity": sensitivity,
                    "order": max((field.order for field in present), default=-1) + 1,
                }
            )
            return {"field": plain(plan.create_field(session, actor, project, type_id, body.draft(), branch=branch_id))}


def _event_type_id(session: Session, actor: Actor, project: str, branch_id: str, event_type: str) -> str:
    for found in plan.list_event_type_details(session, actor, project, branch=branch_id):
        if event_type in (found.id, found.name):
            return found.id
    raise NotFound(f"The branch has no event type {event_type}")


def _values(session: Session, actor: Actor, project: str, branch_id: str, type_id: str, wanted: dict[str, str]) -> Values:
    ids = {field.name: field.id for field in plan.list_fields(session, actor, project, type_id, branch=branch_id)}
    if unknown := sorted(set(wanted) - set(ids)):
        raise NotFound(f"The event type has no field {', '.join(unknown)}")
    return [(ids[name], value) for name, value in wanted.items()]
