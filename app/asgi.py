"""The production entry: `app.asgi:create` builds the whole web process, ready for any ASGI server."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from app.edge import Edge
from app.edge_headers import is_own_origin
from app.frontend import ROOT, WEB_DIR

_ENVIRONMENT = {
    "REFLEX_ENV_MODE": "prod",
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    "REFLEX_TELEMETRY_ENABLED": "false",
    "REFLEX_CHECK_LATEST_VERSION": "false",
    "REFLEX_WEB_WORKDIR": str(WEB_DIR),
}


def _is_own_origin(origin: str | None, environ: Mapping[str, str]) -> bool:
    """The edge's rule for forms, for the websocket: the cookie of its handshake must not serve another site's page."""
    return origin is None or is_own_origin(origin, environ.get("HTTP_HOST"))


def create() -> Edge:
    """The application; the front end must have been built (`app.frontend.ensure_built`)."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with contextlib.chdir(ROOT):  # Reflex reads rxconfig.py from the working folder
        from app.app import app, edge

        if app.sio is None:
            raise RuntimeError("Reflex made no websocket server")
        app.sio.eio.cors_allowed_origins = _is_own_origin
        app.api_transformer = None  # the edge stands outermost here, in front of Reflex's own middleware
        return edge(app())
