"""The metadata database before a command reads or writes it."""

from __future__ import annotations

from app.cli.console import load_settings_or_exit, make_data_folder
from app.migrations import upgrade


def ready_database() -> None:
    """Bring the database of the settings up to date, in a data folder made when it is missing; exits with a line at a fault."""
    settings = load_settings_or_exit()
    make_data_folder(settings.data_dir)
    upgrade(settings)
