"""What the merged API description says of the wire surfaces (contract A to D).

Their routes read bodies themselves and refuse in dialects of their own, so the framework knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from app.anomalies.service import ALIASES, FEEDBACK
from app.anomalies.tuning import BOUNDS
from app.api_answers import OBJECT, TEXT, describe_answers, members, words
from app.api_parameters import describe_parameters
from app.audit.shapes import ChangePasswordForm, EmailForm, LoginForm, NewPasswordForm, RecordIn, SignUpForm
from app.security.vocabulary import RESOLUTION_TYPES
from app.tenants.service import QUOTAS, TenantStatus

Json = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{model}"
_FORMS: Final = (SignUpForm, LoginForm, EmailForm, NewPasswordForm, ChangePasswordForm)
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
        members(error=members(code=TEXT, message=TEXT, request_id=TEXT)),
    ),
    _Surface(("/v0/",), ("bearer", "token"), (400, 403, 404, 409, 413, 415, 429, 503), members(error=TEXT, documentation=TEXT)),
    _Surface(
        ("/collect", "/events", "/alerts", "/webhooks/", "/agent/"),
        ("apiKey",),
        (400, 401, 403, 404, 413, 429, 503),
        members(error=TEXT, code=TEXT, message=TEXT),
    ),
    _Surface(
        ("/auth/", "/users/", "/audit/"),
        ("bearer",),
        (400, 401, 403, 404, 410, 413, 422, 429, 503),
        members(
            detail={"oneOf": [members(msg=TEXT), {"type": "array", "items": members(loc={"type": "array"}, msg=TEXT, type=TEXT)}]}
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
        "operation": TEXT,
        "duration": {"type": "number", "minimum": 0, "description": "milliseconds"},
        "status": TEXT,
        "user_id": TEXT,
        "session_id": TEXT,
        "ip_address": TEXT,
        "user_agent": TEXT,
        "custom_attributes": OBJECT,
    },
}
_EVENTS: Final[Json] = members(events={"type": "array", "minItems": 1, "items": _EVENT})
_ACTOR_TEXT: Final[Json] = {"type": "string", "maxLength": 320}
_SECURITY_EVENT: Final[Json] = {
    "type": "object",
    "required": ["event"],
    "properties": {
        "event": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+$",
            "maxLength": 200,
            "example": "auth.login_failed",
        },
        "actor": {"type": ["object", "null"], "properties": {"id": _ACTOR_TEXT, "email": _ACTOR_TEXT}},
        "user_ip": {"type": ["string", "null"]},
        "metadata": {"type": ["object", "null"], "description": "at most 32 KB"},
    },
}
_SECURITY_BATCH: Final[Json] = members(events={"type": "array", "minItems": 1, "maxItems": 100, "items": _SECURITY_EVENT})
_PARAMETERS: Final[Json] = {"type": "object", "additionalProperties": TEXT}
_WORD: Final[Json] = {"type": "string", "pattern": r"\w", "maxLength": 300}
_ROW: Final[Json] = {"type": ["object", "null"]}
_CLOSING: Final[Json] = {
    "resolution_type": words(*RESOLUTION_TYPES),
    "internal_notes": {"type": "string", "maxLength": 10_000},
    "resolved_by": {"type": "string", "maxLength": 10_000},
}
_TUNING: Final[Json] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        name: {"type": "integer" if name.endswith("_size") else "number", "minimum": least, "maximum": most}
        for name, (least, most) in BOUNDS.items()
    },
}
_NOTE: Final[Json] = {"type": "string", "maxLength": 10_000}
_TENANT_CHANGE: Final[Json] = {
    "plan": words(*QUOTAS),
    "industry": {"type": ["string", "null"], "maxLength": 128},
    "company_size": {"type": ["string", "null"], "maxLength": 64},
}
_TENANT_NAMES: Final[Json] = {
    "name": {"type": "string", "pattern": r"\w", "maxLength": 255},
    "domain": {"type": "string", "format": "hostname", "maxLength": 253},
}
_BODIES: Final[dict[str, Json]] = {
    "create_tenant": {"application/json": members(_TENANT_CHANGE, **_TENANT_NAMES)},
    "update_tenant": {"application/json": members({**_TENANT_NAMES, **_TENANT_CHANGE, "status": words(*TenantStatus)})},
    "set_anomaly_status": {"application/json": members({"notes": _NOTE}, status=words(*ALIASES))},
    "give_anomaly_feedback": {"application/json": members({"reason": _NOTE}, feedback_type=words(*FEEDBACK))},
    "change_detection_config": {"application/json": _TUNING},
    "append_log_rows": {"application/x-ndjson": TEXT, "application/json": OBJECT},
    "load_log_data_source": {"text/csv": TEXT, "application/x-ndjson": TEXT, "multipart/form-data": OBJECT},
    "read_log_pipe_by_post": {"application/x-www-form-urlencoded": _PARAMETERS, "application/json": _PARAMETERS},
    "run_log_sql_by_post": {"text/plain": TEXT, "application/json": members(q=TEXT)},
    "collect_security_events": {"application/json": {"oneOf": [_SECURITY_EVENT, _SECURITY_BATCH]}},
    "collect_security_batch": {"application/json": _SECURITY_BATCH},
    "resolve_security_alert": {"application/json": members(_CLOSING, alert_id=_WORD)},
    "mark_security_alert_safe": {"application/json": members(_CLOSING, alert_id=_WORD)},
    "update_security_alert": {
        "application/json": {
            "anyOf": [
                members(_CLOSING, status=words("open", "resolved", "safe")),
                members(_CLOSING, action=words("resolve", "mark_safe")),
            ]
        }
    },
    "receive_auth0_logs": {
        "application/json": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": members({"log_id": TEXT}, data=members(type=_WORD)),
        }
    },
    "receive_supabase_change": {
        "application/json": members(type=words("INSERT", "UPDATE", "DELETE"), table=TEXT, schema=TEXT, record=_ROW, old_record=_ROW)
    },
    "security_agent_heartbeat": {"application/json": members({"ip_address": TEXT, "agent_version": TEXT}, hostname=_WORD)},
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
    "parameters": [
        {"name": "X-Tenant-ID", "in": "header", "required": False, "schema": TEXT, "description": "the key's tenant"},
        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": TEXT, "description": "the same for a repetition"},
        {
            "name": "wait",
            "in": "query",
            "required": False,
            "schema": words("1"),
            "description": "answer once the events can be read",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_EVENTS, _EVENT, {"type": "array", "minItems": 1, "items": _EVENT}]}}
        },
    },
    "responses": {
        "200": {
            "description": "How many were kept and how many were not",
            "content": {
                "application/json": {
                    "schema": members(
                        {"errors": {"type": "array"}, "repeated": {"type": "integer"}, "stored": {"type": "boolean"}},
                        processed={"type": "integer"},
                        failed={"type": "integer"},
                        message={"const": "Events processed successfully"},
                    )
                }
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
    describe_parameters(operation)
    describe_answers(operation)
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
