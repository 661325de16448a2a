from __future__ import annotations

from collections.abc import Callable

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.api.plan_branches.workbench import ReviewWorld, make_review_world


@pytest.fixture
def world(engine) -> ReviewWorld:
    """A project with an approved branch that changes nothing, two revisions, a picture and a link."""
    with session_scope(engine) as session:
        return make_review_world(session)


@pytest.fixture
def editor(member):
    """An editor with their headers."""
    return member(UserRole.EDITOR)


@pytest.fixture
def call(client, editor) -> Callable:
    """Sends a request as the editor: `call("PATCH", path, json=...)`."""

    def send(method: str, path: str, **arguments):
        return client.request(method, path, headers={**editor.headers, **arguments.pop("headers", {})}, **arguments)

    return send
