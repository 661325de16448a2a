"""Refusals with a code of their own on the security surface (contract C.7)."""

from __future__ import annotations

from app.kernel.errors import Forbidden


class PlanRestricted(Forbidden):
    """The plan does not include what was asked for."""


class QuotaExceeded(Forbidden):
    """The month's events do not hold what was sent."""
