"""Plans as files: exported by anybody signed in, imported by editors on a branch of their own, so that nothing reaches main
unread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.errors import AppError, InvalidInput
from app.kernel.ids import new_id
from app.plan.branch_scope import BranchScope, readable_branch, writable_branch
from app.plan.branching import repository
from app.plan.branching.branches import create_branch
from app.plan.branching.merging import Ids, write_merge
from app.plan.branching.rows import load_snapshot
from app.plan.branching.views import BranchView
from app.plan.merge import Merge
from app.plan.service.trail import note
from app.plan.snapshot import EntityType
from app.plan.transfer import csv_file, json_file, yaml_folder
from app.plan.transfer.preview import Preview, PreviewRow, preview
from app.plan.transfer.records import MOST_BYTES, MOST_UNPACKED_BYTES, Document, Place, Unreadable, legible, unreadable
from models.plan_entities import EventChange

MOST_FAULTS_TOLD = 1_000


class Format(StrEnum):
    """How a plan is written down. CSV carries events only."""

    YAML = "yaml"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """An export as a file; YAML is a folder, and therefore a zip archive."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Imported:
    """What was imported. `branch` is None when the file says nothing that main does not hold already."""

    branch: BranchView | None
    preview: Preview


class ImportRefused(AppError):
    """The file has faults, and nothing was written. The detail names the first thousand of them."""

    status = 422
    code = "import_refused"

    def __init__(self, refused: Preview) -> None:
        errors = refused.errors
        first = f"{errors[0].place}: {errors[0].reason}" if errors else ""
        message = f"Nothing was imported: {len(errors)} fault{'' if len(errors) == 1 else 's'}. {first}"
        faults = [fault_of(row) for row in errors[:MOST_FAULTS_TOLD]]
        super().__init__(message, detail={"message": message, "faults": faults, "fault_count": len(errors)})
        self.preview = refused


def fault_of(row: PreviewRow) -> dict[str, str]:
    """A faulty row as the detail of a refusal names it."""
    return {"file": row.place.file, "row": row.place.row, "column": row.place.column, "reason": row.reason}


def export_plan(session: Session, actor: Actor, slug: str, plan_format: Format, branch_id: str | None = None) -> ExportedFile:
    """The branch's plan as one file, the same bytes for equal plans; main when `branch_id` is None. Anybody signed in.

    Owners of events are members of this instance and are left out. Errors: as `readable_branch`.
    """
    plan = load_snapshot(session, readable_branch(session, actor, slug, branch_id).branch_id)
    match plan_format:
        case Format.YAML:
            return ExportedFile(f"{slug}-plan.zip", "application/zip", yaml_folder.zip_of(plan))
        case Format.JSON:
            return ExportedFile(f"{slug}-plan.json", "application/json", json_file.text_of(plan).encode())
        case Format.CSV:
            return ExportedFile(f"{slug}-events.csv", "text/csv; charset=utf-8", csv_file.text_of(plan).encode())


def export_folder(session: Session, actor: Actor, slug: str, branch_id: str | None = None) -> dict[str, str]:
    """The YAML export as text by path. Anybody signed in. Errors: as `readable_branch`."""
    return yaml_folder.files_of(load_snapshot(session, readable_branch(session, actor, slug, branch_id).branch_id))


def read_file(data: bytes, filename: str, plan_format: Format | None = None) -> Document:
    """What a file says; touches no database. The format follows from the file when it is not given.

    Faults, also one that makes the whole file unreadable, are in the document.
    """
    filename = legible(filename)
    try:
        if len(data) > MOST_BYTES:
            raise Unreadable(f"A file has at most {MOST_BYTES} bytes", Place(filename))
        if data[:4] in (b"PK\x03\x04", b"PK\x05\x06") and plan_format in (None, Format.YAML):
            return yaml_folder.read_zip(data, filename)
        return _READERS[plan_format or _format_of(data, filename)](_text(data, filename), filename)
    except Unreadable as error:
        return unreadable(error)


def read_folder(files: Mapping[str, bytes]) -> Document:
    """What a folder of YAML files says, by path. Faults are in the document."""
    if sum(map(len, files.values())) > MOST_UNPACKED_BYTES:
        return unreadable(Unreadable(f"The files amount to more than {MOST_UNPACKED_BYTES} bytes", Place()))
    return yaml_folder.read_files(files)


def preview_import(session: Session, actor: Actor, slug: str, document: Document) -> Preview:
    """What importing would change against main as it is now. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    return preview(document, load_snapshot(session, readable_branch(session, actor, slug).branch_id))


def import_plan(
    session: Session, actor: Actor, slug: str, document: Document, *, branch_name: str = "", clock: Clock = SYSTEM_CLOCK
) -> Imported:
    """Make a branch from main and write what the document says into it: all of it, or nothing. Editors and owners.

    Without a name the branch is called after the moment. A document that changes nothing makes no branch.
    Errors: NotFound; ImportRefused for a document with faults; InvalidInput and Conflict for the name, as `create_branch`.
    """
    main = writable_branch(session, actor, slug, changes_plan=False)  # held, so that the branch is made from what was looked at
    planned = preview(document, load_snapshot(session, main.branch_id))
    if planned.errors:
        raise ImportRefused(planned)
    if not planned.outcome.creates and not planned.outcome.updates:
        return Imported(None, planned)
    now = clock.now()
    name = branch_name.strip() or f"Import {now:%Y-%m-%d %H:%M:%S}"
    _check_storable(name)
    branch = create_branch(session, actor, slug, name, "Imported from a file")
    present = load_snapshot(session, branch.id)
    outcome = preview(document, present).outcome
    ids = write_merge(session, main.project.id, branch.id, outcome, present, user_id=actor.user_id, now=now)
    _note_created(session, actor, outcome, ids, now)
    scope = BranchScope(main.project, branch.id, is_main=False)
    note(session, actor, scope, "branch.import", branch.id, name=name, created=len(outcome.creates), changed=len(outcome.updates))
    return Imported(branch, planned)


def _note_created(session: Session, actor: Actor, outcome: Merge, ids: Ids, now: object) -> None:
    """The first line in the history of each event that the file made."""
    lines = [
        {
            "id": new_id(),
            "event_id": ids[(entity.type, entity.key)],
            "user_id": actor.user_id,
            "field_name": "created",
            "old_value": None,
            "new_value": entity.name,
            "created_at": now,
        }
        for entity in outcome.creates
        if entity.type is EntityType.EVENT
    ]
    repository.insert(session, EventChange, lines)


def _check_storable(name: str) -> None:
    if "\x00" in name or any("\ud800" <= character <= "\udfff" for character in name):
        raise InvalidInput("A branch name must not hold unprintable characters", field="branch_name")


_READERS: Mapping[Format, Callable[[str, str], Document]] = {
    Format.YAML: lambda text, filename: yaml_folder.read_files({filename: text}),
    Format.JSON: json_file.read_text,
    Format.CSV: csv_file.read_text,
}
_SUFFIXES = {".csv": Format.CSV, ".json": Format.JSON, ".yaml": Format.YAML, ".yml": Format.YAML}


def _format_of(data: bytes, filename: str) -> Format:
    dot = filename.rfind(".")
    found = _SUFFIXES.get(filename[dot:].lower()) if dot >= 0 else None
    if found is None and data.lstrip()[:1] == b"{":
        found = Format.JSON
    if found is None:
        reason = "A plan is a zip archive, YAML, JSON or CSV; name the file accordingly, or say which format it is"
        raise Unreadable(reason, Place(filename))
    return found


def _text(data: bytes, filename: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is no UTF-8 text (byte {error.start})", Place(filename)) from None
