"""The top of the command: serve and migrate, with the other groups hung in."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from app.cli import audit, backup, check, demo, doctor, erase, key, mcp, plan, retention, rotate_key, status, user
from app.cli.console import fail, load_settings_or_exit, make_data_folder
from app.kernel.errors import AppError
from app.kernel.logs import configure_logging
from app.security.commands import app as geoip

app = typer.Typer(
    name="plumbline",
    help="Plumbline: the tracking plan, the events, and what is wrong between them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(key.app, name="key")
app.add_typer(demo.app, name="demo")
app.add_typer(geoip, name="geoip")
app.add_typer(audit.app, name="audit")
app.add_typer(user.app, name="user")
app.add_typer(retention.app, name="retention")
app.add_typer(erase.app, name="erase")
app.command("doctor")(doctor.doctor)
app.command("status")(status.status)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("rotate-key")(rotate_key.rotate_key)
app.command("export")(plan.export)
app.command("import")(plan.import_)
app.command("codegen")(plan.codegen)
app.command("check")(check.check)
app.command("mcp")(mcp.mcp)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (PLUMBLINE_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="The one public port (PLUMBLINE_PORT).")] = None,
) -> None:
    """Start everything on one port: UI, API, ingest and jobs. Ctrl-C stops it cleanly."""
    if host is not None:
        os.environ["PLUMBLINE_HOST"] = host
    if port is not None:
        os.environ["PLUMBLINE_PORT"] = str(port)
    settings = load_settings_or_exit()
    configure_logging(settings.runtime.log_level)
    from app.frontend import FrontendError, ensure_built
    from app.migrations import upgrade
    from app.supervisor import serve as supervise
    from app.supervisor import why_not

    make_data_folder(settings.data_dir)
    if reason := why_not(settings):
        fail(reason)
    try:
        ensure_built()
    except FrontendError as error:
        fail(str(error))
    upgrade(settings)
    raise typer.Exit(supervise(settings))


@app.command()
def migrate() -> None:
    """Bring the metadata database to the newest schema."""
    settings = load_settings_or_exit()
    configure_logging(settings.runtime.log_level)
    from app.migrations import upgrade

    make_data_folder(settings.data_dir)
    upgrade(settings)
    typer.echo("The metadata database is up to date.")


@app.command()
def version() -> None:
    """Print the installed version."""
    from importlib.metadata import version as package_version

    typer.echo(package_version("plumbline"))


def main() -> None:
    """Entry point; refusals of services become one line and exit code 1."""
    try:
        app()
    except AppError as error:
        typer.echo(f"plumbline: {error.message}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
