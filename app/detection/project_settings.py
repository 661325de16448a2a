"""A project's detection settings: what they are, and changing them (contract 6.1)."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import asdict, fields, replace

from sqlmodel import Session

from app.detection import repository
from app.detection.contracts import DetectionSettings, StoredSettings
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput
from app.projects import service as projects
from app.projects.contracts import ProjectView
from models.detection import AnomalySettings

_SETTING_NAMES = tuple(field.name for field in fields(DetectionSettings))


def get_settings(session: Session, actor: Actor, slug: str) -> DetectionSettings:
    """The project's settings, defaults when nobody chose any. Errors: NotFound."""
    return get_stored_settings(session, actor, slug).settings


def get_stored_settings(session: Session, actor: Actor, slug: str) -> StoredSettings:
    """The settings with the identity of their row, which is fixed before the row exists, so that reading never writes."""
    return stored_settings(session, projects.get_project(session, actor, slug))


def update_settings(session: Session, actor: Actor, slug: str, changes: Mapping[str, object]) -> StoredSettings:
    """Change the settings named. Editors and owners. Switching detection off deletes what it found (contract 6.1).

    Errors: NotFound, InvalidInput for a value that breaks a constraint.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = repository.settings_row(session, project.id, lock=True) or _add_row(session, project)
    before = settings_of_row(row)
    known = {name: value for name, value in changes.items() if name in _SETTING_NAMES}
    after = replace(before, **known)  # type: ignore[arg-type]
    check_settings(after)
    changed = {name: value for name, value in asdict(after).items() if value != getattr(before, name)}
    for name, value in changed.items():
        setattr(row, name, value)
    if before.anomaly_detection_enabled and not after.anomaly_detection_enabled:
        repository.delete_findings(session, project.id)
    if changed:
        session.flush()
        identity.record_audit(session, actor, "anomaly_settings.update", "project", project.id, project_slug=slug, payload=changed)
    return stored_settings(session, project)


def settings_of_project(session: Session, project_id: str) -> DetectionSettings:
    """The project's settings for background work; the defaults when nobody chose any."""
    row = repository.settings_row(session, project_id)
    return DetectionSettings() if row is None else settings_of_row(row)


def enable_by_default(session: Session, project_id: str) -> None:
    """Switch detection on where nobody has chosen settings yet; nothing happens otherwise."""
    if repository.settings_row(session, project_id) is None:
        row = AnomalySettings(id=_settings_id(project_id), project_id=project_id, anomaly_detection_enabled=True)
        repository.add_settings(session, row)


def _settings_id(project_id: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"plumbline:anomaly-settings:{project_id}"))


def _add_row(session: Session, project: ProjectView) -> AnomalySettings:
    row = AnomalySettings(id=_settings_id(project.id), project_id=project.id, created_at=project.created_at)
    repository.add_settings(session, row)
    return row


def stored_settings(session: Session, project: ProjectView) -> StoredSettings:
    """The settings of a project that was found before, with the identity of their row."""
    row = repository.settings_row(session, project.id)
    if row is None:
        return StoredSettings(_settings_id(project.id), project.id, DetectionSettings(), project.created_at, project.created_at)
    return StoredSettings(row.id, project.id, settings_of_row(row), row.created_at, row.updated_at)


def settings_of_row(row: AnomalySettings) -> DetectionSettings:
    """The values of a stored row."""
    return DetectionSettings(**{name: getattr(row, name) for name in _SETTING_NAMES})


def check_settings(settings: DetectionSettings) -> None:
    """Errors: InvalidInput for a value that breaks a constraint (contract 6.1)."""
    if settings.baseline_window_buckets < 1:
        raise InvalidInput("must be at least 1", field="baseline_window_buckets")
    if settings.min_history_buckets < 1:
        raise InvalidInput("must be at least 1", field="min_history_buckets")
    if settings.min_history_buckets > settings.baseline_window_buckets:
        raise InvalidInput("must not be larger than baseline_window_buckets", field="min_history_buckets")
    if not (math.isfinite(settings.sigma_threshold) and settings.sigma_threshold > 0):
        raise InvalidInput("must be a number above 0", field="sigma_threshold")
    if settings.min_expected_count < 0:
        raise InvalidInput("must be at least 0", field="min_expected_count")
