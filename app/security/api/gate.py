"""Who calls the security surface, from where and how often (contract C.1, C.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fastapi import Request
from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.errors import Forbidden, TooManyRequests, Unauthorized
from app.security.plans import FREE, UNLIMITED, SecurityPlan, plan_of
from app.security.service import intake, origins

STANDING: Final = "security_standing"
_LONGEST_TOKEN: Final = 512
_MOST_TENANTS: Final = 10_000
_LOCAL_ORIGIN: Final = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.ASCII)


class Watch:
    """The clock of this surface; tests set another one."""

    clock: Clock = SYSTEM_CLOCK


@dataclass(frozen=True, slots=True)
class Standing:
    """What the headers of every answer say of the caller's plan."""

    plan: SecurityPlan = FREE
    used: int = 0
    rate_left: int | None = None

    @property
    def remaining(self) -> int | None:
        """Events left in the month; None without limit."""
        limit = self.plan.events_per_month
        return None if limit is None else max(0, limit - self.used)

    def headers(self, now: datetime) -> dict[str, str]:
        """The plan headers. Words stand where a plan has no limit."""
        plan = self.plan
        rate = plan.requests_per_minute
        left = rate if self.rate_left is None else self.rate_left
        return {
            "X-LiteSOC-Plan": plan.name,
            "X-LiteSOC-Retention": f"{plan.retention_days} days",
            "X-LiteSOC-Cutoff": instant(plan.cutoff(now)),
            "X-LiteSOC-Quota-Limit": _number(plan.events_per_month),
            "X-LiteSOC-Quota-Remaining": _number(self.remaining),
            "X-LiteSOC-Quota-Used": str(self.used),
            "X-RateLimit-Limit": _number(rate),
            "X-RateLimit-Remaining": _number(left),
        }

    def quota(self) -> dict[str, int | None]:
        """The quota as bodies show it."""
        return {"remaining": self.remaining, "limit": self.plan.events_per_month}


class MinuteWindow:
    """Calls per tenant in the running minute of this process."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[datetime, int]] = {}

    def left(self, tenant_id: str, plan: SecurityPlan, now: datetime) -> int | None:
        """How many still fit."""
        if plan.requests_per_minute is None:
            return None
        minute, count = self._counts.get(tenant_id, (now, 0))
        return max(0, plan.requests_per_minute - (count if minute == _minute(now) else 0))

    def take(self, tenant_id: str, plan: SecurityPlan, amount: int, now: datetime) -> None:
        """All of them or none; TooManyRequests says when the next minute begins."""
        left = self.left(tenant_id, plan, now)
        if left is None:
            return
        minute = _minute(now)
        if amount > left:
            wait = (minute + timedelta(minutes=1) - now).total_seconds()
            raise TooManyRequests(
                f"More than {plan.requests_per_minute} requests per minute", retry_after_seconds=max(1, round(wait))
            )
        limit = plan.requests_per_minute or 0
        self._counts.pop(tenant_id, None)
        self._counts[tenant_id] = (minute, limit - left + amount)
        if len(self._counts) > _MOST_TENANTS:
            del self._counts[next(iter(self._counts))]


RATES = MinuteWindow()


def token_of(request: Request, *, is_webhook: bool = False) -> str:
    """The key of the header; webhooks may send it as bearer token or in the query. Unauthorized when there is none."""
    token = request.headers.get("x-api-key", "").strip()
    if not token and is_webhook:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else ""
        token = token or request.query_params.get("api_key", "").strip()
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise Unauthorized("Missing or invalid API key")
    return token


def principal_for(session: Session, token: str, now: datetime) -> IngestPrincipal:
    """Who the key stands for. Unauthorized when it is unknown, expired or of another surface; Forbidden when suspended."""
    principal = identity.ingest_principal_for(session, token, now)
    if principal is None or principal.kind is not IngestKind.SECURITY or (principal.expires_at and now >= principal.expires_at):
        raise Unauthorized("Missing or invalid API key")
    if principal.tenant_status == "suspended":
        raise Forbidden("The organization is suspended")
    return principal


def enter(
    session: Session, request: Request, now: datetime, *, is_writing: bool = False, is_webhook: bool = False
) -> tuple[IngestPrincipal, SecurityPlan]:
    """The caller, counted against nothing yet; notes for the headers what the plan is. Unauthorized, Forbidden."""
    principal = principal_for(session, token_of(request, is_webhook=is_webhook), now)
    plan = plan_of(principal.tenant_plan)
    used = intake.booked(session, principal, now)
    note(request, Standing(plan, used, RATES.left(principal.tenant_id, plan, now)))
    origin = request.headers.get("origin")
    if origin is not None:
        authorise_origin(origin, plan, lambda: origins.authorised(session, principal))
    if is_writing and principal.scope is IngestScope.READ:
        raise Forbidden("The key may only read")
    return principal, plan


def count_call(request: Request, principal: IngestPrincipal, plan: SecurityPlan, amount: int, now: datetime) -> None:
    """Take `amount` from the caller's minute. TooManyRequests."""
    try:
        RATES.take(principal.tenant_id, plan, amount, now)
    finally:
        note(request, replace(standing(request), rate_left=RATES.left(principal.tenant_id, plan, now)))


def authorise_origin(origin: str, plan: SecurityPlan, allowed: Callable[[], list[str]]) -> None:
    """Forbidden unless the origin is local or one of the authorised ones; as many of them count as the plan allows."""
    if _LOCAL_ORIGIN.fullmatch(origin):
        return
    for entry in allowed()[: plan.origins]:
        if entry == origin or (plan.has_wildcards and _is_below(origin, entry)):
            return
    raise Forbidden("Origin is not authorized for this API key")


def standing(request: Request) -> Standing:
    """What is known of the caller so far."""
    found = getattr(request.state, STANDING, None)
    return found if isinstance(found, Standing) else Standing()


def note(request: Request, value: Standing) -> None:
    """Set what the answer's headers say."""
    setattr(request.state, STANDING, value)


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_below(origin: str, pattern: str) -> bool:
    scheme, _, domain = pattern.partition("://*.")
    return (
        bool(domain)
        and origin.startswith(f"{scheme}://")
        and re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", origin.removeprefix(f"{scheme}://").removesuffix(f".{domain}"), re.ASCII)
        is not None
        and origin.endswith(f".{domain}")
    )


def _number(value: int | None) -> str:
    return UNLIMITED if value is None else str(value)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
