"""What the wire surfaces answer when all is well, by operation, for the merged API description (contract A to D)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.anomalies.contracts import SEVERITIES
from app.anomalies.service import AnomalyStatus
from app.security.vocabulary import ALERT_SEVERITIES, ALERT_STATUSES, ALERT_TYPES

Json = dict[str, Any]

TEXT: Final[Json] = {"type": "string"}
OBJECT: Final[Json] = {"type": "object"}
_TEXT_OR_NULL: Final[Json] = {"type": ["string", "null"]}
_NUMBER: Final[Json] = {"type": "number"}
_NUMBER_OR_NULL: Final[Json] = {"type": ["number", "null"]}
_WHOLE: Final[Json] = {"type": "integer", "minimum": 0}
_WHOLE_OR_NULL: Final[Json] = {"type": ["integer", "null"], "minimum": 0}
_YES_NO: Final[Json] = {"type": "boolean"}
_YES_NO_OR_NULL: Final[Json] = {"type": ["boolean", "null"]}
_MOMENT: Final[Json] = {"type": "string", "format": "date-time"}
_MOMENT_OR_NULL: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
_TRUE: Final[Json] = {"const": True}


def members(optional: Mapping[str, Json] | None = None, **required: Json) -> Json:
    """An object with these members."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def words(*allowed: str) -> Json:
    """One of these words."""
    return {"type": "string", "enum": sorted(allowed)}


def many(item: Json) -> Json:
    """An array of these."""
    return {"type": "array", "items": item}


