"""The `web` process: the one public port with UI, API, websocket, ingest and scheduler. `python -m app.web`."""

from __future__ import annotations

import logging
import os
import sys

from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings
from app.listening import listen
from app.parent import die_with_parent

log = logging.getLogger("plumbline.web")


def main() -> int:
    """Entry of the process; the supervisor starts it and starts it again when it dies."""
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    die_with_parent()
    os.chdir(settings.data_dir)  # whatever a library writes relative to its folder lands with the rest of the state
    from app.asgi import create

    try:
        listen(create(), settings.runtime.host, settings.runtime.port, has_websockets=True)
    except OSError as error:
        log.error("cannot listen on %s:%s: %s", settings.runtime.host, settings.runtime.port, error.strerror or error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
