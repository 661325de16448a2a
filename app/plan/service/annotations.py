"""Annotations: marks such as deployments on charts (contract 2.7). They belong to the project, not to a branch."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput, NotFound
from app.plan.drafts import AnnotationDraft
from app.plan.repository import definitions
from app.plan.repository import usage as rows
from app.plan.views import AnnotationView
from app.plan.vocabulary import AnnotationScope
from app.projects import service as projects
from models.attachments import ChartAnnotation


def list_annotations(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    scope_type: str | None = None,
    scope_ref: str | None = None,
    time_from: datetime | None = None,
    time_to: datetime | None = None,
) -> list[AnnotationView]:
    """The project's annotations by bucket, both bounds inclusive; anybody signed in.

    With scope type and ref those of that scope and those on every chart; with one of them or none all. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    scope = (scope_type.replace("\x00", ""), scope_ref.replace("\x00", "")) if scope_type and scope_ref else None
    return [_view(row) for row in rows.chart_annotations(session, project.id, scope=scope, time_from=time_from, time_to=time_to)]


def create_annotation(session: Session, actor: Actor, slug: str, draft: AnnotationDraft) -> AnnotationView:
    """An annotation. Editors and owners. Errors: NotFound; InvalidInput when only half of a scope is given."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    if (draft.scope_type is None) != (draft.scope_ref is None):
        missing = "scope_type" if draft.scope_type is None else "scope_ref"
        raise InvalidInput("Give both scope_type and scope_ref, or neither", field=missing)
    row = ChartAnnotation(project_id=project.id, created_by_user_id=actor.user_id, **asdict(draft))
    definitions.add(session, row)
    payload: dict[str, object] = {"label": row.label, "bucket": row.bucket.isoformat()}
    identity.record_audit(session, actor, "annotation.create", "annotation", row.id, project_slug=slug, payload=payload)
    return _view(row)


def delete_annotation(session: Session, actor: Actor, slug: str, annotation_id: str) -> None:
    """Delete the annotation. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = rows.annotation_of_project(session, project.id, annotation_id)
    if row is None:
        raise NotFound("Annotation not found")
    identity.record_audit(
        session, actor, "annotation.delete", "annotation", row.id, project_slug=slug, payload={"label": row.label}
    )
    definitions.delete(session, row)


def _view(row: ChartAnnotation) -> AnnotationView:
    return AnnotationView(
        id=row.id,
        project_id=row.project_id,
        scope_type=None if row.scope_type is None else AnnotationScope(row.scope_type),
        scope_ref=row.scope_ref,
        bucket=row.bucket,
        label=row.label,
        description=row.description,
        color=row.color,
        created_by_user_id=row.created_by_user_id,
        created_at=row.created_at,
    )
