"""What the scan page reads: the form, the choices it offers, a preview or dry run as rows, and the scan's runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Forbidden
from app.plan import service as plan
from app.scans import service as scans
from app.scans.editing import EMPTY_FORM, form_of
from app.scans.pages.scans import JobRow, job_row
from app.scans.pages.words import counted
from app.scans.sources import service as sources
from components.format import full_number

NEW = "new"
MOST_RUNS = 10
_LONGEST_CELL = 120


@dataclass(frozen=True)
class EditorView:
    """One scan and what its form offers. `sources` and `event_types` are (value, text) choices."""

    scan_id: str = ""
    title: str = ""
    is_new: bool = False
    may_write: bool = False
    may_run: bool = False
    is_paused: bool = False
    is_schedulable: bool = False
    live_job_id: str = ""
    form: dict[str, str] = field(default_factory=dict)
    sources: list[list[str]] = field(default_factory=list)
    event_types: list[list[str]] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)


@dataclass(frozen=True)
class Grid:
    """A preview: columns as (name, type), rows as texts, JSON paths as (path, samples, "kept" or nothing).

    A kept path has a column of its own behind those of the query.
    """

    columns: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    paths: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Forecast:
    """A dry run in sentences and short tables."""

    headline: str = ""
    details: list[str] = field(default_factory=list)
    columns: list[list[str]] = field(default_factory=list)
    events: list[list[str]] = field(default_factory=list)
    variables: list[list[str]] = field(default_factory=list)


def editor_view(session: Session, actor: Actor, slug: str, scan_id: str, zone: ZoneInfo) -> EditorView:
    """The scan, or an empty form for `new`. Errors: NotFound, Forbidden for a new one below owner."""
    may_write = actor.role is UserRole.OWNER
    # The built-in store always answers, so it is the one a newcomer meets first.
    listed = sorted(sources.list_sources(session, actor), key=lambda one: not one.is_builtin)
    known_sources = [[one.id, one.name] for one in listed]
    types = [["", "Named by a column"], *([one.id, one.display_name] for one in plan.list_event_types(session, actor, slug))]
    if scan_id == NEW:
        if not may_write:
            raise Forbidden("Only owners set up scans: they run SQL with the instance's credentials.")
        form = {**EMPTY_FORM, "data_source_id": known_sources[0][0] if known_sources else ""}
        return EditorView("", "New scan", True, True, form=form, sources=known_sources, event_types=types)
    config = scans.get_config(session, actor, slug, scan_id)
    jobs = scans.list_jobs(session, actor, slug, scan_id, limit=MOST_RUNS).items
    now = SYSTEM_CLOCK.now()
    return EditorView(
        scan_id=config.id,
        title=config.name,
        may_write=may_write,
        may_run=actor.role in (UserRole.EDITOR, UserRole.OWNER),
        is_paused=config.is_paused,
        is_schedulable=config.is_schedulable,
        live_job_id=next((job.id for job in jobs if job.status.is_live), ""),
        form=form_of(config),
        sources=known_sources,
        event_types=types,
        jobs=[job_row(slug, job, {config.id: config.name}, zone, now) for job in jobs],
    )


def grid_of(result: Mapping[str, Any], kept: Collection[str] = ()) -> Grid:
    """A preview's result as a grid, with the values at the kept paths."""
    names = [column["name"] for column in result["columns"]]
    found = [(column["column"], path) for column in result["json_columns"] for path in column["paths"]]
    shown = [(name, path) for name, path in found if path["full_path"] in kept]
    return Grid(
        columns=[
            *([column["name"], column["type_name"]] for column in result["columns"]),
            *([path["full_path"], "JSON value"] for _, path in shown),
        ],
        rows=[
            [*(_cell(row.get(name)) for name in names), *(_cell(_inside(row.get(name), path["path"])) for name, path in shown)]
            for row in result["rows"]
        ],
        paths=[
            [path["full_path"], ", ".join(path["sample_values"]), "kept" if path["full_path"] in kept else ""] for _, path in found
        ],
    )


def paths_in(text: str) -> list[str]:
    """The paths of the form's field."""
    return [path for path in (part.strip() for part in text.split(",")) if path]


def toggled(text: str, path: str) -> str:
    """The form's field with the path added, or without it."""
    present = paths_in(text)
    return ", ".join([one for one in present if one != path] if path in present else [*present, path])


def _inside(value: object, path: str) -> object:
    """The value at a dotted path of an object; None for nothing. A key may hold dots itself: the longest that fits is meant."""
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        key = ".".join(parts[:length])
        if key in value:
            return _inside(value[key], ".".join(parts[length:]))
    return None


def forecast_view(result: Mapping[str, Any]) -> Forecast:
    """A dry run's result in words."""
    events, variables = result["events_to_create"], result["variables_to_create"]
    types = result["event_types_to_create"]
    also = f" and {counted(len(types), 'event type')}" if types else ""
    return Forecast(
        headline=(
            f"A scan would create {counted(events, 'event')}, {counted(variables, 'variable')}{also}. "
            f"In the plan already: {counted(result['events_existing'], 'event')}."
        ),
        details=[str(line) for line in result["details"]],
        columns=[[column["name"], column["why"]] for column in result["columns"]],
        events=[
            [event["event_type"], event["name"], full_number(event["count"]), "New" if event["is_new"] else "Known"]
            for event in result["events"]
        ],
        variables=[
            [variable["name"], variable["source_name"], variable["variable_type"], "New" if variable["is_new"] else "Known"]
            for variable in result["variables"]
        ],
    )


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
