"""The parts of the page that carries plans in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from app.plan.pages.plan_frame import plan_body
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    form_field,
    notice,
    section,
    text_input,
)
from components.downloads import download_list
from components.inline_edit import form_refusal

FORMATS: Sequence[tuple[str, str, str]] = (
    ("yaml", "YAML folder (.zip)", "One file per event type. Made for a repository: a change moves no other line."),
    ("json", "JSON", "The whole plan in one file."),
    (
        "csv",
        "Events as CSV",
        "Events only, one per row, for a spreadsheet. Event types, fields, variables and relations are not in it.",
    ),
)
_ACCEPT = ".zip,.yaml,.yml,.json,.csv"


@dataclass(frozen=True)
class ImportLine:
    """A row of the preview."""

    name: str
    sort: str
    status: str
    tone: str
    place: str
    reason: str
    changes: list[str] = field(default_factory=list)


def transfer_body(state: Any, *content: Any) -> rx.Component:
    """The page once it is loaded."""
    return plan_body(state, *content, on_retry=state.load, what="project")


def export_section(state: Any) -> rx.Component:
    """A download per format, of the branch that is open."""
    return section(
        "Export",
        download_list((text, about, f"{state.export_href}{name}") for name, text, about in FORMATS),
        note=rx.cond(state.is_main, "Main as it is now", f"The branch {state.branch_name} as it is now"),
    )


def import_section(state: Any) -> rx.Component:
    """Choose a file, look at what it would do, and bring it to a branch."""
    return section(
        "Import",
        rx.cond(state.may_import, _import_form(state), empty_state("Editors import", "You may look and export.")),
        note="Lands on a new branch made from main. What the file does not name stays.",
    )


def _import_form(state: Any) -> rx.Component:
    return rx.el.form(
        form_field(
            "File",
            rx.el.input(
                id="plan-file", type="file", accept=_ACCEPT, aria_describedby="plan-file-hint plan-file-error", class_name="input"
            ),
            field_id="plan-file",
            hint="A zipped YAML folder, YAML, JSON, or events as CSV; at most 10 MB. Nothing changes before you have seen it.",
        ),
        rx.el.p(role="status", class_name="muted"),
        rx.el.textarea(hidden=True, default_value="", on_change=state.receive, aria_label="Answer"),
        rx.cond(state.summary != "", _preview(state), form_refusal(state.refusal)),
        custom_attrs={"data-transfer": state.import_href},
        class_name="transfer-form",
    )


def _preview(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.h3(state.filename, class_name="transfer-file"),
        rx.el.p(state.summary, role="status", class_name="num"),
        rx.cond(state.refusal != "", notice(state.refusal, tone="warn"), rx.fragment()),
        rx.cond(state.can_import, _branch_form(state), rx.fragment()),
        data_table(
            [
                Column("Entry", _entry),
                Column("Result", lambda line: badge(line.status, line.tone), width="110px"),
                Column("What", _what),
                Column("Where", lambda line: rx.el.span(line.place, class_name="muted"), secondary=True),
            ],
            state.lines,
            caption="What the import does, row by row",
            empty=rx.fragment(),
        ),
        rx.cond(state.omitted != "", rx.el.p(state.omitted, class_name="muted"), rx.fragment()),
    )


def _branch_form(state: Any) -> rx.Component:
    return rx.el.div(
        form_field(
            "Name of the branch",
            text_input(
                field_id="branch_name", name="branch_name", default_value=state.branch_name, key=state.branch_name, max_length=255
            ),
            field_id="branch_name",
        ),
        button("Import to branch", kind="primary", type="submit"),
        class_name="transfer-branch",
    )


def _entry(line: Any) -> rx.Component:
    return rx.el.span(line.name, rx.el.span(line.sort, class_name="cell-sub"), class_name="named")


def _what(line: Any) -> rx.Component:
    return rx.el.div(
        rx.cond(line.reason != "", rx.el.p(line.reason), rx.fragment()),
        rx.foreach(line.changes, lambda change: rx.el.p(change, class_name="transfer-change")),
    )
