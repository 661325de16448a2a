"""Two changes to what Reflex generates: the built front end fits any host and port, the development server proxies our paths."""

from __future__ import annotations

import json
import re
from typing import Any

from reflex.plugins import Plugin

# `/docs` and the like are for people and for tools; a page never uses these words as its first segment.
BACKEND_PREFIXES = ("/api", "/v1", "/session", "/healthz", "/readyz", "/health", "/metrics", "/openapi.json", "/docs")

_BAKED_URL = re.compile(r"""[`"'](http|ws)s?://[^/`"']+(/[^`"']*)[`"']""")


class SameOriginPlugin(Plugin):
    """Replaces the addresses that the build bakes in by the origin the page came from.

    Without it a front end built once would work on the build's host and port only.
    """

    def post_build(self, **context: Any) -> None:
        """Rewrite the one generated chunk that holds addresses; runs before compressed copies are made."""
        files = list((context["static_dir"] / "assets").glob("reflex-env-*.js"))
        if len(files) != 1:
            raise RuntimeError(f"expected one reflex-env chunk in the build, found {len(files)}")
        files[0].write_text(_BAKED_URL.sub(_origin_relative, files[0].read_text()))


def _origin_relative(match: re.Match[str]) -> str:
    origin = "location.origin" if match[1] == "http" else 'location.origin.replace(/^http/,"ws")'
    return f"({origin}+{json.dumps(match[2])})"


class DevProxyPlugin(Plugin):
    """Lets `reflex run` use relative addresses too: its front-end server hands our own paths to the back end."""

    def pre_compile(self, **context: Any) -> None:
        """Add the proxy rules to the generated Vite configuration."""
        rules = ", ".join(f"{json.dumps(prefix)}: {{target: 'http://127.0.0.1:8000', xfwd: true}}" for prefix in BACKEND_PREFIXES)

        def add_proxy(script: str) -> str:
            return script if "proxy: {" in script else script.replace("server: {", f"server: {{\n    proxy: {{{rules}}},", 1)

        context["add_modify_task"]("vite.config.js", add_proxy)
