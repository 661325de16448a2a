"""`plumbline demo`: data to look at, on a running server."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.console import fail, load_settings_or_exit

app = typer.Typer(help="Data to look at, on a running server.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `demo flights` a sub-command."""


@app.command()
def flights(
    months: Annotated[int, typer.Option(min=1, max=12, help="How many months of 2013, from January.")] = 12,
    url: Annotated[str | None, typer.Option(help="Address of the running server; by default this instance's.")] = None,
) -> None:
    """Post the departures from New York in 2013 and find the blizzard."""
    settings = load_settings_or_exit()
    from app.demo.flights import FlightsDemoError, run_flights_demo

    try:
        run_flights_demo(settings, base_url=url, months=months, echo=typer.echo)
    except FlightsDemoError as error:
        fail(str(error))
