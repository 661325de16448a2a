"""Routes tagged chart-annotations (contract 2.7)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import PROJECT, Caller, Db, Editor
from app.plan import service
from app.plan.shapes.usage import ChartAnnotationCreate, ChartAnnotationResponse
from app.plan.shapes.value_types import Moment

router = APIRouter(tags=["chart-annotations"])

ANNOTATIONS = PROJECT + "/annotations"


@router.get(ANNOTATIONS, operation_id="list_chart_annotations")
def list_chart_annotations(
    slug: str,
    session: Db,
    actor: Caller,
    scope_type: str | None = None,
    scope_ref: str | None = None,
    time_from: Moment | None = None,
    time_to: Moment | None = None,
) -> list[ChartAnnotationResponse]:
    """Annotations by time; with both scope parameters those of the scope and those on every chart."""
    found = service.list_annotations(
        session, actor, slug, scope_type=scope_type, scope_ref=scope_ref, time_from=time_from, time_to=time_to
    )
    return [ChartAnnotationResponse.model_validate(annotation) for annotation in found]


@router.post(ANNOTATIONS, operation_id="create_chart_annotation", status_code=201)
def create_chart_annotation(slug: str, body: ChartAnnotationCreate, session: Db, actor: Editor) -> ChartAnnotationResponse:
    """Mark an instant on one chart or on all."""
    return ChartAnnotationResponse.model_validate(service.create_annotation(session, actor, slug, body.draft()))


@router.delete(ANNOTATIONS + "/{annotation_id}", operation_id="delete_chart_annotation", status_code=204)
def delete_chart_annotation(slug: str, annotation_id: UUID, session: Db, actor: Editor) -> None:
    """Delete the annotation."""
    service.delete_annotation(session, actor, slug, str(annotation_id))
