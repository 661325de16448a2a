"""What each plan of the security surface allows (contract C.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

UNLIMITED: Final = "unlimited"
MOST_BATCH_EVENTS: Final = 100
MOST_METADATA_BYTES: Final = 32 * 1024
MOST_BODY_BYTES: Final = 4 * 1024 * 1024
EVENTS_PAGE: Final = 50
MOST_EVENTS_PAGE: Final = 200
ALERTS_PAGE: Final = 100
MOST_ALERTS_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class SecurityPlan:
    """Limits of one plan; None is without limit."""

    name: str
    events_per_month: int | None
    requests_per_minute: int | None
    retention_days: int
    origins: int | None
    has_wildcards: bool
    is_full: bool
    """Whether alerts and the network part of events are shown."""
    has_threat_models: bool = False

    def cutoff(self, now: datetime) -> datetime:
        """Events before this instant are invisible."""
        return now - timedelta(days=self.retention_days)


FREE: Final = SecurityPlan("free", 10_000, 100, 7, 1, has_wildcards=False, is_full=False)
PRO: Final = SecurityPlan("pro", 500_000, 1_000, 30, 5, has_wildcards=True, is_full=True)
ENTERPRISE: Final = SecurityPlan("enterprise", None, 6_000, 90, None, has_wildcards=True, is_full=True, has_threat_models=True)

BY_TENANT_PLAN: Final = {
    "trial": FREE,
    "free": FREE,
    "starter": PRO,
    "pro": PRO,
    "enterprise": ENTERPRISE,
    "unlimited": ENTERPRISE,
}


def plan_of(tenant_plan: str) -> SecurityPlan:
    """The plan of a tenant; an unknown one counts as free."""
    return BY_TENANT_PLAN.get(tenant_plan, FREE)


def month_start(now: datetime) -> datetime:
    """The first instant of the calendar month in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
