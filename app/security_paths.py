"""Addresses of a project's security pages. A segment is a string, or a Reflex variable that becomes one in the browser."""

from __future__ import annotations

from urllib.parse import quote

from app.ui_paths import with_query


def project_security(slug: object, days: str = "") -> str:
    """Alerts, sign-ins by place, actors and networks of the last days."""
    return f"/p/{slug}/security" + (f"?days={quote(days, safe='')}" if days else "")


def project_actors(slug: object, **chosen: str) -> str:
    """Actors by how unusual they were: above, days, page; `actor` opens one of them."""
    return with_query(f"/p/{slug}/actors", chosen)


def project_security_alerts(
    slug: object, *, status: str = "", severity: str = "", alert_type: str = "", actor: str = "", page: str = ""
) -> str:
    """Security alerts; without a status those that are open."""
    return with_query(
        f"/p/{slug}/security/alerts", {"status": status, "severity": severity, "type": alert_type, "actor": actor, "page": page}
    )


def project_security_alert(slug: object, alert_id: object) -> str:
    """One security alert."""
    return f"/p/{slug}/security/alerts/{alert_id}"


def project_threat_models(slug: object, edit: object = "") -> str:
    """Rules the project writes itself; `edit` opens one of them, or `new`."""
    return f"/p/{slug}/security/threat-models" + ("" if edit == "" else f"?edit={edit}")


def project_security_events(slug: object, **filters: str) -> str:
    """The explorer of security events: event, severity, actor, ip, country, days, from, to, page; `id` opens one event."""
    return with_query(f"/p/{slug}/security/events", {name.rstrip("_"): value for name, value in filters.items()})
