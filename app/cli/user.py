"""`plumbline user`: help for people who cannot get in, on the machine of the instance."""

from __future__ import annotations

from typing import Annotated

import typer

from app import sign_in_paths
from app.cli.console import fail, load_settings_or_exit
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR
from app.identity.oidc.service import unlink
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Conflict, NotFound
from app.kernel.settings import get_settings
from app.migrations import upgrade
from app.preferences import service as preferences
from app.runtime_file import read_runtime_record

app = typer.Typer(help="People who cannot get in.", no_args_is_help=True)


@app.command("reset-second-factor")
def reset_second_factor(email: Annotated[str, typer.Argument(help="Whose second factor is lost.")]) -> None:
    """Take the second factor from an account, as owners do on the page Members. The account's sessions end.

    Exit codes: 0 done, 1 there is no such account or it has no second factor.
    """
    upgrade(load_settings_or_exit())
    with session_scope() as session:
        user_id = identity.find_credential(session, email).user_id
        if user_id is None:
            fail(f"there is no account {email}")
        if not identity.reset_second_factor(session, SYSTEM_ACTOR, user_id):
            fail(f"{email} has no second factor")
    typer.echo(f"{email} signs in with the password alone now, and should turn the second factor on again.")


@app.command("reset-password")
def reset_password(email: Annotated[str, typer.Argument(help="Whose password is forgotten.")]) -> None:
    """Print a link with which the holder of an account chooses another password, once and within 60 minutes.

    The instance may be stopped; to be opened, the link needs it running. It begins with the public address of the settings,
    or where there is none with the address of the running instance.
    Exit codes: 0 done, 1 there is no such account or it has no password.
    """
    upgrade(load_settings_or_exit())
    with session_scope(write=False) as session:
        preferences.refresh(session)
    try:
        with session_scope() as session:
            user_id = identity.find_credential(session, email).user_id
            if user_id is None:
                fail(f"there is no account {email}")
            _, token = identity.create_reset_link(session, SYSTEM_ACTOR, user_id, SYSTEM_CLOCK.now())
    except Conflict as refusal:
        fail(refusal.message)
    typer.echo(_public_address() + sign_in_paths.reset_password(token))


@app.command("unlink")
def unlink_(email: Annotated[str, typer.Argument(help="Whose account it is.")]) -> None:
    """Forget who at the sign-in provider enters an account: the next person there with its verified email does. Its sessions end.

    Exit codes: 0 done, 1 there is no such account or nobody at a provider enters it.
    """
    upgrade(load_settings_or_exit())
    try:
        with session_scope() as session:
            count = unlink(session, SYSTEM_ACTOR, email)
    except NotFound:
        fail(f"there is no account {email}")
    if not count:
        fail(f"nobody at a provider enters the account {email}")
    typer.echo(f"Forgotten. The next person at the provider whose verified email is {email} enters this account.")


def _public_address() -> str:
    """Where people reach the instance: the settings say so, or else the running one, whose port may come from its command line."""
    settings = get_settings()
    running = None if settings.runtime.public_url else read_runtime_record(settings.data_dir)
    return running.url.rstrip("/") if running else settings.base_url
