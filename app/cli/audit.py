"""`plumbline audit`: exports of the audit chain and their verification, and an anchor to keep elsewhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from app.audit_chain import exporting, file_verification, service, signing
from app.audit_chain.contracts import Report
from app.audit_chain.export_file import Anchor, NotAnExport, anchor_of, trusted_keys
from app.cli.console import EXIT_USAGE, fail
from app.cli.database import ready_database
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope

app = typer.Typer(help="The tamper-evident audit log.", no_args_is_help=True)

EXIT_TAMPERED: Final = 3
_STANDARD_STREAM: Final = "-"

PublicKey = Annotated[
    str | None, typer.Option("--public-key", help="Keys to trust: a file (PEM, Base64, or an anchor), or Base64.")
]
AnchorFile = Annotated[str | None, typer.Option("--anchor", help="A file made by `plumbline audit anchor` and kept elsewhere.")]


@app.command()
def export(
    file: Annotated[str, typer.Argument(help="File to write, or - for standard output.")],
    project: Annotated[str | None, typer.Option(help="Slug of the project whose records are written.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every record of every project.")] = False,
) -> None:
    """Write audit records with their chain, checkpoints and public keys, one JSON object a line.

    Exit codes: 0 written, 1 not possible, 2 wrong usage or wrong settings.
    """
    if (project is None) is not everything:
        fail("name a --project or say --all", EXIT_USAGE)
    ready_database()
    now = SYSTEM_CLOCK.now()
    with session_scope() as session:
        exporting.note_export(session, SYSTEM_ACTOR, project, now)
    with session_scope(write=False) as session:
        lines = exporting.export(session, SYSTEM_ACTOR, project, now)
        try:
            count = _write(file, lines)
        except OSError as error:
            fail(f"cannot write {error.filename or file}: {error.strerror or error}")
    if file != _STANDARD_STREAM:
        typer.echo(f"{count} lines written to {file}. Verify them with: plumbline audit verify {file}")


@app.command()
def verify(
    file: Annotated[str | None, typer.Argument(help="An export, or - for standard input; this instance without it.")] = None,
    public_key: PublicKey = None,
    anchor: AnchorFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Find the first record that was edited, deleted, reordered or cut. A file needs no instance.

    Exit codes: 0 intact, 1 cannot be checked, 2 wrong usage or wrong settings, 3 tampered with.
    """
    trusted = _trusted(public_key, anchor)
    if file is None:
        ready_database()
        with session_scope(write=False) as session:
            report = service.verify_all(session, SYSTEM_ACTOR, SYSTEM_CLOCK.now(), trusted)
    else:
        try:
            report = _verified_file(file, trusted)
        except NotAnExport as fault:
            fail(f"{file}: {fault}")
        except OSError as error:
            fail(f"cannot read {file}: {error.strerror or error}")
    typer.echo(json.dumps(_as_json(report), ensure_ascii=False) if as_json else _as_text(report))
    if not report.is_intact:
        raise typer.Exit(EXIT_TAMPERED)


@app.command()
def anchor() -> None:
    """Print the public keys and the newest checkpoint of every chain, to be kept where this instance cannot reach.

    With it `plumbline audit verify --anchor` finds also what was cut together with its checkpoints.
    """
    ready_database()
    with session_scope(write=False) as session:
        for line in exporting.anchor(session, SYSTEM_ACTOR):
            sys.stdout.buffer.write(line)


def _write(file: str, lines: Iterable[bytes]) -> int:
    """The lines as a whole file or not at all; how many there were."""
    count = 0
    if file == _STANDARD_STREAM:
        for line in lines:
            sys.stdout.buffer.write(line)
            count += 1
        return count
    path = Path(file)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Audit records name people: nobody else on this machine may read them.
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as stream:
            for line in lines:
                stream.write(line)
                count += 1
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def _verified_file(file: str, trusted: Anchor | None) -> Report:
    if file == _STANDARD_STREAM:
        return file_verification.verify(sys.stdin.buffer, trusted)
    with Path(file).open("rb") as stream:
        return file_verification.verify(stream, trusted)


def _trusted(public_key: str | None, anchor: str | None) -> Anchor | None:
    """What the caller brought along; None when it is nothing."""
    try:
        kept = None if anchor is None else anchor_of(Path(anchor).read_bytes().splitlines())
        if public_key is None:
            return kept
        path = Path(public_key)
        text = path.read_text() if len(public_key) < 1000 and path.is_file() else public_key
        keys = {signing.key_id_of(public): public for public in trusted_keys(text)}
        return Anchor(keys, kept.checkpoints if kept else ())
    except NotAnExport as fault:
        fail(f"{anchor}: {fault}", EXIT_USAGE)
    except ValueError as fault:
        fail(f"--public-key: {fault}", EXIT_USAGE)
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror or error}", EXIT_USAGE)


def _as_json(report: Report) -> dict[str, object]:
    fault = None if report.fault is None else {**asdict(report.fault), "kind": report.fault.kind.value}
    return {
        "intact": report.is_intact,
        "tenants": report.tenants,
        "entries": report.count.entries,
        "checkpoints": report.count.checkpoints,
        "absent": report.count.absent,
        "unsealed": report.unsealed,
        "fault": fault,
        "notes": list(report.notes),
    }


def _as_text(report: Report) -> str:
    count = report.count
    lines = [f"{count.entries} records in {report.tenants} chains followed, {count.checkpoints} signed checkpoints confirmed."]
    if count.absent:
        lines.append(f"{count.absent} records are not here for a stated reason; their place in the chain holds.")
    if report.unsealed:
        lines.append(f"{report.unsealed} records are stored and not sealed yet; they are not covered.")
    lines += report.notes
    fault = report.fault
    if fault is None:
        lines.append("Intact.")
    elif fault.tenant:
        lines.append(f"TAMPERED: {fault.kind} at entry {fault.seq} of {fault.tenant}: {fault.message}.")
    else:
        lines.append(f"TAMPERED: {fault.kind}: {fault.message}.")
    return "\n".join(lines)
