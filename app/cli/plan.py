"""`plumbline export` and `plumbline import`: the plan as files, against the data of the instance."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from app.cli.console import EXIT_USAGE, fail
from app.cli.database import ready_database
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.plan.branching import service as branching
from app.plan.codegen.model import Language
from app.plan.codegen.service import tracking_code
from app.plan.shapes.transfer import MOST_ROWS, import_report
from app.plan.transfer import service, yaml_folder
from app.plan.transfer.preview import Preview, RowStatus
from app.plan.transfer.records import MOST_UNPACKED_BYTES, Document
from app.plan.transfer.service import Format, Imported, ImportRefused

Project = Annotated[str, typer.Argument(help="Slug of the project.")]
_STANDARD_OUTPUT = "-"


def export(
    project: Project,
    output: Annotated[str, typer.Option(help="File to write, a folder or .zip for yaml, or - for standard output.")],
    plan_format: Annotated[Format, typer.Option("--format", help="csv carries events only.")] = Format.YAML,
    branch: Annotated[str | None, typer.Option(help="Name or id of a branch; main without it.")] = None,
) -> None:
    """Write the plan down, the same text for equal plans, so that it can live in a repository."""
    ready_database()
    path = Path(output)
    with session_scope(write=False) as session:
        branch_id = branch_id_of(session, project, branch)
        if plan_format is Format.YAML and output != _STANDARD_OUTPUT and path.suffix.lower() != ".zip":
            folder = service.export_folder(session, SYSTEM_ACTOR, project, branch_id)
        else:
            folder = None
            found = service.export_plan(session, SYSTEM_ACTOR, project, plan_format, branch_id)
    _note_export(project, branch_id, plan_format.value)
    try:
        if folder is not None:
            _write_folder(path, folder)
        elif output == _STANDARD_OUTPUT:
            sys.stdout.buffer.write(found.content)
        else:
            path.write_bytes(found.content)
    except OSError as error:
        fail(f"cannot write {error.filename or output}: {error.strerror or error}")


def codegen(
    project: Project,
    language: Annotated[Language, typer.Option(help="Language of the code.")],
    output: Annotated[str, typer.Option(help="File or folder to write, or - for standard output.")] = _STANDARD_OUTPUT,
    branch: Annotated[str | None, typer.Option(help="Name or id of a branch; main without it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when the file is not what the plan says.")] = False,
) -> None:
    """Write typed tracking code for every event of the plan, the same text for equal plans."""
    ready_database()
    with session_scope(write=False) as session:
        branch_id = branch_id_of(session, project, branch)
        code = tracking_code(session, SYSTEM_ACTOR, project, language, branch_id)
    _note_export(project, branch_id, language.value)
    if output == _STANDARD_OUTPUT and not check:
        sys.stdout.write(code.text)
        return
    path = Path(output) / code.filename if Path(output).is_dir() else Path(output)
    try:
        if check and (not path.exists() or path.read_text(encoding="utf-8") != code.text):
            fail(f"{path} is not what the plan says; run `plumbline codegen` again")
        if not check:
            path.write_text(code.text, encoding="utf-8", newline="\n")
    except OSError as error:
        fail(f"cannot write {error.filename or output}: {error.strerror or error}")


def import_(
    project: Project,
    path: Annotated[Path, typer.Argument(exists=True, help="A folder of YAML, or a .zip, .yaml, .json or .csv file.")],
    branch: Annotated[str, typer.Option(help="Name of the branch to make; required unless --preview.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Lay a plan from files over main, on a branch made for it. With a fault anywhere nothing is written."""
    if not preview and not branch:
        fail("name the branch to make with --branch, or look first with --preview", EXIT_USAGE)
    ready_database()
    document = read_document(path)
    found: Preview | Imported
    try:
        with session_scope(write=not preview) as session:
            if preview:
                found = service.preview_import(session, SYSTEM_ACTOR, project, document)
            else:
                found = service.import_plan(session, SYSTEM_ACTOR, project, document, branch_name=branch)
    except ImportRefused as refusal:
        found = refusal.preview
    if as_json:
        typer.echo(import_report(found, MOST_ROWS).model_dump_json())
    else:
        _tell(found)
    if (found.preview if isinstance(found, Imported) else found).errors:
        raise typer.Exit(1)


def _note_export(project: str, branch_id: str | None, name: str) -> None:
    with session_scope() as session:
        payload = {"format": name}
        identity.record_audit(
            session, SYSTEM_ACTOR, "plan.export", "plan", branch_id or "main", project_slug=project, payload=payload
        )


def branch_id_of(session: Session, project: str, branch: str | None) -> str | None:
    """The branch of that name; what is no name is taken as an id."""
    if not branch:
        return None
    named = branching.list_branches(session, SYSTEM_ACTOR, project).items
    return next((found.id for found in named if found.name == branch), branch)


def read_document(path: Path) -> Document:
    """What the file or folder says of a plan; leaves with a line when it cannot be read."""
    try:
        if path.is_dir():
            return service.read_folder(_folder(path))
        return service.read_file(path.read_bytes(), path.name)
    except OSError as error:
        fail(f"cannot read {error.filename or path}: {error.strerror or error}")


def _folder(path: Path) -> dict[str, bytes]:
    """The YAML files below the folder, hidden folders such as .git aside, and no more than one import may hold."""
    files: dict[str, bytes] = {}
    left = MOST_UNPACKED_BYTES
    for root, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(root) / name
            if file.suffix.lower() in yaml_folder.SUFFIXES and left >= 0:
                files[file.relative_to(path).as_posix()] = content = file.read_bytes()
                left -= len(content)
    return files


def _write_folder(path: Path, files: dict[str, str]) -> None:
    """Write the files, and remove those of earlier exports that are no more; nobody else's file is touched."""
    below = path / yaml_folder.EVENT_TYPES
    below.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8", newline="\n")
    for file in below.glob("*.yaml"):
        is_ours = file.read_bytes().startswith(yaml_folder.FIRST_LINE.encode())
        if is_ours and file.relative_to(path).as_posix() not in files:
            file.unlink()


def _tell(found: Preview | Imported) -> None:
    rows = (found.preview if isinstance(found, Imported) else found).rows
    counts = (found.preview if isinstance(found, Imported) else found).counts
    for row in rows:
        if row.status is RowStatus.ERROR:
            typer.echo(f"plumbline: {row.place}: {row.reason}", err=True)
        elif row.status is not RowStatus.UNCHANGED:
            name = f"{row.parent}.{row.name}" if row.parent else row.name
            note = f" ({row.reason})" if row.reason else ""
            typer.echo(f"{row.status.value} {row.type} {name}{note}")
            for change in row.changes:
                typer.echo(f"  {change.text}")
    typer.echo(", ".join(f"{count} {status}" for status, count in counts.items()))
    if isinstance(found, Imported):
        branch = found.branch
        typer.echo("Nothing differs from main; no branch was made." if branch is None else f"Branch {branch.name} ({branch.id})")
