"""The `web` process: the one public port with UI, API, websocket, ingest and scheduler. `python -m app.web`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings
from app.parent import die_with_parent

log = logging.getLogger("plumbline.web")

ASGIApp = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


async def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then let open requests end and run the application's shutdown."""
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        log_access=False,
        backlog=1024,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, server.stop)
    await server.serve()


def main() -> int:
    """Entry of the process; the supervisor starts it and starts it again when it dies."""
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    die_with_parent()
    os.chdir(settings.data_dir)  # whatever a library writes relative to its folder lands with the rest of the state
    from app.asgi import create

    application = create()
    # What is loaded now stays: leaving it out of every later collection saves several percent of the processor.
    gc.collect()
    gc.freeze()
    try:
        uvloop.run(serve(application, settings.runtime.host, settings.runtime.port))
    except OSError as error:
        log.error("cannot listen on %s:%s: %s", settings.runtime.host, settings.runtime.port, error.strerror or error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
