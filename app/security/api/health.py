"""What the health route says to a caller who sends a key, and to a browser before it does (contract 0.1, C.7, C.9)."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from app.kernel.database import session_scope
from app.kernel.errors import AppError
from app.security.api.dialect import answer_preflight, let_browsers_read, refused
from app.security.api.gate import Watch, enter, standing
from app.security.service import intake

__all__ = ["answer_preflight", "keyed_health"]


def keyed_health(request: Request, content: dict[str, object]) -> JSONResponse:
    """The body with organisation and quota for a valid `X-API-Key`, 401 for any other, 403 for a suspended tenant's and for a page
    of an origin that is not authorised."""
    now = Watch.clock.now()
    try:
        with session_scope(write=False) as session:
            principal, plan = enter(session, request, now)
            organisation = {"id": principal.tenant_id, "name": intake.organisation_name(session, principal)}
    except AppError as refusal:
        answer = refused(request, refusal)
    else:
        known = standing(request)
        quota = {"limit": plan.events_per_month, "used": known.used, "remaining": known.remaining}
        answer = JSONResponse({**content, "authenticated": True, "organization": organisation, "plan": plan.name, "quota": quota})
    answer.headers.update(standing(request).headers(now))
    let_browsers_read(answer.headers, request.headers.get("origin"))
    return answer
