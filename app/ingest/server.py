"""An ingest process of its own for scaled-out installations: the event API, health and metrics. `python -m app.ingest.server`."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from app.ingest.asgi import app
from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings

log = logging.getLogger("plumbline.ingest")

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


async def serve(host: str, port: int, application: ASGIApp = app) -> None:
    """Serve until SIGTERM or SIGINT; the application's lifespan opens and closes the log."""
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=1024,
        log_access=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, server.stop)
    await server.serve()


def main() -> int:
    """Entry of the process. Several of them may share a data folder; each takes its own part of the log."""
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    # What is loaded now stays: leaving it out of every later collection saves several percent of the processor.
    gc.collect()
    gc.freeze()
    try:
        uvloop.run(serve(settings.runtime.host, settings.runtime.port))
    except OSError as error:
        log.error("cannot listen: %s", error.strerror or error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
