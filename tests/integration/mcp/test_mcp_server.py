"""The tools for language models, through the protocol's own client."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from mcp import Client, StdioServerParameters
from pydantic import SecretStr

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.mcp.access import Access
from app.mcp.server import build_server
from app.plan.branching import service as branching
from tests.factories import make_actor, make_api_key, make_event, make_event_type, make_project, make_user

READING = {"list_projects", "list_events", "get_event", "search_plan", "list_signals", "list_branches", "event_volume"}
WRITING = {"create_event", "update_event", "add_field"}


class Installation:
    """A project with one event on main and a branch, and a key of the scope."""

    def __init__(self, engine, scope=ApiKeyScope.WRITE, role=UserRole.EDITOR, *, is_bound=False):
        with session_scope(engine) as session:
            user = make_user(session, role=role)
            project = make_project(session, slug="shop")
            event_type = make_event_type(session, project, name="checkout")
            self.event_id = make_event(session, event_type, name="order_completed").id
            _, self.token = make_api_key(session, user, scope=scope, project=project if is_bound else None)
            branching.create_branch(session, make_actor(session), "shop", "wording")

    def call(self, tool, **arguments):
        """(data, None) or (None, the text of the tool's error)."""

        async def run():
            async with Client(build_server(Access(SecretStr(self.token)))) as client:
                return await client.call_tool(tool, arguments)

        answer = asyncio.run(run())
        return (None, answer.content[0].text) if answer.is_error else (answer.structured_content, None)

    def ok(self, tool, **arguments):
        data, error = self.call(tool, **arguments)
        assert error is None, error
        return data


def test_all_tools_are_offered_and_say_which_of_them_only_read(engine):
    async def run():
        async with Client(build_server(Access(SecretStr("none")))) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(run())
    assert {tool.name for tool in tools if tool.annotations.read_only_hint} == READING
    assert {tool.name for tool in tools if not tool.annotations.read_only_hint} == WRITING


def test_a_read_key_finds_projects_events_schema_branches_and_volume(engine):
    shop = Installation(engine, ApiKeyScope.READ, UserRole.VIEWER)
    assert [project["slug"] for project in shop.ok("list_projects")["items"]] == ["shop"]
    listed = shop.ok("list_events", project="shop", search="order")
    assert (listed["total"], listed["items"][0]["name"]) == (1, "order_completed")
    found = shop.ok("get_event", project="shop", event_id=shop.event_id)
    assert found["event"]["id"] == shop.event_id
    assert found["json_schema"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert [branch["name"] for branch in shop.ok("list_branches", project="shop")["items"]] == ["main", "wording"]
    assert shop.ok("list_signals", project="shop") == {"items": []}
    assert shop.ok("event_volume", project="shop", event_id=shop.event_id)["total"] == 0


def test_search_forgives_a_typing_error(engine):
    shop = Installation(engine)
    assert shop.ok("search_plan", project="shop", query="ordr completed")["items"][0]["entity_id"] == shop.event_id


def test_a_write_key_adds_a_field_and_an_event_to_a_branch_and_main_stays_as_it_was(engine):
    shop = Installation(engine)
    shop.ok("add_field", project="shop", branch="wording", event_type="checkout", name="currency", field_type="string")
    made = shop.ok(
        "create_event",
        project="shop",
        branch="wording",
        event_type="checkout",
        name="order_refunded",
        tags=["money"],
        field_values={"currency": "EUR"},
    )["event"]
    changed = shop.ok("update_event", project="shop", branch="wording", event_id=made["id"], description="Money went back")
    assert (changed["event"]["description"], changed["event"]["name"]) == ("Money went back", "order_refunded")
    assert shop.ok("list_events", project="shop", branch="wording")["total"] == 2
    assert shop.ok("list_events", project="shop")["total"] == 1


@pytest.mark.parametrize("branch", ["main", ""])
def test_writing_to_main_is_refused(engine, branch):
    shop = Installation(engine)
    _, error = shop.call("create_event", project="shop", branch=branch, event_type="checkout", name="x")
    assert error is not None
    assert shop.ok("list_events", project="shop")["total"] == 1


@pytest.mark.parametrize(
    ("scope", "role", "reason"),
    [
        (ApiKeyScope.READ, UserRole.OWNER, "API key has read-only scope"),
        (ApiKeyScope.WRITE, UserRole.VIEWER, "Editor role required"),
    ],
)
def test_a_key_that_may_not_write_is_told_so(engine, scope, role, reason):
    shop = Installation(engine, scope, role)
    _, error = shop.call("create_event", project="shop", branch="wording", event_type="checkout", name="x")
    assert f"forbidden: {reason}" in error


def test_unknown_key_project_branch_and_event_are_tool_errors_with_the_reason(engine):
    shop = Installation(engine)
    assert "not_found" in shop.call("list_events", project="nowhere")[1]
    assert "There is no branch nowhere" in shop.call("list_events", project="shop", branch="nowhere")[1]
    assert "not_found" in shop.call("get_event", project="shop", event_id="nothing")[1]
    assert "not_found" in shop.call("update_event", project="shop", branch="wording", event_id=shop.event_id, name="y")[1]
    shop.token = "tk_w_unknown"
    assert "Invalid or expired API key" in shop.call("list_projects")[1]


def test_a_key_bound_to_one_project_opens_that_one_only(engine):
    shop = Installation(engine, is_bound=True)
    with session_scope(engine) as session:
        make_project(session, slug="other")
    assert shop.ok("list_events", project="shop")["total"] == 1
    assert "scoped to a single project" in shop.call("list_events", project="other")[1]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_serves_over_standard_input_and_output(engine, database_url):
    shop = Installation(engine)
    command = ["-c", "from app.cli import main; main()", "mcp"]
    environment = {**os.environ, "PLUMBLINE_API_KEY": shop.token}

    async def run():
        async with Client(StdioServerParameters(command=sys.executable, args=command, env=environment)) as client:
            return await client.call_tool("list_events", {"project": "shop"})

    assert asyncio.run(run()).structured_content["total"] == 1
