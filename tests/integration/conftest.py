"""What tests of whole processes share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def application() -> Iterator[Any]:
    """The production application without its built front end, ingest and jobs."""

    async def nothing(*_arguments: object) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("__REFLEX_MOUNT_FRONTEND_COMPILED_APP", "false")
        for name in ("REFLEX_ENV_MODE", "__REFLEX_SKIP_COMPILE", "REFLEX_WEB_WORKDIR"):
            patch.delenv(name, raising=False)
        from app import asgi
        from app.ingest import asgi as ingest
        from jobs import scheduler

        patch.setattr(ingest, "start", nothing)
        patch.setattr(ingest, "stop", nothing)
        patch.setattr(scheduler, "start", lambda _settings: None)
        yield asgi.create()
