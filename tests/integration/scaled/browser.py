"""A browser's end of Reflex's websocket over the network; it may talk to any web process, as behind a proxy."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from websockets.sync.client import connect

NAMESPACE = "/_event"
ANSWER_SECONDS = 60


class BrowserTab:
    """One tab of somebody who is signed in."""

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._token = str(uuid.uuid4())

    def call(self, port: int, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Connect to the web process at the port, call the handler, and return the first change it makes, by state."""
        headers = {"Cookie": self._cookie}
        address = f"ws://127.0.0.1:{port}/_event/?token={self._token}&EIO=4&transport=websocket"
        with connect(address, origin=f"http://127.0.0.1:{port}", additional_headers=headers) as socket:  # type: ignore[arg-type]
            assert str(socket.recv(ANSWER_SECONDS)).startswith("0")  # engine.io: open
            socket.send(f"40{NAMESPACE},")
            assert str(socket.recv(ANSWER_SECONDS)).startswith(f"40{NAMESPACE},")
            route = {"pathname": "/home", "asPath": "/home", "query": {}}
            event = {"name": handler, "payload": payload, "router_data": route}
            socket.send(f"42{NAMESPACE}," + json.dumps(["event", event]))
            until = time.monotonic() + ANSWER_SECONDS
            while time.monotonic() < until:  # pings would keep the wait alive for ever
                text = str(socket.recv(ANSWER_SECONDS))
                if text.startswith("2"):
                    socket.send("3")  # engine.io: the ping is answered
                if text.startswith("42"):
                    kind, update = json.loads(text.removeprefix(f"42{NAMESPACE},"))
                    if kind == "event" and update.get("delta"):
                        return dict(update["delta"])
        raise AssertionError(f"{handler} changed nothing within {ANSWER_SECONDS} s")
