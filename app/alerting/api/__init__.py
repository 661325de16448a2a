"""The routes of alerting."""

from __future__ import annotations

from fastapi import APIRouter

from app.alerting.api import deliveries, destinations, drills, monitors, questions, routing, schedules

router = APIRouter()
for _module in (destinations, schedules, routing, questions, monitors, deliveries, drills):
    router.routes.extend(_module.router.routes)  # flat: the edge reads the path of every route
