"""Deleting a definition over the websocket: the question says what goes with it, the answer deletes, a refusal is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.plan import service as plan
from app.plan.vocabulary import VariableType
from tests.conftest import Member
from tests.factories import make_actor, make_project
from tests.integration.reflex_socket import ReflexSocket, converse, state_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PLAN_STATE = (
    "reflex___state____state.app___ui____app_state.app___frame____project_state."
    "app___page_states____loaded_state.app___plan___pages___plan_frame____plan_state"
)
VARIABLES = f"{PLAN_STATE}.app___plan___pages___variables____variables_state"
PLACE = {"path": "/p/shop/variables", "slug": "shop"}


@pytest.fixture
def variable_id(application: Any) -> str:
    with session_scope() as session:
        make_project(session, slug="shop")
        made = plan.create_variable(session, make_actor(session), "shop", "city", variable_type=VariableType.STRING, description="")
        return made.id


def test_a_variable_goes_after_the_question_was_answered(application: Any, member: Callable[..., Member], variable_id: str) -> None:
    async def talk() -> None:
        socket = ReflexSocket(application, cookie=member(UserRole.EDITOR).headers["Cookie"])
        await socket.connect()
        await socket.send(f"{VARIABLES}.load", **PLACE)
        loaded = await socket.updates_until(lambda update: bool(state_of([update], VARIABLES).get("rows")))
        assert [row["name"] for row in state_of(loaded, VARIABLES)["rows"]] == ["city"]

        asked = state_of([await socket.call(f"{VARIABLES}.ask_delete", {"variable_id": variable_id}, **PLACE)], VARIABLES)
        assert (asked["doomed"], asked["doomed_name"]) == (variable_id, "${city}")
        assert asked["consequences"] == ["What was observed for it is forgotten"]

        gone = state_of([await socket.call(f"{VARIABLES}.delete", **PLACE)], VARIABLES)
        assert (gone["doomed"], gone["rows"]) == ("", [])
        await socket.close()

    converse(application, talk)


def test_a_variable_that_somebody_else_deleted_meanwhile_is_said_to_be_gone(
    application: Any, member: Callable[..., Member], variable_id: str
) -> None:
    async def talk() -> None:
        socket = ReflexSocket(application, cookie=member(UserRole.EDITOR).headers["Cookie"])
        await socket.connect()
        await socket.send(f"{VARIABLES}.load", **PLACE)
        await socket.updates_until(lambda update: bool(state_of([update], VARIABLES).get("rows")))
        await socket.call(f"{VARIABLES}.ask_delete", {"variable_id": variable_id}, **PLACE)
        with session_scope() as session:
            plan.delete_variable(session, make_actor(session), "shop", variable_id)

        refused = state_of([await socket.call(f"{VARIABLES}.delete", **PLACE)], VARIABLES)

        assert refused["errors"] == {"": "Variable not found"}
        await socket.close()

    converse(application, talk)
