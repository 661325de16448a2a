"""`plumbline retention`: how long each kind of data is kept."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.cli.database import ready_database
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.retention import service
from app.retention.contracts import WORDS, Kind, RetentionView

app = typer.Typer(help="How long each kind of data is kept.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(as_json: AsJson = False) -> None:
    """Print the days of every kind and what the newest pass removed."""
    ready_database()
    with session_scope(write=False) as session:
        view = service.get_retention(session, SYSTEM_ACTOR)
    _print(view, as_json=as_json)


@app.command("set")
def set_(
    kind: Annotated[Kind, typer.Argument(help="What is kept.")],
    days: Annotated[int, typer.Argument(min=0, max=36500, help="For how many days; 0 sets no bound.")],
    as_json: AsJson = False,
) -> None:
    """Keep a kind of data for so many days. Older data is removed within a day, or by `plumbline retention run`."""
    ready_database()
    with session_scope() as session:
        view = service.change_retention(session, SYSTEM_ACTOR, {kind: days}, SYSTEM_CLOCK.now())
    _print(view, as_json=as_json)


@app.command()
def run() -> None:
    """Have the running instance remove what is too old now, within a minute."""
    ready_database()
    with session_scope() as session:
        service.request_run(session, SYSTEM_ACTOR, SYSTEM_CLOCK.now())
    typer.echo("Asked for. `plumbline retention show` tells what was removed.")


def _print(view: RetentionView, *, as_json: bool) -> None:
    last = view.last_run
    if as_json:
        ended = None
        if last is not None:
            ended = {
                "status": last.status.value,
                "finished_at": last.finished_at.isoformat() if last.finished_at else None,
                "removed": dict(last.removed),
                "errors": dict(last.errors),
            }
        days = {bound.kind.value: bound.days for bound in view.bounds}
        typer.echo(json.dumps({"days": days, "most_days": view.most_days, "last_run": ended}))
        return
    for bound in view.bounds:
        kept = f"{bound.days} days" if bound.days else "no bound of its own"
        typer.echo(f"{bound.kind.value:<11}{WORDS[bound.kind]:<22}{kept}")
    typer.echo(f"Everything in the event store: {view.most_days} days (PLUMBLINE_RETENTION_DAYS).")
    if last is None:
        typer.echo("Nothing was pruned yet.")
        return
    removed = ", ".join(f"{count} {kind}" for kind, count in last.removed.items()) or "nothing"
    typer.echo(f"Last pruned {last.finished_at:%Y-%m-%d %H:%M} UTC ({last.status.value}): {removed} removed.")
    for kind, reason in last.errors.items():
        typer.echo(f"{kind}: {reason}")
