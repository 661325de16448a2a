"""An ingest process of its own for scaled-out installations: the event API, health and metrics. `python -m app.ingest.server`."""

from __future__ import annotations

import logging
import sys

from app.ingest.asgi import app
from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings
from app.listening import listen

log = logging.getLogger("plumbline.ingest")


def main() -> int:
    """Entry of the process. Several of them may share a data folder; each takes its own part of the log."""
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    try:
        listen(app, settings.runtime.host, settings.runtime.port)
    except OSError as error:
        log.error("cannot listen: %s", error.strerror or error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
