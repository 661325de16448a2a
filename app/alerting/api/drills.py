"""Routes on fire drills. An addition of ours, tagged alerting."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.alerting import service
from app.alerting.shapes.drills import (
    FireDrillRequest,
    FireDrillResponse,
    FireDrillRunListResponse,
    FireDrillRunResponse,
    drill_response,
    run_response,
    runs_response,
)
from app.http import PROJECT, Caller, Db, Editor

router = APIRouter(tags=["alerting"])

DRILL = PROJECT + "/fire-drill"


@router.get(DRILL, operation_id="get_fire_drill")
def get_fire_drill(slug: str, session: Db, actor: Caller) -> FireDrillResponse:
    """How the project's fire drill is set up."""
    return drill_response(service.get_drill(session, actor, slug))


@router.put(DRILL, operation_id="set_fire_drill")
def set_fire_drill(slug: str, body: FireDrillRequest, session: Db, actor: Editor) -> FireDrillResponse:
    """Set the fire drill up; once it is switched on it runs at once and then by its interval."""
    return drill_response(service.set_drill(session, actor, slug, body.settings()))


@router.post(DRILL + "/run", operation_id="run_fire_drill", status_code=202)
def run_fire_drill(slug: str, session: Db, actor: Editor) -> FireDrillRunResponse:
    """Begin a drill now; its stages fill in while it runs."""
    return run_response(service.run_drill(session, actor, slug))


@router.get(DRILL + "/runs", operation_id="list_fire_drill_runs")
def list_fire_drill_runs(
    slug: str,
    session: Db,
    actor: Caller,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> FireDrillRunListResponse:
    """The project's drills, newest first."""
    return runs_response(service.list_drill_runs(session, actor, slug, limit=limit, offset=offset))
