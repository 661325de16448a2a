"""Tools that look: projects, the plan, its branches, volumes and signals."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field
from pydantic_core import to_jsonable_python

from app.assistant import service as assistant
from app.detection import service as detection
from app.mcp.access import Access, branch_named, told_to_the_model
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType
from app.plan import service as plan
from app.plan.branching import service as branching
from app.plan.contracts import EventStatus
from app.plan.drafts import EventFilter
from app.projects import service as projects

Project = Annotated[str, Field(description="Slug of the project, as list_projects tells it", min_length=1)]
Branch = Annotated[str, Field(description="Name or id of a branch; empty means main")]
Limit = Annotated[int, Field(ge=1, le=200)]
MOST_DAYS = 90


def plain(value: object) -> dict[str, Any]:
    """A view as JSON."""
    found: dict[str, Any] = to_jsonable_python(value)
    return found


def add_reading_tools(server: MCPServer, access: Access) -> None:
    """Offer the tools that change nothing."""
    looks = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(annotations=looks)
    def list_projects() -> dict[str, Any]:
        """All projects that the key can reach, by name."""
        with access.reading(None) as (session, actor):
            return {"items": [plain(found) for found in projects.list_projects(session, actor)]}

    @server.tool(annotations=looks)
    def list_events(
        project: Project,
        branch: Branch = "",
        search: Annotated[str, Field(description="Part of a name, a description or a source name")] = "",
        status: EventStatus | None = None,
        tag: str = "",
        limit: Limit = 50,
        offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0,
    ) -> dict[str, Any]:
        """Events of the tracking plan in their order, with their type, status, tags and when they were last seen."""
        wanted = EventFilter(search=search, statuses=(status,) if status else (), tag=tag)
        with access.reading(project) as (session, actor):
            branch_id = branch_named(session, actor, project, branch)
            page = plan.list_event_details(session, actor, project, wanted, branch=branch_id, limit=limit, offset=offset)
            return {"items": [plain(event) for event in page.items], "total": page.total}

    @server.tool(annotations=looks)
    def get_event(project: Project, event_id: str, branch: Branch = "") -> dict[str, Any]:
        """One event with its fields' rules, and the JSON Schema (draft 2020-12) that its payload satisfies."""
        with access.reading(project) as (session, actor):
            branch_id = branch_named(session, actor, project, branch)
            event = plan.get_event_detail(session, actor, project, event_id, branch=branch_id)
            fields = plan.list_fields(session, actor, project, event.event_type_id, branch=branch_id)
            schema = plan.event_json_schema(session, actor, project, event_id, branch=branch_id)
            return {"event": plain(event), "fields": [plain(field) for field in fields], "json_schema": schema}

    @server.tool(annotations=looks)
    def search_plan(
        project: Project, query: Annotated[str, Field(min_length=1, max_length=500)], branch: Branch = "", limit: Limit = 20
    ) -> dict[str, Any]:
        """Events, event types, fields, variables and tags that match best, typing errors forgiven."""
        with access.reading(project) as (session, actor):
            branch_id = branch_named(session, actor, project, branch)
        with told_to_the_model():  # no transaction is open here: an embedding model may be asked
            return plain(assistant.find(actor, project, query, limit=limit, branch=branch_id))

    @server.tool(annotations=looks)
    def list_signals(project: Project) -> dict[str, Any]:
        """What departs from its expected volume now, newest first, for totals, event types and events."""
        with access.reading(project) as (session, actor):
            found = detection.list_signals(session, actor, project, expanded=True)
            return {"items": [plain(signal) for signal in found]}

    @server.tool(annotations=looks)
    def list_branches(project: Project) -> dict[str, Any]:
        """Main first, then the newest, with the state of their review."""
        with access.reading(project) as (session, actor):
            return {"items": [plain(branch) for branch in branching.list_branches(session, actor, project).items]}

    @server.tool(annotations=looks)
    def event_volume(project: Project, event_id: str, days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7) -> dict[str, Any]:
        """How often an event of main was counted per interval, UTC; null where no scan looked."""
        with access.reading(project) as (session, actor):
            event = plan.get_event(session, actor, project, event_id)
            start = access.clock.now() - timedelta(days=days)
            series = metrics.series_for(session, actor, project, ScopeType.EVENT, event_id, start=start)
            counts = [{"bucket": bucket, "count": count} for bucket, count in zip(series.buckets, series.counts, strict=True)]
            known = [count for count in series.counts if count is not None]
            return plain({"event": event.name, "interval": series.interval, "total": sum(known), "counts": counts})
