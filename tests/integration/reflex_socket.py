"""A browser's end of Reflex's websocket, without a browser and without a server: it talks ASGI to the application."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

NAMESPACE = "/_event"
ANSWER_SECONDS = 90


class ReflexSocket:
    """One connection. `call` sends an event as the front end would and returns every update until the handler is through."""

    def __init__(
        self, app: Any, *, cookie: str | None = None, token: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self._app = app
        self.token = token or str(uuid.uuid4())
        fields = {"host": "plumbline.test", "connection": "Upgrade", "upgrade": "websocket", **(headers or {})}
        if cookie:
            fields["cookie"] = cookie
        self._headers = [(name.encode(), value.encode()) for name, value in fields.items()]
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.refused = False

    async def connect(self) -> None:
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/_event/",
            "raw_path": b"/_event/",
            "query_string": f"token={self.token}&EIO=4&transport=websocket".encode(),
            "root_path": "",
            "headers": self._headers,
            "client": ("127.0.0.1", 5000),
            "server": ("plumbline.test", 80),
            "subprotocols": [],
            "state": {},
        }
        await self._incoming.put({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._app(scope, self._incoming.get, self._outgoing.put))
        first = await self._next()
        if first["type"] != "websocket.accept":
            self.refused = True
            return
        assert (await self._text()).startswith("0")  # engine.io: open
        await self._send(f"40{NAMESPACE},")
        answer = await self._text()
        assert answer.startswith(f"40{NAMESPACE},"), answer

    async def send(self, name: str, payload: dict[str, Any] | None = None, *, path: str = "/home", **parameters: str) -> None:
        """Call a handler by its full name, from the page at `path`, whose bracketed parts are `parameters`."""
        router_data = {"pathname": path.partition("?")[0], "asPath": path, "query": parameters}
        event = {"name": name, "payload": payload or {}, "router_data": router_data}
        await self._send(f"42{NAMESPACE}," + json.dumps(["event", event]))

    async def update(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """The next update of the state or of the page; TimeoutError when none comes."""
        while True:
            text = await self._text(seconds)
            if text.startswith("42"):
                kind, update = json.loads(text.removeprefix(f"42{NAMESPACE},"))
                if kind == "event":
                    return dict(update)

    async def call(
        self, name: str, payload: dict[str, Any] | None = None, *, path: str = "/home", **parameters: str
    ) -> dict[str, Any]:
        """Call a handler and return the first update it causes."""
        await self.send(name, payload, path=path, **parameters)
        return await self.update()

    async def updates_until(self, is_last: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Every update up to and with the first for which `is_last` holds."""
        seen = [await self.update()]
        while not is_last(seen[-1]):
            seen.append(await self.update())
        return seen

    async def close(self) -> None:
        await self._incoming.put({"type": "websocket.disconnect", "code": 1000})
        if self._task is not None:
            await asyncio.wait_for(self._task, ANSWER_SECONDS)

    async def _send(self, text: str) -> None:
        await self._incoming.put({"type": "websocket.receive", "text": text})

    async def _next(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        return await asyncio.wait_for(self._outgoing.get(), seconds)

    async def _text(self, seconds: float = ANSWER_SECONDS) -> str:
        while True:
            message = await self._next(seconds)
            if message["type"] == "websocket.send" and "text" in message:
                return str(message["text"])


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """The application between its start-up and its shutdown."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    started = await outgoing.get()
    assert started["type"] == "lifespan.startup.complete", started
    yield
    await incoming.put({"type": "lifespan.shutdown"})
    await outgoing.get()
    await task


def converse(application: Any, talk: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running(application):
            await talk()

    asyncio.run(run())


def state_of(updates: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The variables of one state as the browser holds them after the updates."""
    held: dict[str, Any] = {}
    for update in updates:
        for key, value in update.get("delta", {}).get(name, {}).items():
            held[key.removesuffix("_rx_state_")] = value
    return held
