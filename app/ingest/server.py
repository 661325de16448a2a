"""An ingest process of its own for scaled-out installations: the event API, health and metrics. `python -m app.ingest.server`."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from app.ingest import asgi
from app.ingest.compiled_rows import CompiledReader
from app.ingest.decode import EVENT_BYTES
from app.ingest.door import Door, House
from app.ingest.pipeline import Pipeline
from app.ingest.process import running_pipeline
from app.ingest.quick_answers import take_quickly
from app.kernel.garbage import collect_seldom
from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings

_BACKLOG = 1024
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_ROOM_SECONDS = 0.2
log = logging.getLogger("plumbline.ingest")


def main() -> int:
    """Entry of the process. Several of them may share a data folder; each takes its own part of the log."""
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    # What the first request needs to know a key and a plan by: nobody should wait for it.
    for name in ("app.identity.service", "app.ingest.policies"):
        import_module(name)
    collect_seldom()
    try:
        with _listening(settings.runtime.host, settings.runtime.port) as front, tempfile.TemporaryDirectory() as folder:
            uvloop.run(serve(front, Path(folder) / "ingest"))
    except OSError as error:
        log.error("cannot listen: %s", error.strerror or error)
        return 1
    return 0


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


async def serve(front: socket.socket, behind: Path) -> None:
    """Serve until SIGTERM or SIGINT, then let open requests end and close the log. `behind` is the full server's own socket."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    await asgi.start()
    loading = loop.create_task(_load_reader(running_pipeline()))
    full = Server(asgi.app, uds=behind, interface=Interfaces.ASGINL, websockets=False, backlog=_BACKLOG, log_enabled=False)
    running = loop.create_task(full.serve())
    house = House(asgi.app, str(behind), take_quickly)
    front.setblocking(False)
    loop.add_reader(front, _let_in, front, house)
    await stopping.wait()
    loading.cancel()
    loop.remove_reader(front)
    front.close()
    await house.close()
    full.stop()  # type: ignore[no-untyped-call]
    await running
    await asgi.stop()


def _let_in(front: socket.socket, house: House) -> None:
    """Let all in who wait. The event loop's own server takes one in each of its turns, which are long under load: the last of
    many that came at once waited for seconds."""
    while True:
        try:
            peer, _ = front.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in _NO_ROOM:
                house.loop.remove_reader(front)
                house.loop.call_later(_ROOM_SECONDS, _let_in_again, front, house)
                return
            continue  # the client has gone again
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        house.spawn(_open(peer, house))


def _let_in_again(front: socket.socket, house: House) -> None:
    if front.fileno() >= 0:  # not closed meanwhile
        house.loop.add_reader(front, _let_in, front, house)


async def _open(peer: socket.socket, house: House) -> None:
    try:
        await house.loop.connect_accepted_socket(lambda: Door(house), peer)
    except OSError:
        peer.close()


async def _load_reader(pipeline: Pipeline) -> None:
    """Requests are taken meanwhile: the machine code is compiled once for each version, which takes some seconds."""
    try:
        pipeline.reader = await asyncio.to_thread(CompiledReader, pipeline.settings.max_batch_events, EVENT_BYTES)
    except Exception as error:  # noqa: BLE001 - without it the same events are taken in more slowly
        log.warning("requests are read without compiled code", extra={"reason": type(error).__name__})


if __name__ == "__main__":
    sys.exit(main())
