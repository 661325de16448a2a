"""Every surface that takes records in, in one process: the web process without its pages, which take long to start.

`python -m tests.integration.ingest.surfaces`. Offsets are committed late, so that many kills fall between the write and the commit.
"""

from __future__ import annotations

import time
from importlib import import_module

from app.edge import Edge
from app.ingest import asgi as ingest
from app.ingest import kafka
from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings
from app.listening import listen

AREAS = ("logs", "security", "audit")
COMMIT_SECONDS = 0.15

_next_offsets = kafka._next_offsets


def _next_offsets_late(messages):
    time.sleep(COMMIT_SECONDS)
    return _next_offsets(messages)


def application() -> Edge:
    """What `app.app.edge` makes, with the operator routes of an ingest process and without pages."""
    modules = [import_module(f"app.{area}.api") for area in AREAS]
    areas = [(module.application(module.router), [module.router]) for module in modules]
    return Edge(ingest=ingest.handle, areas=areas, operations=ingest.app, pages=ingest.app)


if __name__ == "__main__":
    kafka._next_offsets = _next_offsets_late
    settings = get_settings()
    configure_logging(settings.runtime.log_level)
    listen(application(), settings.runtime.host, settings.runtime.port)