_PAGE: Final = members(total=_WHOLE, limit=_WHOLE, offset=_WHOLE, has_more=_YES_NO)
_TENANT_MEMBERS: Final[Json] = {
    "id": TEXT, "name": TEXT, "domain": _TEXT_OR_NULL, "plan": TEXT, "status": TEXT, "industry": _TEXT_OR_NULL,
    "company_size": _TEXT_OR_NULL, "created_at": _MOMENT, "updated_at": _MOMENT, "projects": many(TEXT),
    "quotas": members(
        events_per_day=_WHOLE_OR_NULL, anomalies_per_day=_WHOLE_OR_NULL, storage_gb=_WHOLE, requests_per_minute=_WHOLE
    ),
    "usage": members(events=_WHOLE, anomalies=_WHOLE, storage_gb=_NUMBER, api_requests=_WHOLE, last_reset=_MOMENT),
}  # fmt: skip
_TENANT: Final = members(**_TENANT_MEMBERS)
_ANOMALY_MEMBERS: Final[Json] = {
    "id": TEXT, "timestamp": _MOMENT, "severity": words(*SEVERITIES), "status": words(*AnomalyStatus),
    "confidence": {"type": "number", "minimum": 0, "maximum": 1}, "type": TEXT, "description": TEXT,
    "indicators": many(members(name=TEXT, value=_NUMBER, threshold=_NUMBER, unit=TEXT)),
    "evidence": members(baseline_period=TEXT, compression_ratio=_NUMBER, p_value=_NUMBER), "metadata": OBJECT,
}  # fmt: skip
_ANOMALY: Final = members(
    **_ANOMALY_MEMBERS,
    timeline=many(members(timestamp=_MOMENT, event=TEXT, description=TEXT)),
    feedback=many(members(feedback_type=TEXT, reason=TEXT, timestamp=_MOMENT)),
)
_TUNING: Final = members(baseline_size=_WHOLE, window_size=_WHOLE, hop_size=_WHOLE, p_value=_NUMBER, effect=_NUMBER)
_COLUMNS: Final = many(members(name=TEXT, type=TEXT))
_TABLE: Final = members(
    meta=_COLUMNS, data=many(OBJECT), rows=_WHOLE, rows_before_limit_at_least=_WHOLE,
    statistics=members(elapsed=_NUMBER, rows_read=_WHOLE, bytes_read=_WHOLE),
)  # fmt: skip
_PIPE: Final = members(name=TEXT, description=TEXT, endpoint=TEXT, parameters=many(OBJECT), columns=_COLUMNS)
_SOURCE: Final = members(name=TEXT, description=TEXT, columns=_COLUMNS, quarantine=TEXT)
_COUNTED: Final = members(successful_rows=_WHOLE, quarantined_rows=_WHOLE)
_TABLES: Final[Json] = {"application/json": _TABLE, "text/csv": TEXT, "application/x-ndjson": TEXT}
_META: Final[Json] = {"plan": TEXT, "retention_days": _WHOLE, "cutoff_date": _MOMENT}
_QUOTA: Final = members(remaining=_WHOLE_OR_NULL, limit=_WHOLE_OR_NULL)
_SECURITY_EVENT: Final = members(
    id=TEXT, org_id=TEXT, event_name=TEXT, actor_id=_TEXT_OR_NULL, actor_email=_TEXT_OR_NULL, user_ip=_TEXT_OR_NULL,
    server_ip=_TEXT_OR_NULL, country_code=_TEXT_OR_NULL, city=_TEXT_OR_NULL, is_vpn=_YES_NO_OR_NULL, is_tor=_YES_NO_OR_NULL,
    is_proxy=_YES_NO_OR_NULL, is_datacenter=_YES_NO_OR_NULL, latitude=_NUMBER_OR_NULL, longitude=_NUMBER_OR_NULL, severity=TEXT,
    metadata=OBJECT, created_at=_MOMENT,
)  # fmt: skip
_ALERT: Final = members(
    id=TEXT, alert_type=words(*ALERT_TYPES), severity=words(*ALERT_SEVERITIES), status=words(*ALERT_STATUSES), title=TEXT,
    description=TEXT, source_ip=_TEXT_OR_NULL, actor_id=_TEXT_OR_NULL, trigger_event_id=TEXT,
    forensics=members(network=OBJECT, location=OBJECT), created_at=_MOMENT, updated_at=_MOMENT, resolved_at=_MOMENT_OR_NULL,
    resolved_by=_TEXT_OR_NULL, metadata=OBJECT,
)  # fmt: skip
_ALERT_CHANGE: Final = members(
    success=_TRUE,
    data=members(
        id=TEXT, status=words("open", "resolved", "dismissed"), action=words("resolve", "mark_safe", "reopen"),
        resolution_type=_TEXT_OR_NULL, resolved_at=_MOMENT_OR_NULL, resolved_by=_TEXT_OR_NULL, updated_at=_MOMENT,
    ),
)  # fmt: skip
_COLLECTED: Final[Json] = {"success": _TRUE, "status": {"const": "queued"}, "quota": _QUOTA}
_SAID: Final = members(loc={"type": "null"}, msg=TEXT, type={"type": "null"})
_ACCOUNT: Final = members(id=TEXT, username=TEXT, email=TEXT, createdAt=_MOMENT, lastUpdatedAt=_MOMENT)
_RECORD: Final = members(
    category=TEXT, tags=members(application=TEXT, environment=TEXT), method=TEXT, status=TEXT, level=TEXT, timestamp=_MOMENT,
    event=members(
        id=TEXT, name=TEXT, type=TEXT, stage=_WHOLE, totalDuration=_NUMBER_OR_NULL, affectedResources=_WHOLE,
        latency=_NUMBER_OR_NULL, cpuUsage=_NUMBER_OR_NULL, memoryUsage=_NUMBER_OR_NULL, description=_TEXT_OR_NULL,
    ),
    actor=members(origin=TEXT), resource={"type": ["object", "null"]}, metadata=OBJECT,
)  # fmt: skip

