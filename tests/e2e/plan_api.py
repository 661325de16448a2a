"""The HTTP API in a person's name, to set a scene before the browser looks at it."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.server import RunningServer


class Api:
    """The HTTP API in the name of a person, to set a scene."""

    def __init__(self, server: RunningServer, cookie: str, slug: str) -> None:
        cookies = {"plumbline_session": cookie}
        self._client = httpx.Client(base_url=server.url, cookies=cookies, timeout=30)
        self._base = f"/api/v1/projects/{slug}"

    def send(self, method: str, path: str, body: object = None, **query: str) -> dict[str, Any]:
        answer = self._client.request(method, f"{self._base}{path}", json=body, params=query)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    def user_id(self, email: str) -> str:
        return next(user["id"] for user in self._client.get("/api/v1/users").json() if user["email"] == email)

    def make_viewer(self, email: str) -> None:
        answer = self._client.patch(f"/api/v1/users/{self.user_id(email)}", json={"role": "viewer"})
        assert answer.is_success, answer.text

    def event_type(self, name: str, *fields: dict[str, object]) -> dict[str, Any]:
        body = {"name": name, "display_name": name.capitalize(), "field_definitions": list(fields)}
        return self.send("POST", "/event-types", body)

    def wait_for_status(self, event_name: str, status: str) -> None:
        """Return once the event has the status: a page that is left before the server knew of a change loses it."""
        deadline = time.monotonic() + 60
        while {event["name"]: event["status"] for event in self.send("GET", "/events")["items"]}[event_name] != status:
            assert time.monotonic() < deadline, f"{event_name} is not {status}"
            time.sleep(0.1)

    def event(self, event_type: dict[str, Any], name: str, **more: object) -> dict[str, Any]:
        return self.send("POST", "/events", {"event_type_id": event_type["id"], "name": name, **more})


def make_project(server: RunningServer, cookie: str) -> str:
    """An empty project of its own; its slug."""
    name = f"plan-{uuid4().hex[:8]}"
    client = httpx.Client(base_url=server.url, cookies={"plumbline_session": cookie}, timeout=30)
    answer = client.post("/api/v1/projects", json={"name": f"Plan {name}", "slug": name})
    assert answer.is_success, answer.text
    return name
