"""A process for the scheduled jobs of scaled-out installations, with health and metrics. `python -m app.worker`.

It keeps a log of its own as the ingest processes do: some jobs write records that must not be lost.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.alerting import service as alerting
from app.ingest import asgi as ingest
from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings
from app.listening import listen
from app.preferences.following import follow_settings, take_up_settings
from jobs import channels, scheduler

_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Health, readiness and metrics; the lifespan starts and ends the jobs. Nothing else is answered."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        await ingest.app(scope if scope["path"] in _PATHS else {**scope, "path": "/"}, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    following: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await take_up_settings()
                await ingest.start()
                await asyncio.to_thread(scheduler.start, get_settings())
            except Exception as error:  # noqa: BLE001 - the server wants to be told, whatever it was
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            following = asyncio.create_task(follow_settings())
            await send({"type": "lifespan.startup.complete"})
        else:
            if following is not None:
                following.cancel()
            await asyncio.to_thread(scheduler.stop)
            await ingest.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def main() -> int:
    """Entry of the process. Several of them share the work; what is done once is done by the one with the lease."""
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    alerting.set_sender(channels.send)  # an area knows no job, so it is told what sends
    if not settings.jobs.jobs_enabled:
        sys.stderr.write("plumbline: PLUMBLINE_JOBS_ENABLED is off, and this process runs nothing but jobs\n")
        return 2
    try:
        listen(app, settings.runtime.host, settings.runtime.port)
    except OSError as error:
        sys.stderr.write(f"plumbline: cannot listen: {error.strerror or error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
