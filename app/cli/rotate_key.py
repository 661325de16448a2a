"""`plumbline rotate-key`: bring stored secrets under another encryption key."""

from __future__ import annotations

import json
import secrets
from typing import Annotated

import typer

from app.cli.console import EXIT_USAGE, fail, load_settings_or_exit
from app.kernel.crypto import SecretBox
from app.kernel.database import session_scope
from app.kernel.local_secrets import local_secret, replace_local_secret
from app.kernel.resealing import reseal
from app.kernel.settings import ENCRYPTION_KEY, Settings
from app.migrations import upgrade
from app.runtime_file import DataFolderInUse, DataFolderLock


def rotate_key(
    as_json: Annotated[bool, typer.Option("--json", help="Print {resealed: {table: count}} as JSON.")] = False,
) -> None:
    """Seal every stored secret again with the newest encryption key.

    Where PLUMBLINE_ENCRYPTION_KEYS is set: put a fresh key in front of the list, restart, run this, then take the old key away.
    Else the instance's own key is replaced; stop the instance first.
    Exit codes: 0 done, 1 it could not be done and nothing was changed, 2 wrong usage or wrong settings.
    """
    import models  # noqa: F401 - importing it registers every table

    settings = load_settings_or_exit()
    upgrade(settings)
    if settings.security.encryption_keys.get_secret_value():
        if len(settings.encryption_keys()) < 2:
            fail(
                "put a fresh key in front of the old one in PLUMBLINE_ENCRYPTION_KEYS, separated by a comma, and restart",
                EXIT_USAGE,
            )
        counts = _reseal(settings.encryption_keys())
    else:
        counts = _replace_own_key(settings)
    if as_json:
        typer.echo(json.dumps({"resealed": counts}))
    else:
        typer.echo(f"{sum(counts.values())} stored secrets are sealed with the newest key. The old one is no longer needed here.")
        typer.echo("Backups taken before hold the old key and can still be restored.")


def _replace_own_key(settings: Settings) -> dict[str, int]:
    try:
        lock = DataFolderLock(settings.data_dir)
    except DataFolderInUse:
        fail("an instance runs on the data folder: stop it first")
    with lock:
        earlier = local_secret(settings.data_dir, ENCRYPTION_KEY)
        keys = [secrets.token_urlsafe(48), *(key for key in earlier.split(",") if key)]
        # Both keys are on disk before anything is sealed with the fresh one: a crash in between loses nothing.
        replace_local_secret(settings.data_dir, ENCRYPTION_KEY, ",".join(keys))
        try:
            counts = _reseal(keys)
        except typer.Exit:
            # Nothing was sealed. After any other failure nobody knows, and both keys stay.
            replace_local_secret(settings.data_dir, ENCRYPTION_KEY, earlier)
            raise
        replace_local_secret(settings.data_dir, ENCRYPTION_KEY, keys[0])
    return counts


def _reseal(keys: list[str]) -> dict[str, int]:
    try:
        with session_scope() as session:
            return reseal(session, SecretBox(keys))
    except ValueError as error:
        fail(str(error))
