"""Bodies of the routes that export and import plans."""

from __future__ import annotations

from pydantic import BaseModel

from app.plan.contracts import shortened
from app.plan.shapes.branches import PlanBranchResponse
from app.plan.snapshot import EntityType
from app.plan.transfer.preview import Preview, PreviewRow, RowStatus
from app.plan.transfer.service import Imported

MOST_ROWS = 10_000
_LONGEST_CHANGE = 200
_SHOWN_FIRST = (RowStatus.ERROR, RowStatus.CHANGED, RowStatus.CREATED, RowStatus.UNCHANGED)


class ImportRow(BaseModel):
    """One entry of the file and what becomes of it, or one reason why it cannot be imported.

    `row` is a spreadsheet's row, a line of YAML or a path into JSON. Changes read `attribute: before → after`, shortened.
    """

    file: str
    row: str
    column: str
    entity_type: EntityType | None
    parent: str | None
    name: str
    status: RowStatus
    reason: str
    changes: list[str]


class ImportReport(BaseModel):
    """What an import does or did. Rows are faults first, then changed, created and unchanged ones, as many as were asked for.

    `branch` is the branch that was made; None for a preview, and when nothing in the file differs from main.
    """

    counts: dict[RowStatus, int]
    rows: list[ImportRow]
    omitted_row_count: int
    branch: PlanBranchResponse | None = None


def import_report(found: Preview | Imported, limit: int) -> ImportReport:
    """The wire form of a preview or of an import."""
    preview, branch = (found.preview, found.branch) if isinstance(found, Imported) else (found, None)
    rows = sorted(preview.rows, key=lambda row: _SHOWN_FIRST.index(row.status))[:limit]
    return ImportReport(
        counts={RowStatus(status): count for status, count in preview.counts.items()},
        rows=[_row(row) for row in rows],
        omitted_row_count=len(preview.rows) - len(rows),
        branch=None if branch is None else PlanBranchResponse.model_validate(branch),
    )


def _row(row: PreviewRow) -> ImportRow:
    return ImportRow(
        file=row.place.file,
        row=row.place.row,
        column=row.place.column,
        entity_type=row.type,
        parent=row.parent,
        name=row.name,
        status=row.status,
        reason=row.reason,
        changes=[shortened(change.text, _LONGEST_CHANGE) for change in row.changes],
    )
