from __future__ import annotations

from collections.abc import Callable

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.api.alerting.workbench import AlertWorld, make_alert_world


@pytest.fixture
def world(engine) -> AlertWorld:
    with session_scope(engine) as session:
        return make_alert_world(session)


@pytest.fixture
def call(client, member) -> Callable:
    """Sends a request as an editor."""
    headers = member(UserRole.EDITOR).headers

    def send(method: str, path: str, **arguments):
        return client.request(method, path, headers=headers, **arguments)

    return send
