"""Event names with the severity the server gives them, and the words of alerts (contract C.4, C.6)."""

from __future__ import annotations

from typing import Final

CUSTOM_SEVERITY: Final = "info"
CRITICAL: Final = "critical"

_BY_SEVERITY: Final = {
    "info": ("auth.logout", "auth.session_expired", "auth.token_refreshed", "authz.permission_granted"),
    "low": ("auth.login_success", "auth.mfa_enabled", "admin.user_created"),
    "warning": ("authz.permission_revoked",),
    "medium": (
        "auth.login_failed",
        "auth.password_reset",
        "auth.mfa_disabled",
        "admin.settings_changed",
        "admin.api_key_created",
        "admin.api_key_revoked",
        "data.export",
        "security.rate_limit_exceeded",
    ),
    "high": ("admin.user_deleted", "admin.user_suspended", "security.ip_blocked"),
    CRITICAL: (
        "authz.access_denied",
        "authz.role_changed",
        "admin.privilege_escalation",
        "admin.user_impersonation",
        "data.bulk_delete",
        "data.sensitive_access",
        "security.suspicious_activity",
        "security.brute_force_detected",
    ),
}
SEVERITIES: Final = {name: severity for severity, names in _BY_SEVERITY.items() for name in names}

_FILTERS: Final = {
    "info": ("info", "low"),
    "warning": ("warning", "medium", "high"),
}

ALERT_TYPES: Final = frozenset(
    {
        "impossible_travel",
        "brute_force_attack",
        "geo_anomaly",
        "new_device",
        "privilege_escalation",
        "data_exfiltration",
        "suspicious_activity",
        "rate_limit_exceeded",
    }
)
ALERT_SEVERITIES: Final = frozenset({"low", "medium", "high", CRITICAL})
ALERT_STATUSES: Final = frozenset({"open", "acknowledged", "resolved", "dismissed"})
RESOLUTION_TYPES: Final = frozenset({"blocked_ip", "reset_password", "contacted_user", "false_positive", "other"})


def severity_of(event: str) -> str:
    """The severity of an event name; custom names are informational."""
    return SEVERITIES.get(event, CUSTOM_SEVERITY)


def severities_matching(word: str) -> tuple[str, ...] | None:
    """The stored severities a filter word stands for; None for an unknown word."""
    if word in _FILTERS:
        return _FILTERS[word]
    return (word,) if word in _BY_SEVERITY else None


def instant_alert_type(event: str) -> str | None:
    """The type of the alert that the event raises by itself, None when it raises none."""
    if severity_of(event) != CRITICAL:
        return None
    if event in ("admin.privilege_escalation", "authz.role_changed"):
        return "privilege_escalation"
    if event.startswith("data."):
        return "data_exfiltration"
    return "brute_force_attack" if event == "security.brute_force_detected" else "suspicious_activity"