_JSON_ANSWERS: Final[dict[str, Json]] = {
    "create_tenant": members(**_TENANT_MEMBERS, api_key=TEXT),
    "list_tenants": members(tenants=many(_TENANT), pagination=_PAGE),
    "get_tenant": _TENANT,
    "update_tenant": _TENANT,
    "get_tenant_usage": members(
        tenant_id=TEXT, events=_WHOLE, anomalies=_WHOLE, storage_gb=_NUMBER, api_requests=_WHOLE, last_reset=_MOMENT
    ),
    "get_tenant_quota": members(exceeded=_YES_NO),
    "list_anomalies": members(
        anomalies=many(members(**_ANOMALY_MEMBERS)), pagination=_PAGE, total=_WHOLE, limit=_WHOLE, offset=_WHOLE, has_more=_YES_NO
    ),
    "get_anomaly": _ANOMALY,
    "set_anomaly_status": _ANOMALY,
    "give_anomaly_feedback": _ANOMALY,
    "export_anomaly": members(
        anomaly=_ANOMALY,
        signed=members(id=TEXT, timestamp=_MOMENT, confidence=_NUMBER, evidence=OBJECT, exported_by=TEXT, exported_at=_MOMENT),
        digest=members(algorithm={"const": "sha256"}, value={"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    ),
    "get_detection_config": _TUNING,
    "change_detection_config": _TUNING,
    "anomaly_summary": members(
        total=_WHOLE, by_stream_type=OBJECT, by_status=OBJECT, by_severity=OBJECT, significant=_WHOLE,
        mean_ncd=_NUMBER_OR_NULL, mean_p_value=_NUMBER_OR_NULL, time_range={"type": ["object", "null"]},
    ),
    "compression_timeline": members(points=many(members(timestamp=_MOMENT, anomaly_id=TEXT, stream_type=TEXT, ncd=_NUMBER))),
    "ncd_heatmap": members(cells=many(members(stream_type=TEXT, hour=_WHOLE, count=_WHOLE, mean_ncd=_NUMBER))),
    "append_log_rows": _COUNTED,
    "list_log_pipes": members(pipes=many(_PIPE)),
    "list_log_data_sources": members(datasources=many(_SOURCE)),
    "get_log_data_source": _SOURCE,
    "load_log_data_source": members(
        datasource=_SOURCE, import_id=TEXT, invalid_lines=_WHOLE, quarantine_rows=_WHOLE, error={"const": False}
    ),
    "collect_security_events": members({"queued": _WHOLE, "event_id": TEXT}, **_COLLECTED),
    "collect_security_batch": members(**_COLLECTED, queued=_WHOLE),
    "security_agent_heartbeat": members(success=_TRUE, status=TEXT, update={"type": "null"}, timestamp=_MOMENT),
    "list_security_events": members(
        success=_TRUE, data=many(_SECURITY_EVENT), pagination=_PAGE, meta=members(**_META, redacted=_YES_NO, max_limit=_WHOLE)
    ),
    "get_security_event": members(success=_TRUE, data=_SECURITY_EVENT),
    "list_security_alerts": members(success=_TRUE, data=many(_ALERT), pagination=_PAGE, meta=members(**_META)),
    "get_security_alert": members(success=_TRUE, data=_ALERT),
    "update_security_alert": _ALERT_CHANGE,
    "resolve_security_alert": _ALERT_CHANGE,
    "mark_security_alert_safe": _ALERT_CHANGE,
    "receive_auth0_logs": members(**_COLLECTED, queued=_WHOLE, received=_WHOLE),
    "receive_supabase_change": members(**_COLLECTED, queued=_WHOLE, received=_WHOLE),
    "audit_sign_up": _SAID,
    "audit_activate": _SAID,
    "audit_resend_activation": _SAID,
    "audit_login": members(access_token=TEXT, token_type={"const": "Bearer"}),
    "audit_change_password": _SAID,
    "audit_forgot_password": _SAID,
    "audit_check_reset": _SAID,
    "audit_reset_password": _SAID,
    "audit_my_access_key": members(accessKey={"type": "string", "format": "uuid"}),
    "audit_me": _ACCOUNT,
    "audit_user": _ACCOUNT,
    "audit_log_list": many(_RECORD),
    "audit_log_trail": many(_RECORD),
    "audit_metric_names": many(TEXT),
    "audit_metric": many(members(groupKey=TEXT, data=many(members(range=TEXT, value=_NUMBER_OR_NULL)))),
    "audit_metric_counts": many(members(range=TEXT, data={"type": "object", "additionalProperties": _WHOLE})),
}  # fmt: skip
_OTHER_ANSWERS: Final[dict[str, Json]] = {
    "stream_anomalies": {"text/event-stream": TEXT},
    "read_log_pipe": {**_TABLES, "application/json": {"anyOf": [_TABLE, _PIPE]}},
    "read_log_pipe_by_post": _TABLES,
    "run_log_sql": {"text/tab-separated-values": TEXT, **_TABLES},
    "run_log_sql_by_post": {"text/tab-separated-values": TEXT, **_TABLES},
}


def describe_answers(operation: Json) -> None:
    """Put the shapes into the operation, at the status of its success; nothing for one without a body."""
    name, responses = operation["operationId"], operation["responses"]
    content = _OTHER_ANSWERS.get(name) or ({"application/json": _JSON_ANSWERS[name]} if name in _JSON_ANSWERS else None)
    if content is None:
        return
    status = min(responses)
    responses[status]["content"] = {media: {"schema": schema} for media, schema in content.items()}
    if name == "append_log_rows":
        responses["200"] = {"description": "With wait=true, once the rows can be read", "content": responses[status]["content"]}
