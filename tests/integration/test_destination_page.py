"""The form of a destination over the websocket: channels whose package is missing are not on offer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.alerting.apprise_rules import is_installed
from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.conftest import Member
from tests.factories import make_project
from tests.integration.reflex_socket import ReflexSocket, converse, state_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOADED = "reflex___state____state.app___ui____app_state.app___frame____project_state.app___page_states____loaded_state"
DESTINATION = f"{LOADED}.app___alerting___pages___destination____destination_state"
NEW = {"path": "/p/shop/destinations/new", "slug": "shop", "destination_id": "new"}


@pytest.fixture(params=["apprise", None])
def package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str | None]:
    """Whether the optional package is there."""
    if request.param is None:
        monkeypatch.setitem(sys.modules, "apprise", None)
    is_installed.cache_clear()
    yield request.param
    is_installed.cache_clear()


def test_apprise_is_on_offer_where_its_package_is_installed(
    application: Any, member: Callable[..., Member], package: str | None
) -> None:
    edda = member(UserRole.EDITOR)
    with session_scope() as session:
        make_project(session, slug="shop")

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{DESTINATION}.load", **NEW)
        shown = await socket.updates_until(lambda update: state_of([update], LOADED).get("phase") == "ready")
        assert state_of(shown, DESTINATION).get("has_apprise", False) is (package is not None)
        await socket.send(f"{DESTINATION}.choose_kind", {"kind": "apprise"}, **NEW)
        await socket.send(f"{DESTINATION}.choose_kind", {"kind": "jira"}, **NEW)
        chosen = await socket.updates_until(lambda update: state_of([update], DESTINATION).get("kind") == "jira")
        kinds = [kind for update in chosen if (kind := state_of([update], DESTINATION).get("kind"))]
        assert kinds == (["apprise", "jira"] if package else ["jira"])
        await socket.close()

    converse(application, talk)
