"""The project list over the websocket: what it shows and how it follows a demo project in the making."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.conftest import Member
from tests.factories import make_project
from tests.integration.reflex_socket import ReflexSocket, converse, state_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOADED = "reflex___state____state.app___ui____app_state.app___frame____project_state.app___page_states____loaded_state"
HOME = f"{LOADED}.app___projects___pages___home____home_state"


def view_of(updates: list[dict[str, Any]]) -> dict[str, Any]:
    view: dict[str, Any] = state_of(updates, HOME).get("view", {})
    return view


def is_ready(update: dict[str, Any]) -> bool:
    return bool(state_of([update], LOADED).get("phase") == "ready")


def set_progress(slug: str, status: str, percent: int, *, stage: str = "", error: str | None = None) -> None:
    from sqlmodel import select

    from models.projects import Project

    with session_scope() as session:
        project = session.exec(select(Project).where(Project.slug == slug)).one()
        project.is_demo = True
        project.generation_status, project.generation_percent = status, percent
        project.generation_stage, project.generation_error = stage, error


def test_progress_of_a_demo_project_is_followed_until_it_is_ready(application: Any, member: Callable[..., Member]) -> None:
    edda = member(UserRole.EDITOR)
    with session_scope() as session:
        make_project(session, slug="demo-1", name="Demo")
    set_progress("demo-1", "running", 40, stage="Events of March")

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{HOME}.load")
        first = await socket.updates_until(lambda update: bool(view_of([update]).get("generations")))
        assert view_of(first)["generations"] == [{"name": "Demo", "percent": 40, "stage": "Events of March"}]
        set_progress("demo-1", "ready", 100)
        rest = await socket.updates_until(lambda update: "demo project is ready" in json.dumps(update.get("events", [])))
        assert view_of(rest)["generations"] == []
        await socket.close()

    converse(application, talk)


def test_a_failed_demo_project_says_why(application: Any, member: Callable[..., Member]) -> None:
    edda = member(UserRole.EDITOR)
    with session_scope() as session:
        make_project(session, slug="demo-1", name="Demo")
    set_progress("demo-1", "failed", 40, error="the event store does not answer")

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{HOME}.load")
        shown = await socket.updates_until(is_ready)
        assert view_of(shown)["generation_error"] == "the event store does not answer"
        assert view_of(shown).get("generations", []) == []
        await socket.close()

    converse(application, talk)


def test_a_project_with_a_bad_slug_is_refused_at_the_field(application: Any, member: Callable[..., Member]) -> None:
    edda = member(UserRole.EDITOR)

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{HOME}.type_slug", {"text": "Not a slug"})
        await socket.send(f"{HOME}.create", {"form": {"name": "Shop", "slug": "Not a slug"}})
        shown = await socket.updates_until(lambda update: bool(state_of([update], HOME).get("errors")))
        assert set(state_of(shown, HOME)["errors"]) == {"slug"}
        await socket.close()

    converse(application, talk)


def test_a_viewer_who_calls_the_handler_creates_nothing(application: Any, member: Callable[..., Member]) -> None:
    vera = member(UserRole.VIEWER)

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=vera.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{HOME}.create", {"form": {"name": "Shop", "slug": "shop"}})
        answer = await socket.updates_until(lambda update: bool(update.get("events")))
        assert "Editor role required" in json.dumps(answer[-1])
        await socket.send(f"{HOME}.load")
        shown = await socket.updates_until(is_ready)
        assert view_of(shown).get("rows", []) == []
        await socket.close()

    converse(application, talk)
