"""`plumbline backup` and `plumbline restore`: a whole instance in one file, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import EXIT_USAGE, fail, load_settings_or_exit
from app.kernel.clock import SYSTEM_CLOCK

AsJson = Annotated[bool, typer.Option("--json", help="Print {taken_at, revision, rows, events, files} as JSON.")]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    as_json: AsJson = False,
) -> None:
    """Write the database, the events, the pictures and the instance's own secrets into one file. The instance may run.

    Keep the file as safe as the instance. Exit codes: 0 written, 1 it could not be, 2 wrong usage or wrong settings.
    """
    settings = load_settings_or_exit()
    from app.backup import service

    try:
        report = service.take(settings, file, SYSTEM_CLOCK, _quiet if as_json else typer.echo)
    except FileExistsError:
        fail(f"{file} exists already", EXIT_USAGE)
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror or error}")
    _tell(asdict(report), as_json=as_json, done=f"{file} holds")


def restore(
    file: Annotated[Path, typer.Argument(help="A file written by `plumbline backup`.")],
    as_json: AsJson = False,
) -> None:
    """Bring an empty instance to the state of a backup, whichever databases the two use. Stop the instance first.

    Everything is counted and compared with the backup. After a failure it can be repeated.
    Exit codes: 0 restored, 1 it could not be, 2 wrong usage or wrong settings.
    """
    settings = load_settings_or_exit()
    from app.backup import service
    from app.backup.archive import BadArchive

    try:
        report = service.restore(settings, file, _quiet if as_json else typer.echo)
    except BadArchive as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot restore from {file}: {error.strerror or error}")
    _tell(asdict(report), as_json=as_json, done="Restored")


def _quiet(_text: str) -> None:
    """Nothing: the report is for a program."""


def _tell(report: dict[str, Any], *, as_json: bool, done: str) -> None:
    if as_json:
        typer.echo(json.dumps(report))
        return
    rows = sum(report["rows"].values())
    kept = report["events"]["events"]["rows"]
    typer.echo(f"{done} {rows:,} rows of the database, {kept:,} events and {report['files']} files, as of {report['taken_at']}.")
