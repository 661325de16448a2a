"""The routes of scans, one module per noun."""

from __future__ import annotations

from fastapi import APIRouter

from app.scans.api import configs, jobs, looks
from app.scans.sources import api as sources

router = APIRouter()
for _module in (sources, looks, configs, jobs):
    router.routes.extend(_module.router.routes)  # flat: the edge reads the path of every route
