"""Routes of the audit log with its own refusals (contract D)."""

from __future__ import annotations

from fastapi import APIRouter

from app.audit.api import accounts, records
from app.audit.api.dialect import application

router = APIRouter()
for _part in (accounts, records):
    router.routes.extend(_part.router.routes)  # flat: the edge reads the path of every route

__all__ = ["application", "router"]
