"""`plumbline geoip`: local databases and lists about addresses. Nothing is fetched before one of these was called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import fail, load_settings_or_exit

app = typer.Typer(help="Location databases and network lists.", no_args_is_help=True)


class Database(StrEnum):
    """What DB-IP publishes for free."""

    CITY = "city"
    COUNTRY = "country"
    ASN = "asn"


@app.command()
def install(
    file: Annotated[Path | None, typer.Option(help="A database at hand (.mmdb or .mmdb.gz) instead of a download.")] = None,
    database: Annotated[Database, typer.Option(help="Which free database of DB-IP to download.")] = Database.CITY,
) -> None:
    """Install a location database; a running instance takes it up by itself."""
    import httpx

    from app.kernel.clock import SYSTEM_CLOCK
    from app.security.intelligence.databases import FOLDER
    from app.security.intelligence.install import ATTRIBUTION, InstallFailed, install_download, install_file

    folder = load_settings_or_exit().data_dir / FOLDER
    try:
        if file is not None:
            installed = install_file(file, folder)
        else:
            with httpx.Client(timeout=60.0, follow_redirects=False) as client:
                installed = install_download(client, database.value, folder, SYSTEM_CLOCK.now().date())
    except InstallFailed as error:
        fail(str(error))
    typer.echo(f"Installed {installed.path.name} ({installed.kind}, built on {installed.built_on}).")
    if file is None:
        typer.echo(f"{ATTRIBUTION}. Pages that show its results carry this link.")


@app.command("refresh-lists")
def refresh_lists() -> None:
    """Fetch the lists of Tor exits, VPNs and data centres now; later a job keeps them fresh."""
    from app.kernel.clock import SYSTEM_CLOCK
    from app.kernel.outbound import AllowList, Outbound
    from app.security.intelligence.databases import FOLDER
    from app.security.intelligence.sources import refresh_lists as refresh

    settings = load_settings_or_exit()
    folder = settings.data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    done = refresh(folder, Outbound(AllowList(settings.outbound.outbound_allow)), SYSTEM_CLOCK.now, is_forced=True)
    for one in done:
        typer.echo(f"{one.source.file_name}: {one.result}{f' ({one.reason})' if one.reason else ''}")
    if any(one.result in ("failed", "refused") for one in done):
        raise typer.Exit(1)
