"""How every process of the server listens: one ASGI application at one address, in one event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from app.kernel.garbage import collect_seldom

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

_BACKLOG = 1024


def listen(application: ASGIApp, host: str, port: int, *, has_websockets: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, then let open requests end and run the application's shutdown.

    Errors: OSError when the address cannot be listened on.
    """
    collect_seldom()
    uvloop.run(_serve(application, host, port, has_websockets))


async def _serve(application: ASGIApp, host: str, port: int, has_websockets: bool) -> None:
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=has_websockets,
        backlog=_BACKLOG,
        log_access=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, server.stop)
    await server.serve()
