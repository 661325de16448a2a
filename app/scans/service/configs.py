"""Scan configs: listed, written and deleted. Only owners write them: they run SQL with the instance's credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.plan import service as plan
from app.projects import service as projects
from app.scans.config_rules import ConfigDraft, checked_config
from app.scans.contracts import ScanConfigView
from app.scans.drafts import SHAPES_NAMING, draft_of, stored_values
from app.scans.repository import configs, rows
from app.scans.service.views import config_view
from app.warehouse.service import check_base_query
from models.scans import DataSource, ScanConfig

NAME_TAKEN = "A scan with this name exists for this data source"


def list_configs(session: Session, actor: Actor, slug: str) -> list[ScanConfigView]:
    """The project's scan configs, newest first. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return [config_view(*row) for row in configs.configs_with_sources(session, project.id)]


def get_config(session: Session, actor: Actor, slug: str, scan_config_id: str) -> ScanConfigView:
    """One scan config of the project. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return config_view(*find_config(session, project.id, scan_config_id))


def create_config(session: Session, actor: Actor, slug: str, data_source_id: str, draft: ConfigDraft) -> ScanConfigView:
    """A scan config. Owners.

    Errors: NotFound for the project or data source, InvalidInput for a broken rule, Conflict for a name taken on the source.
    """
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    source = find_source(session, data_source_id)
    draft = checked_draft(session, project.id, source, draft)
    if configs.is_config_name_taken(session, project.id, source, draft.name):
        raise Conflict(NAME_TAKEN)
    config = ScanConfig(project_id=project.id, data_source_id=source.id, **stored_values(draft))
    _write(session, config)
    identity.record_audit(session, actor, "scan.create", "scan_config", config.id, project_slug=slug, payload={"name": draft.name})
    return config_view(config, source)


def update_config(session: Session, actor: Actor, slug: str, scan_config_id: str, changes: Mapping[str, Any]) -> ScanConfigView:
    """Change the attributes that `changes` holds (names of ConfigDraft). The rules hold for the merged config. Owners.

    Errors: NotFound, InvalidInput for a broken rule, Conflict for a name taken on the source.
    """
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    config, source = find_config(session, project.id, scan_config_id)
    draft = checked_draft(session, project.id, source, replace(draft_of(config), **changes))
    if draft.name != config.name and configs.is_config_name_taken(session, project.id, source, draft.name):
        raise Conflict(NAME_TAKEN)
    values = stored_values(draft)
    changed = [name for name, value in values.items() if getattr(config, name) != value]
    for name in changed:
        setattr(config, name, values[name])
    if SHAPES_NAMING & set(changed):
        config.naming = {}
    if changed:
        # Whatever made earlier runs fail may be repaired now.
        config.consecutive_failures = 0
        config.next_attempt_at = None
    _write(session, config)
    payload = {"changed": ", ".join(changed)}
    identity.record_audit(session, actor, "scan.update", "scan_config", config.id, project_slug=slug, payload=payload)
    return config_view(config, source)


def delete_config(session: Session, actor: Actor, slug: str, scan_config_id: str) -> None:
    """Delete the config with its jobs, counts and anomalies; the plan keeps its events. Owners. Errors: NotFound."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    config, _ = find_config(session, project.id, scan_config_id)
    name = config.name
    rows.delete(session, config)
    identity.record_audit(session, actor, "scan.delete", "scan_config", scan_config_id, project_slug=slug, payload={"name": name})


def set_paused(session: Session, actor: Actor, slug: str, scan_config_id: str, *, is_paused: bool) -> ScanConfigView:
    """Stop or resume the scheduled collection. Owners. Errors: NotFound."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    config, source = find_config(session, project.id, scan_config_id)
    config.is_paused = is_paused
    _write(session, config)
    action = "scan.pause" if is_paused else "scan.resume"
    identity.record_audit(session, actor, action, "scan_config", config.id, project_slug=slug)
    return config_view(config, source)


def find_config(session: Session, project_id: str, config_id: str) -> tuple[ScanConfig, DataSource]:
    """The project's config with its source. Errors: NotFound."""
    found = configs.configs_with_sources(session, project_id, config_id)
    if not found:
        raise NotFound("Scan not found")
    return found[0]


def find_source(session: Session, data_source_id: str) -> DataSource:
    """The instance's data source. Errors: NotFound."""
    source = configs.data_source(session, data_source_id)
    if source is None:
        raise NotFound("Data source not found")
    return source


def checked_draft(session: Session, project_id: str, source: DataSource, draft: ConfigDraft) -> ConfigDraft:
    """The draft after every rule. Errors: InvalidInput, also for a query that writes and a type that is not on main."""
    draft = checked_config(draft)
    check_base_query(source.db_type, draft.base_query, is_builtin=source.is_builtin)
    if draft.event_type_id is not None and not plan.is_on_main(session, project_id, draft.event_type_id):
        raise InvalidInput("The event type is not on the main branch of this project", field="event_type_id")
    return draft


def _write(session: Session, config: ScanConfig) -> None:
    try:
        rows.add(session, config)
    except IntegrityError:
        raise Conflict(NAME_TAKEN) from None
