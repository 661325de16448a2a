"""Import and export: the plan as files to keep elsewhere, and files laid over main on a branch, after a look at every row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import BaseModel, Field, ValidationError
from reflex.event import EventSpec

from app import ui_paths
from app.frame import slug_var
from app.identity.contracts import UserRole
from app.kernel.errors import AppError
from app.plan.codegen.languages import PROMISE, code_files
from app.plan.pages.plan_frame import PlanState, plan_frame
from app.plan.pages.transfer_parts import ImportLine, export_section, import_section, transfer_body
from app.plan.pages.words import plural
from app.plan.shapes.transfer import ImportReport
from app.plan.snapshot import EntityType
from app.plan.transfer.preview import RowStatus
from app.presentation import Phase
from app.ui import page
from components import Crumb, page_header, section, toast_done
from components.downloads import download_list

SORTS = {
    EntityType.EVENT_TYPE: "Event type",
    EntityType.FIELD: "Field",
    EntityType.EVENT: "Event",
    EntityType.VARIABLE: "Variable",
    EntityType.META_FIELD: "Meta field",
    EntityType.RELATION: "Relation",
}
_STATUSES = {
    RowStatus.ERROR: ("Error", "bad"),
    RowStatus.CHANGED: ("Changed", "accent"),
    RowStatus.CREATED: ("Created", "ok"),
    RowStatus.UNCHANGED: ("Unchanged", "neutral"),
}
_LONGEST_ANSWER = 900_000


class _Answer(BaseModel):
    """What the browser was told when it sent the file. It shows this person only what they sent themselves."""

    is_preview: bool
    filename: str
    status: int
    body: ImportReport | dict[str, object] = Field(union_mode="left_to_right")


class TransferState(PlanState):
    """The downloads of the open branch, and what became of the file that was chosen."""

    export_href: str = ""
    import_href: str = ""
    code_href: str = ""
    code_query: str = ""
    may_import: bool = False
    filename: str = ""
    branch_name: str = ""
    summary: str = ""
    omitted: str = ""
    refusal: str = ""
    can_import: bool = False
    lines: list[ImportLine] = []

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug, branch = self._slug(), self._branch()
        if self._begin(f"transfer/{slug}/{branch}"):
            self._forget()
            yield
        try:
            await self._enter_plan(ui_paths.import_export(slug))
            self.may_import = self.user_role in (UserRole.EDITOR, UserRole.OWNER)
            base = f"/api/v1/projects/{slug}/plan"
            self.export_href = f"{base}/export?{f'branch={branch}&' if branch else ''}format="
            self.import_href = f"{base}/import"
            self.code_href, self.code_query = f"{base}/code/", f"?branch={branch}" if branch else ""
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def receive(self, text: str) -> EventSpec | list[EventSpec] | None:
        """Show what the server said about the file; on to the branch once there is one."""
        if not text:
            return None
        try:
            answer = _Answer.model_validate_json(text[:_LONGEST_ANSWER])
        except ValidationError:
            self._forget()
            self.refusal = "The server did not answer as expected"
            return None
        if not isinstance(answer.body, ImportReport):
            if answer.is_preview:
                self._forget()
            self.refusal = _sentence(answer.body.get("detail"))
            return None
        if answer.body.branch is not None:
            branch, self.can_import = answer.body.branch, False
            target = ui_paths.project_branch(self._slug(), UUID(branch.id))
            return [rx.redirect(target), toast_done(f"{answer.filename} was imported to {branch.name}")]
        self._show(answer.body, answer.filename)
        return None

    def _forget(self) -> None:
        self.filename = self.branch_name = self.summary = self.omitted = self.refusal = ""
        self.can_import, self.lines = False, []

    def _show(self, report: ImportReport, filename: str) -> None:
        self._forget()
        counts = {status: report.counts.get(status, 0) for status in _STATUSES}
        self.filename, self.branch_name = filename, f"Import {filename}"[:255]
        words = {status: word.lower() for status, (word, _) in _STATUSES.items()}
        words[RowStatus.ERROR] = "error" if counts[RowStatus.ERROR] == 1 else "errors"
        self.summary = ", ".join(f"{count:,} {words[status]}" for status, count in counts.items() if count)
        self.summary = self.summary or "The file holds nothing"
        self.can_import = not counts[RowStatus.ERROR] and bool(counts[RowStatus.CREATED] + counts[RowStatus.CHANGED])
        if counts[RowStatus.ERROR]:
            self.refusal = f"Nothing can be imported before {plural(counts[RowStatus.ERROR], 'error')} in the file "
            self.refusal += "is corrected" if counts[RowStatus.ERROR] == 1 else "are corrected"
        elif not self.can_import:
            self.refusal = "Nothing in the file differs from main"
        if report.omitted_row_count:
            self.omitted = f"{plural(report.omitted_row_count, 'row')} more not shown"
        self.lines = [
            ImportLine(
                name=f"{row.parent} \u203a {row.name}" if row.parent else row.name or row.file,
                sort=SORTS[row.entity_type] if row.entity_type else "File",
                status=_STATUSES[row.status][0],
                tone=_STATUSES[row.status][1],
                place=", ".join(part for part in (row.file if row.name else "", row.row, row.column) if part),
                reason=row.reason,
                changes=row.changes,
            )
            for row in report.rows
        ]


def _sentence(detail: object) -> str:
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        detail = detail[0].get("msg")
    return detail if isinstance(detail, str) else "The file could not be imported"


@page(route="/p/[slug]/plan/transfer", title="Import and export · Plumbline", on_load=TransferState.load)
def transfer_page() -> rx.Component:
    """The page."""
    state: Any = TransferState
    return plan_frame(
        transfer_body(
            state,
            page_header("Import and export", note="The plan as files: to keep in a repository, to edit elsewhere, to bring along."),
            export_section(state),
            section("Tracking code", download_list(code_files(state.code_href, state.code_query)), note=PROMISE),
            import_section(state),
        ),
        active="events",
        crumbs=[Crumb("Events", ui_paths.project_events(slug_var())), Crumb("Import and export")],
    )
