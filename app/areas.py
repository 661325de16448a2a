"""The areas of the product: folders under `app/` that may bring routes (`api`) and pages (`pages`)."""

from __future__ import annotations

from typing import Final

AREAS: Final = (
    "identity",
    "projects",
    "plan",
    "ingest",
    "scans",
    "metrics",
    "detection",
    "alerting",
    "reconciliation",
    "assistant",
    "preferences",
    "developer",
    "tenants",
    "anomalies",
    "audit",
    "audit_chain",
    "logs",
    "security",
    "retention",
    "erasure",
)
