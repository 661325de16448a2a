from __future__ import annotations

from collections.abc import Callable

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.api.plan.workbench import World, make_world


@pytest.fixture
def world(engine) -> World:
    """A project with one of everything on main."""
    with session_scope(engine) as session:
        return make_world(session)


@pytest.fixture
def call(client, member) -> Callable:
    """Sends a request as an editor: `call("PATCH", path, json=...)`."""
    headers = member(UserRole.EDITOR).headers

    def send(method: str, path: str, **arguments):
        return client.request(method, path, headers={**headers, **arguments.pop("headers", {})}, **arguments)

    return send
