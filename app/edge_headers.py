"""Headers that depend on the path or on the built front end: content security policy, caching, the origin check."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import Scope

from app.frontend import WEB_DIR
from app.kernel.settings import get_settings

Headers = list[tuple[bytes, bytes]]

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_COMMON = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
    # Radix positions menus and dialogs with style attributes, emotion writes style elements at run time.
    "style-src 'self' 'unsafe-inline'; "
)


def content_security_policy(path: str) -> Headers:
    """The policy for a page."""
    return _docs_policy() if path in ("/docs", "/api/docs") else _page_policy(_build_time())


def _build_time() -> int:
    """Changes with each build, so that a front end built anew under a running server keeps working."""
    try:
        return (WEB_DIR / "build" / "client" / "index.html").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=1)
def _page_policy(_build: int) -> Headers:
    # The built pages start from inline scripts; each is allowed by its digest, so that injected ones stay forbidden.
    # Reflex runs the functions of toasts and the like through eval, which needs 'unsafe-eval'.
    allowed = " ".join(sorted(_inline_script_digests()))
    return [(b"content-security-policy", f"{_COMMON}script-src 'self' 'unsafe-eval' {allowed}".encode())]


@lru_cache(maxsize=1)
def _docs_policy() -> Headers:
    # One fixed page made by FastAPI that starts Swagger from an inline script and shows nothing a user wrote.
    return [(b"content-security-policy", f"{_COMMON}script-src 'self' 'unsafe-inline'".encode())]


def _inline_script_digests() -> set[str]:
    digests = set()
    for page in (WEB_DIR / "build" / "client").rglob("*.html"):
        for script in _INLINE_SCRIPT.findall(page.read_text()):
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            digests.add(f"'sha256-{digest}'")
    return digests


def is_foreign_origin(scope: Scope) -> bool:
    """Whether a browser says that another site's page sent this request. Clients that are no browsers send no Origin."""
    origin = host = None
    for name, value in scope["headers"]:
        if name == b"origin":
            origin = value.decode("latin-1")
        elif name == b"host":
            host = value.decode("latin-1")
    return origin is not None and not is_own_origin(origin, host)


def is_own_origin(origin: str, host: str | None) -> bool:
    """Whether the origin is the host that was asked, or the public address when a proxy in front asks us by another name."""
    netloc = urlsplit(origin).netloc
    return bool(netloc) and netloc in {host, urlsplit(get_settings().base_url).netloc}
