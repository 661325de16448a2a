"""Reflex's configuration: one origin, one port, nothing called home."""

import os

import reflex as rx

from app.build_plugins import DevProxyPlugin, SameOriginPlugin
from app.frontend import BUN_PATH, npm_registry, skips_compile
from app.kernel.settings import get_settings

settings = get_settings()
redis_url = settings.storage.redis_url.get_secret_value() or None

os.environ.setdefault("REFLEX_TELEMETRY_ENABLED", "false")
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")
# Whatever a browser uploads lands with the rest of the state; Reflex's default is a folder beside the sources.
os.environ.setdefault("REFLEX_UPLOADED_FILES_DIR", str(settings.data_dir / "uploads"))
if not skips_compile() and (registry := npm_registry()):
    os.environ.setdefault("NPM_CONFIG_REGISTRY", registry)  # else Reflex measures public mirrors against each other

config = rx.Config(
    app_name="app",
    app_module_import="app.app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # The production entry checks the websocket's origin itself; no CORS header is ever sent.
    cors_allowed_origins=[],
    state_manager_mode="redis" if redis_url else "memory",
    redis_url=redis_url,
    frontend_packages=[],
    plugins=[
        SameOriginPlugin(),
        DevProxyPlugin(),
        rx.plugins.RadixThemesPlugin(theme=rx.theme(accent_color="teal", gray_color="sage", radius="medium")),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
    **({"bun_path": BUN_PATH} if BUN_PATH.exists() else {}),
)
