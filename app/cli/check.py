"""`plumbline check`: payloads and source code against the plan, for a build."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.vocabulary import FilterField, FilterOperator
from app.cli.console import EXIT_USAGE, fail, load_settings_or_exit
from app.cli.plan import branch_id_of, read_document
from app.eventstore.service import get_event_store
from app.identity.contracts import SYSTEM_ACTOR
from app.ingest.plan_check import PAYLOADS, SOURCES, LiveFacts, PlanCheck, as_json, markdown
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.errors import Unavailable
from app.migrations import upgrade
from app.plan import service as plan
from app.plan.contracts import FieldRules
from app.plan.transfer import service as transfer
from app.projects import service as projects

Names = frozenset[tuple[str, str]]
Fields = Mapping[str, list[FieldRules]]
Facts = dict[tuple[str, str], LiveFacts]

_LIVE = timedelta(days=7)
_MOST_FILE_BYTES = 20_000_000
_PASSED_OVER = frozenset({".git", "node_modules", ".venv", "venv", "dist", "build", "__pycache__"})


def check(
    path: Annotated[Path, typer.Argument(exists=True, help="A payload (.json, .ndjson), a source file, or a folder of them.")],
    project: Annotated[str | None, typer.Option(help="Slug of a project of this instance; adds live facts.")] = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", exists=True, help="A plan written by `plumbline export`, where there is no instance.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="With --project: name or id of a branch; main without it.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Also refuse properties that the plan does not name.")] = False,
    report: Annotated[Path | None, typer.Option(help="File for the report in Markdown; standard output without it.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Hold payloads and source code against the plan.

    Exit codes: 0 nothing breaks the plan, 1 something does, 2 wrong usage.
    """
    if (project is None) == (plan_file is None):
        fail("name either a project of this instance with --project, or a file with --plan", EXIT_USAGE)
    if plan_file is not None and branch is not None:
        fail("--branch goes with --project", EXIT_USAGE)
    facts: Facts = {}
    if plan_file is not None:
        names, fields = _plan_of_file(plan_file)
    else:
        assert project is not None
        names, fields, facts = _plan_of_instance(project, branch)
    checked = PlanCheck(names, fields, is_strict=strict, now=SYSTEM_CLOCK.now())
    found = checked.look(_files(path))
    if not found.payloads and not found.sources:
        fail(f"{path} holds neither payloads nor source code", EXIT_USAGE)
    unnamed = checked.unnamed(found)
    text = markdown(found, unnamed, facts)
    if report is not None:
        report.write_text(text, encoding="utf-8")
    typer.echo(as_json(found, unnamed, facts) if json_ else text)
    if found.findings:
        raise typer.Exit(1)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield path.name, path.read_bytes()
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for file in (Path(folder, name) for name in sorted(files)):
            if file.suffix.lower() in PAYLOADS | SOURCES and file.is_file() and file.stat().st_size <= _MOST_FILE_BYTES:
                yield file.relative_to(path).as_posix(), file.read_bytes()


def _plan_of_file(path: Path) -> tuple[Names, Fields]:
    """The plan of a file, read by laying it into an empty database: the one reader of plans there is."""
    document = read_document(path)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/plan.db"
        upgrade(url)
        engine = create_engine(url)
        try:
            with session_scope(engine) as session:
                project = projects.create_project(session, SYSTEM_ACTOR, "Check", "check")
                try:
                    made = transfer.import_plan(session, SYSTEM_ACTOR, "check", document, branch_name="file")
                except transfer.ImportRefused as refusal:
                    first = refusal.preview.errors[0]
                    fail(f"{path}: {first.place}: {first.reason}", EXIT_USAGE)
                branch_id = made.branch.id if made.branch is not None else None
                return plan.planned_names(session, project.id, branch_id), plan.field_rules(session, project.id, branch_id)
        finally:
            engine.dispose()


def _plan_of_instance(slug: str, branch: str | None) -> tuple[Names, Fields, Facts]:
    settings = load_settings_or_exit()
    upgrade(settings)
    with session_scope(write=False) as session:
        project = projects.get_project(session, SYSTEM_ACTOR, slug)
        branch_id = branch_id_of(session, slug, branch)
        names = plan.planned_names(session, project.id, branch_id)
        fields = plan.field_rules(session, project.id, branch_id)
        alerts = _alerts(session, slug)
    now = SYSTEM_CLOCK.now()
    counts = {}
    try:
        counts = {
            (group.source, group.name): group
            for group in get_event_store().count_groups(project.tenant_id, project.id, "event", now - _LIVE, now)
        }
    except Unavailable as error:
        typer.echo(f"plumbline: no live counts: {error.message}", err=True)
        return names, fields, {}
    facts = {
        pair: LiveFacts(
            counts[pair].count if pair in counts else 0,
            counts[pair].last_at if pair in counts else None,
            alerts.get(pair, ()),
        )
        for pair in names
    }
    return names, fields, facts


def _alerts(session: Session, slug: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Names of the rules that speak of an event by name."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    events = {event.id: event for event in plan.list_events(session, SYSTEM_ACTOR, slug, limit=10_000).items}
    monitors = alerting.list_monitors(session, SYSTEM_ACTOR, slug)
    for rule in (monitor.rule for monitor in monitors):
        for condition in rule.spec.filters:
            if condition.field is FilterField.EVENT and condition.operator is FilterOperator.IN:
                for event in (events[value] for value in condition.values if value in events):
                    pair = (event.event_type_name, event.source_name or event.name)
                    found[pair] = (*found.get(pair, ()), rule.spec.name)
    return found
