"""The `store` process: owns the embedded engine and serves it on loopback. `python -m app.eventstore.server`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from app.eventstore.address import HANDOVER_FOLDER, LOOPBACK, PORT_VARIABLE, SECRET_VARIABLE
from app.eventstore.engine import Engine, EngineNotOpened
from app.eventstore.front import ClickHouseFront
from app.eventstore.schema import COMPRESSES_BY_SIZE
from app.kernel.logs import configure_logging
from app.kernel.settings import Settings, get_settings
from app.parent import die_with_parent

log = logging.getLogger("plumbline.store")

FOLDER = "eventstore"
EXIT_NOT_OPENED = 3

_CONFIG_FILE = "eventstore.xml"
_WORKERS = 4
_MARK_CACHE_BYTES = 67_108_864
# Rows are merged into larger parts soon after they came: to compress them well before that costs a quarter of storing them, for a
# few minutes' use.
_WELL_COMPRESSED_BYTES = 10_000_000


async def serve(front: ClickHouseFront, port: int) -> None:
    """Serve on loopback until SIGTERM or SIGINT."""
    server = Server(front, address=LOOPBACK, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, server.stop)
    await server.serve()


def open_engine(settings: Settings) -> Engine:
    """Open the data folder's engine and make the folder current. Raises EngineNotOpened."""
    data_dir = settings.data_dir
    os.chdir(data_dir)
    Path(FOLDER).mkdir(mode=0o700, exist_ok=True)
    _empty(data_dir / HANDOVER_FOLDER)
    Path(_CONFIG_FILE).write_text(
        "<clickhouse>"
        f"<max_server_memory_usage>{settings.storage.eventstore_memory_bytes}</max_server_memory_usage>"
        f"<mark_cache_size>{_MARK_CACHE_BYTES}</mark_cache_size>"
        f"<compression><case><min_part_size>{_WELL_COMPRESSED_BYTES}</min_part_size><min_part_size_ratio>0</min_part_size_ratio>"
        "<method>zstd</method><level>1</level></case></compression>"
        f"<macros><{COMPRESSES_BY_SIZE}>1</{COMPRESSES_BY_SIZE}></macros>"
        "</clickhouse>\n"
    )
    return Engine(FOLDER, _CONFIG_FILE, data_dir, workers=_WORKERS)


def _empty(folder: Path) -> None:
    """Nothing in it is needed any more: whoever laid a block there was killed, or lays it there again."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for left_over in folder.iterdir():
        left_over.unlink(missing_ok=True)


def main() -> int:
    """Entry of the process; port and secret come from its supervisor through the environment."""
    die_with_parent()
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    port, secret = os.environ.get(PORT_VARIABLE, ""), os.environ.get(SECRET_VARIABLE, "")
    if not port.isdigit() or not secret:
        log.error("the store process is started by `plumbline serve`: %s and %s are missing", PORT_VARIABLE, SECRET_VARIABLE)
        return 2
    folder = settings.data_dir / FOLDER
    try:
        engine = open_engine(settings)
    except EngineNotOpened as error:
        log.error("cannot open the event store in %s: %s", folder, error)
        return EXIT_NOT_OPENED
    try:
        uvloop.run(serve(ClickHouseFront(engine, secret), int(port)))
    except OSError as error:
        log.error("cannot listen on %s:%s: %s", LOOPBACK, port, error.strerror or error)
        return 1
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
