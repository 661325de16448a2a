"""What the engine itself says, read around the product's own client."""

from __future__ import annotations

import http.client
from urllib.parse import urlencode

from tests.eventstore_fixtures import StoredProject, StoreProcess


def post(store: StoreProcess, body: bytes = b"", *, secret: str | None = None, **parameters: str) -> tuple[int, str, str]:
    """One request to the front: status, exception code, body."""
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)
    try:
        connection.request(
            "POST",
            f"/?{urlencode(parameters)}",
            body,
            {"X-ClickHouse-Key": store.secret if secret is None else secret},
        )
        response = connection.getresponse()
        return response.status, response.headers.get("X-ClickHouse-Exception-Code", ""), response.read().decode()
    finally:
        connection.close()


def ask(store: StoreProcess, sql: str) -> str:
    """The answer to a query as tab-separated text."""
    status, _code, text = post(store, sql.encode())
    assert status == 200, text
    return text.strip()


def counts(store: StoreProcess, project: StoredProject) -> tuple[int, int, int]:
    """Rows, different ids and the sum of the roll-up of a project."""
    where = f"WHERE project_id = '{project.project_id}'"
    rows, unique = ask(store, f"SELECT count(), uniqExact(id) FROM plumbline.events {where}").split("\t")
    return int(rows), int(unique), int(ask(store, f"SELECT sum(n) FROM plumbline.events_1m {where}"))
