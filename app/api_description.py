"""What the merged API description says of the wire surfaces (contract A to D).

Their routes read bodies themselves and refuse in dialects of their own, so the framework knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from app.audit.shapes import ChangePasswordForm, EmailForm, LoginForm, NewPasswordForm, RecordIn, SignUpForm

Json = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{model}"
_FORMS: Final = (SignUpForm, LoginForm, EmailForm, NewPasswordForm, ChangePasswordForm)
_TEXT: Final[Json] = {"type": "string"}
_OBJECT: Final[Json] = {"type": "object"}
_PHRASES: Final = {
    400: "What was sent is faulty",
    401: "No valid credential",
    403: "The credential may not do this",
    404: "There is no such thing",
    409: "There is one already",
    410: "The link is expired, used or unknown",
    413: "The body is too large",
    415: "The encoding of the body is not known",
    422: "What was sent is faulty",
    429: "Too much for the plan; Retry-After says when to try again",
    503: "Nothing can be accepted at the moment; Retry-After says when to try again",
}


def _members(**members: Json) -> Json:
    return {"type": "object", "required": list(members), "properties": members}


def _named(model: type) -> Json:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


@dataclass(frozen=True, slots=True)
class _Surface:
    """A wire surface: where it lives, how callers prove themselves, and how it refuses."""

    prefixes: tuple[str, ...]
    security: tuple[str, ...]
    faults: tuple[int, ...]
    error: Json
    open_paths: tuple[str, ...] = field(default=())


_SCHEMES: Final[Json] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "token": {"type": "apiKey", "in": "query", "name": "token"},
    "accessKey": {"type": "apiKey", "in": "header", "name": "api-key"},
}
_SURFACES: Final = (
    _Surface(
        ("/v1/",),
        ("bearer", "apiKey"),
        (400, 401, 403, 404, 409, 413, 415, 429, 503),
        _members(error=_members(code=_TEXT, message=_TEXT, request_id=_TEXT)),
    ),
    _Surface(("/v0/",), ("bearer", "token"), (400, 403, 404, 409, 413, 415, 429, 503), _members(error=_TEXT, documentation=_TEXT)),
    _Surface(
        ("/collect", "/events", "/alerts", "/webhooks/", "/agent/"),
        ("apiKey",),
        (400, 401, 403, 404, 413, 429, 503),
        _members(error=_TEXT, code=_TEXT, message=_TEXT),
    ),
    _Surface(
        ("/auth/", "/users/", "/audit/"),
        ("bearer",),
        (400, 401, 403, 404, 410, 413, 422, 429, 503),
        _members(
            detail={
                "oneOf": [_members(msg=_TEXT), {"type": "array", "items": _members(loc={"type": "array"}, msg=_TEXT, type=_TEXT)}]
            }
        ),
        open_paths=("/auth/signup", "/auth/activate", "/auth/login", "/auth/password/forgot", "/auth/password/reset"),
    ),
)
_EVENT: Final[Json] = {
    "type": "object",
    "required": ["service"],
    "properties": {
        "timestamp": {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "number", "description": "Unix seconds"}]},
        "service": {"type": "string", "minLength": 1},
        "operation": _TEXT,
        "duration": {"type": "number", "minimum": 0, "description": "milliseconds"},
        "status": _TEXT,
        "user_id": _TEXT,
        "session_id": _TEXT,
        "ip_address": _TEXT,
        "user_agent": _TEXT,
        "custom_attributes": _OBJECT,
    },
}
_EVENTS: Final[Json] = _members(events={"type": "array", "minItems": 1, "items": _EVENT})
_SECURITY_EVENT: Final[Json] = {
    "type": "object",
    "required": ["event"],
    "properties": {
        "event": {"type": "string", "example": "auth.login_failed"},
        "actor": {"type": ["object", "null"], "properties": {"id": _TEXT, "email": _TEXT}},
        "user_ip": _TEXT,
        "metadata": _OBJECT,
    },
}
_SECURITY_BATCH: Final[Json] = _members(events={"type": "array", "minItems": 1, "maxItems": 100, "items": _SECURITY_EVENT})
_PARAMETERS: Final[Json] = {"type": "object", "additionalProperties": _TEXT}
_BODIES: Final[dict[str, Json]] = {
    "append_log_rows": {"application/x-ndjson": _TEXT, "application/json": _OBJECT},
    "load_log_data_source": {"text/csv": _TEXT, "application/x-ndjson": _TEXT, "multipart/form-data": _OBJECT},
    "read_log_pipe_by_post": {"application/x-www-form-urlencoded": _PARAMETERS, "application/json": _PARAMETERS},
    "run_log_sql_by_post": {"text/plain": _TEXT, "application/json": _members(q=_TEXT)},
    "collect_security_events": {"application/json": {"oneOf": [_SECURITY_EVENT, _SECURITY_BATCH]}},
    "collect_security_batch": {"application/json": _SECURITY_BATCH},
    "resolve_security_alert": {"application/json": _members(alert_id=_TEXT)},
    "mark_security_alert_safe": {"application/json": _members(alert_id=_TEXT)},
    "update_security_alert": {
        "application/json": {
            "type": "object",
            "properties": {
                "status": {"enum": ["open", "resolved", "safe"]},
                "action": {"enum": ["resolve", "mark_safe"]},
                "resolution_type": {"enum": ["blocked_ip", "reset_password", "contacted_user", "false_positive", "other"]},
                "internal_notes": _TEXT,
                "resolved_by": _TEXT,
            },
        }
    },
    "receive_auth0_logs": {"application/json": {"type": "array", "items": _members(log_id=_TEXT, data=_OBJECT)}},
    "receive_supabase_change": {"application/json": _members(type=_TEXT, table=_TEXT, schema=_TEXT)},
    "security_agent_heartbeat": {"application/json": _members(hostname=_TEXT)},
    "audit_sign_up": {"application/x-www-form-urlencoded": _named(SignUpForm)},
    "audit_login": {"application/x-www-form-urlencoded": _named(LoginForm)},
    "audit_resend_activation": {"application/x-www-form-urlencoded": _named(EmailForm)},
    "audit_forgot_password": {"application/x-www-form-urlencoded": _named(EmailForm)},
    "audit_reset_password": {"application/x-www-form-urlencoded": _named(NewPasswordForm)},
    "audit_change_password": {"application/x-www-form-urlencoded": _named(ChangePasswordForm)},
    "audit_log_append": {"application/json": {"oneOf": [_named(RecordIn), {"type": "array", "items": _named(RecordIn)}]}},
}
_ACCEPT_EVENTS: Final[Json] = {
    "tags": ["events"],
    "summary": "Accept Events",
    "description": "Take in events; a faulty one counts as failed and the others are kept.",
    "operationId": "accept_events",
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"oneOf": [_EVENTS, _EVENT]}}}},
    "responses": {
        "200": {
            "description": "How many were kept and how many were not",
            "content": {
                "application/json": {"schema": _members(processed={"type": "integer"}, failed={"type": "integer"}, message=_TEXT)}
            },
        }
    },
}


def complete(description: Json) -> None:
    """Add bodies, refusals and credentials of the wire surfaces, and the route for events, which no router holds."""
    description["paths"]["/v1/events"] = {"post": {**_ACCEPT_EVENTS, "responses": dict(_ACCEPT_EVENTS["responses"])}}
    components = description.setdefault("components", {})
    components["securitySchemes"] = {**components.get("securitySchemes", {}), **_SCHEMES}
    _, shapes = models_json_schema([(model, "validation") for model in (*_FORMS, RecordIn)], ref_template=_REFERENCE)
    components.setdefault("schemas", {}).update(shapes["$defs"])
    for path, operations in description["paths"].items():
        surface = next((found for found in _SURFACES if path.startswith(found.prefixes)), None)
        if surface is not None:
            for operation in operations.values():
                _complete(path, operation, surface)


def _complete(path: str, operation: Json, surface: _Surface) -> None:
    body = _BODIES.get(operation["operationId"])
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": schema} for kind, schema in body.items()}}
    responses = operation["responses"]
    if 422 not in surface.faults:
        responses.pop("422", None)
    for status in surface.faults:
        responses[str(status)] = {
            "description": _PHRASES[status],
            "content": {"application/json": {"schema": surface.error}},
        }
    if path.startswith(surface.open_paths):
        operation["security"] = []
    elif operation["operationId"] == "audit_log_append":
        operation["security"] = [{"accessKey": []}]
    else:
        operation["security"] = [{name: []} for name in surface.security]
