from __future__ import annotations

from collections.abc import Callable

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from models.scans import DataSource
from tests.factories import make_scan_config

SECRET = "tr0ub4dor&3"


@pytest.fixture
def owner(client, member) -> Callable:
    """Sends a request as an owner in a browser session: `owner("PATCH", path, json=...)`."""
    headers = member(UserRole.OWNER).headers

    def send(method: str, path: str, **arguments):
        return client.request(method, path, headers={**headers, **arguments.pop("headers", {})}, **arguments)

    return send


def create_body(name: str = "Shop", **changes):
    return {
        "name": name,
        "db_type": "postgres",
        "host": "127.0.0.1",
        "port": 1,
        "database_name": "shop",
        "username": "reader",
        "password": SECRET,
        "timeout_seconds": 30,
        "extra_params": {"sslmode": "disable", "note": "kept", "api_token": SECRET},
        **changes,
    }


@pytest.fixture
def source(owner) -> dict:
    answer = owner("POST", "/api/v1/data-sources", json=create_body())
    assert answer.status_code == 201, answer.text
    return answer.json()


def row_of(engine, source_id: str) -> DataSource:
    with session_scope(engine) as session:
        return session.get_one(DataSource, source_id)


__all__ = ["SECRET", "create_body", "make_scan_config", "owner", "row_of", "source"]
