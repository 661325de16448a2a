"""`plumbline mcp`: tools for a language model on standard input and output."""

from __future__ import annotations

import os

from app.cli.console import EXIT_USAGE, fail, load_settings_or_exit, make_data_folder

KEY_VARIABLE = "PLUMBLINE_API_KEY"


def mcp() -> None:
    """Serve the plan to a language model's client (MCP, stdio) on behalf of the API key in PLUMBLINE_API_KEY.

    A key of scope read looks, one of scope write also changes working branches. Exit codes: 0 the client went, 1 failed,
    2 wrong usage or wrong settings.
    """
    key = os.environ.pop(KEY_VARIABLE, "")  # no setting of the server, and nothing that a child should inherit
    settings = load_settings_or_exit()
    if not key.strip():
        fail(f"put an API key (Settings, API keys) into {KEY_VARIABLE}", EXIT_USAGE)
    try:
        from app.mcp.server import build_server
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        fail("the command needs the extra mcp: pip install 'plumbline[mcp]'")
    from pydantic import SecretStr

    from app.kernel.database import session_scope
    from app.kernel.errors import Unauthorized
    from app.mcp.access import Access
    from app.migrations import upgrade

    make_data_folder(settings.data_dir)
    upgrade(settings)
    access = Access(SecretStr(key.strip()))
    try:
        with session_scope(write=False) as session:
            access.check(session)
    except Unauthorized:
        fail(f"the key in {KEY_VARIABLE} is unknown, expired or revoked")
    build_server(access).run("stdio")
