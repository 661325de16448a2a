"""The routes of the security surface, with the application that gives them their dialect."""

from __future__ import annotations

from fastapi import APIRouter

from app.security.api import alerts, collect, events, webhooks
from app.security.api.dialect import application

__all__ = ["application", "router"]

router = APIRouter()
for _part in (collect, events, alerts, webhooks):
    router.routes.extend(_part.router.routes)  # flat: the edge reads the path of every route
