"""`plumbline erase`: removal of one person's records, and verification of its certificate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.audit_chain.export_file import trusted_keys
from app.cli.console import EXIT_USAGE, fail
from app.cli.database import ready_database
from app.erasure import service
from app.eventstore.service import get_event_store
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope

app = typer.Typer(help="Erasing one person's records, with a proof.", no_args_is_help=True)

EXIT_FORGED: Final = 3
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    project: Annotated[str, typer.Option(help="Slug of the project.")],
    user: Annotated[str, typer.Option(help="The user id as records carry it (user_id, distinct_id, actor id).")],
    out: Annotated[str | None, typer.Option(help="File to write the certificate to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove everything that was received up to now about a person. Records that arrive later are accepted.

    Needs the running instance. Exit codes: 0 removed and proved, 1 not possible now (an instance that runs goes on by itself),
    2 wrong settings.
    """
    ready_database()
    holder = f"command {os.getpid()}"
    with session_scope() as session:
        erasure = service.request_erasure(session, SYSTEM_ACTOR, project, user, SYSTEM_CLOCK.now(), holder=holder)
    is_done = service.carry_out(erasure.id, holder, service.Tools(get_event_store))
    with session_scope(write=False) as session:
        erasure = service.get_erasure(session, SYSTEM_ACTOR, project, erasure.id)
        if not is_done:
            reason = (erasure.error_message or "It was interrupted").rstrip(".")
            fail(f"{reason}. It is kept and goes on by itself while an instance runs; the page Erasures shows how far it is.")
        text = service.certificate_of(session, SYSTEM_ACTOR, project, erasure.id)
    if out is not None:
        try:
            Path(out).write_text(text)
        except OSError as error:
            fail(f"cannot write {out}: {error.strerror or error}")
    if as_json:
        sys.stdout.write(text)
        return
    certificate: Mapping[str, Any] = json.loads(text)
    for kind, count in certificate["before"].items():
        typer.echo(f"{kind:<16}{count:>10} removed, {certificate['after'][kind]} left")
    for kept in certificate["kept"]:
        number = "" if kept["count"] is None else f" ({kept['count']})"
        typer.echo(f"kept: {kept['what']}{number}. {kept['why']}")
    if out is not None:
        typer.echo(f"Certificate written to {out}. Check it with: plumbline erase verify {out}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A certificate.")],
    public_key: Annotated[
        str | None,
        typer.Option("--public-key", help="Keys to trust: a file (PEM, Base64, or from `plumbline audit anchor`), or Base64."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check signature and counts of a certificate. Needs no instance.

    Exit codes: 0 holds, 1 cannot be read, 2 wrong usage, 3 does not hold.
    """
    try:
        found = service.verify(file.read_bytes(), _keys(public_key))
    except service.NotACertificate as fault:
        fail(f"{file}: {fault}")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror or error}")
    certificate = found.certificate
    if as_json:
        report = {"valid": not found.fault, "fault": found.fault or None, "key_is_trusted": found.is_key_trusted}
        typer.echo(json.dumps({**report, "certificate": dict(certificate)}, ensure_ascii=False))
    elif found.fault:
        typer.echo(f"DOES NOT HOLD: {found.fault}.")
    else:
        removed = sum(certificate["before"].values())
        typer.echo(f"Holds: {removed} rows of {certificate['project']} removed by {certificate['completed_at']}, none left.")
        if not found.is_key_trusted:
            typer.echo("The public key comes from the file itself; name the instance's own with --public-key to prove its origin.")
    if found.fault:
        raise typer.Exit(EXIT_FORGED)


def _keys(text: str | None) -> list[str]:
    if text is None:
        return []
    try:
        path = Path(text)
        return trusted_keys(path.read_text() if len(text) < 1000 and path.is_file() else text)
    except (ValueError, OSError) as fault:
        fail(f"--public-key: {fault}", EXIT_USAGE)
