"""The plan's routes, one module per tag of the contract."""

from __future__ import annotations

from fastapi import APIRouter

from app.plan.api import (
    branches,
    chart_annotations,
    drifts,
    event_types,
    events,
    fields,
    meta_fields,
    owners,
    photos,
    plan_rules,
    relations,
    revisions,
    transfer,
    variables,
)

router = APIRouter()
for _module in (
    event_types,
    drifts,
    owners,
    fields,
    meta_fields,
    variables,
    relations,
    branches,
    revisions,
    events,
    photos,
    plan_rules,
    chart_annotations,
    transfer,
):
    router.routes.extend(_module.router.routes)  # flat: the edge reads the path of every route
