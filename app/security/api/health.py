"""What the health route says to a caller who sends a key (contract 0.1, C.9)."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from app.kernel.database import session_scope
from app.kernel.errors import AppError
from app.security.api.dialect import EXPOSED, error_answer
from app.security.api.gate import RATES, Standing, Watch, principal_for
from app.security.plans import month_start, plan_of
from app.security.repository import accounts


def keyed_health(request: Request, content: dict[str, object]) -> JSONResponse:
    """The body with organisation and quota for a valid `X-API-Key`, 401 for any other, 403 for a suspended tenant's."""
    now = Watch.clock.now()
    token = request.headers.get("x-api-key", "").strip()
    with session_scope(write=False) as session:
        try:
            principal = principal_for(session, token, now)
        except AppError as refusal:
            code = "UNAUTHORIZED" if refusal.status == 401 else "FORBIDDEN"
            answer = error_answer(refusal.status, code, refusal.message)
            answer.headers.update(Standing().headers(now))
            return answer
        plan = plan_of(principal.tenant_plan)
        used = accounts.used_quota(session, principal.tenant_id, month_start(now))
        organisation = {"id": principal.tenant_id, "name": accounts.organisation_name(session, principal.tenant_id)}
    standing = Standing(plan, used, RATES.left(principal.tenant_id, plan, now))
    quota = {"limit": plan.events_per_month, "used": used, "remaining": standing.remaining}
    body = {**content, "authenticated": True, "organization": organisation, "plan": plan.name, "quota": quota}
    return JSONResponse(body, headers={**standing.headers(now), "Access-Control-Expose-Headers": EXPOSED})
