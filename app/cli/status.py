"""`plumbline status`: whether an instance runs on the data folder, and where."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Annotated

import typer

from app.cli.console import EXIT_FAILED, load_settings_or_exit


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print {running, version, data_dir, pid, url} as JSON.")] = False,
) -> None:
    """Say whether an instance runs on the data folder. Its secrets are not printed.

    Exit codes: 0 it runs, 1 none runs, 2 wrong usage or wrong settings.
    """
    from app.runtime_file import read_runtime_record

    folder = load_settings_or_exit().data_dir
    record = read_runtime_record(folder)
    if as_json:
        report = {
            "running": record is not None,
            "version": version("plumbline"),
            "data_dir": str(folder),
            "pid": record.pid if record else None,
            "url": record.url if record else None,
        }
        typer.echo(json.dumps(report))
    elif record is None:
        typer.echo(f"No instance runs on {folder}.")
    else:
        typer.echo(f"Runs at {record.url} (process {record.pid}) on {folder}.")
    if record is None:
        raise typer.Exit(EXIT_FAILED)
