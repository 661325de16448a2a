"""Alerts: lists, one, and both dialects of closing them (contract C.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.kernel.errors import BadRequest
from app.security.api.gate import Watch, count_call, enter, instant
from app.security.api.parameters import bounded, offset_of
from app.security.api.work import body_of, read, write
from app.security.normalise import decode
from app.security.plans import ALERTS_PAGE, MOST_ALERTS_PAGE
from app.security.service import alerts
from app.security.service.alerts import Change
from app.security.vocabulary import ALERT_SEVERITIES, ALERT_STATUSES, ALERT_TYPES, RESOLUTION_TYPES

router = APIRouter(tags=["Security"])

_BY_STATUS: Final = {"open": "open", "resolved": "resolved", "safe": "dismissed", "dismissed": "dismissed"}
_BY_ACTION: Final = {"resolve": "resolved", "mark_safe": "dismissed"}
_LONGEST_NOTES: Final = 10_000


@router.get("/alerts", operation_id="list_security_alerts")
async def list_alerts(
    request: Request,
    status: str = "",
    severity: str = "",
    alert_type: str = "",
    limit: str | None = None,
    offset: str | None = None,
) -> JSONResponse:
    """A page of alerts, newest first."""
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now)
    count_call(request, principal, plan, 1, now)
    size = bounded("limit", limit, default=ALERTS_PAGE, least=1, most=MOST_ALERTS_PAGE)
    skip = offset_of(offset)
    rows, total = await read(
        alerts.list_alerts,
        principal,
        plan,
        now,
        status=_word("status", status, ALERT_STATUSES),
        severity=_word("severity", severity, ALERT_SEVERITIES),
        alert_type=_word("alert_type", alert_type, ALERT_TYPES),
        limit=size,
        offset=skip,
    )
    pagination = {"total": total, "limit": size, "offset": skip, "has_more": skip + len(rows) < total}
    meta = {"plan": plan.name, "retention_days": plan.retention_days, "cutoff_date": instant(plan.cutoff(now))}
    return JSONResponse({"success": True, "data": rows, "pagination": pagination, "meta": meta})


@router.post("/alerts/resolve", operation_id="resolve_security_alert")
async def resolve(request: Request) -> JSONResponse:
    """Resolve the alert that the body names."""
    return await _change_named(request, "resolve")


@router.post("/alerts/safe", operation_id="mark_security_alert_safe")
async def mark_safe(request: Request) -> JSONResponse:
    """Dismiss the alert that the body names."""
    return await _change_named(request, "mark_safe")


@router.get("/alerts/{alert_id}", operation_id="get_security_alert")
async def get_alert(request: Request, alert_id: str) -> JSONResponse:
    """One alert."""
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now)
    count_call(request, principal, plan, 1, now)
    return JSONResponse({"success": True, "data": await read(alerts.get_alert, principal, plan, alert_id, now)})


@router.patch("/alerts/{alert_id}", operation_id="update_security_alert")
async def update_alert(request: Request, alert_id: str) -> JSONResponse:
    """Resolve, dismiss or reopen an alert, by its status or by an action."""
    return await _change(request, None, alert_id)


async def _change_named(request: Request, action: str) -> JSONResponse:
    return await _change(request, action, None)


async def _change(request: Request, action: str | None, alert_id: str | None) -> JSONResponse:
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now, is_writing=True)
    count_call(request, principal, plan, 1, now)
    content = decode(await body_of(request))
    if not isinstance(content, Mapping):
        raise BadRequest("The body must be a JSON object")
    if alert_id is None:
        alert_id = _text(content, "alert_id") or _text(content, "alertId") or _text(content, "id")
        if alert_id is None:
            raise BadRequest("'alert_id' is required")
    change = _change_of({**content, "action": action} if action else content)
    return JSONResponse({"success": True, "data": await write(alerts.change_alert, principal, plan, alert_id, change, now)})


def _change_of(content: Mapping[str, Any]) -> Change:
    action, status = content.get("action"), content.get("status")
    if action is not None:
        wanted = _BY_ACTION.get(action) if isinstance(action, str) else None
        if wanted is None:
            raise BadRequest("'action' is not one of resolve, mark_safe")
    else:
        wanted = _BY_STATUS.get(status) if isinstance(status, str) else None
        if wanted is None:
            raise BadRequest("'status' is not one of open, resolved, safe")
    kind = _text(content, "resolution_type")
    if kind is not None and kind not in RESOLUTION_TYPES:
        raise BadRequest(f"'resolution_type' is not one of {', '.join(sorted(RESOLUTION_TYPES))}")
    return Change(wanted, kind, _text(content, "internal_notes"), _text(content, "resolved_by"))


def _text(content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _LONGEST_NOTES):
        raise BadRequest(f"'{name}' must be a text of at most {_LONGEST_NOTES} characters")
    return value.replace("\0", "") or None if value is not None else None


def _word(name: str, text: str, allowed: frozenset[str]) -> str | None:
    word = text.strip().lower()
    if word and word not in allowed:
        raise BadRequest(f"'{name}' is not one of {', '.join(sorted(allowed))}")
    return word or None
