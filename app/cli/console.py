"""How the command speaks: one line per fault, on standard error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import typer

from app.kernel.settings import Settings, SettingsError, load_settings, unknown_variables

EXIT_FAILED = 1
EXIT_USAGE = 2


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Say why and leave."""
    typer.echo(f"plumbline: {message}", err=True)
    raise typer.Exit(code)


def load_settings_or_exit() -> Settings:
    """The settings, or every fault on its own line and exit code 2."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        for fault in error.faults:
            typer.echo(f"plumbline: {fault}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    for name in unknown_variables(os.environ):
        typer.echo(f"plumbline: {name} is no setting of this version and is ignored", err=True)
    return settings


def make_data_folder(folder: Path) -> None:
    """Make the data folder where there is none; one line and exit code 1 when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        fail(f"cannot use the data folder {folder}: a file has this name; choose another with PLUMBLINE_DATA_DIR")
    except NotADirectoryError:
        fail(f"cannot use the data folder {folder}: a part of this path is a file; choose another with PLUMBLINE_DATA_DIR")
    except OSError as error:
        fail(f"cannot use the data folder {folder}: {error.strerror or error}")
