"""Addresses of the user interface. Pages link through these functions only, and those of `security_paths` and `sign_in_paths`.

A segment is a string, or a Reflex variable that becomes one in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

HOME = "/home"
MEMBERS = "/settings/members"
TENANTS = "/settings/tenants"
API_KEYS = "/settings/api-keys"
DATA_SOURCES = "/settings/data-sources"
SETTINGS = "/settings"
HEALTH = "/settings/health"
SESSIONS = "/settings/sessions"
SIGN_IN_SECURITY = "/settings/sign-in-security"
AUDIT_LOG = "/settings/audit"
NEW = "new"
"""Stands for the id of something that is still to be made."""


def project_overview(slug: object) -> str:
    """A project's overview."""
    return f"/p/{slug}"


def project_events(slug: object) -> str:
    """The plan's events with their volume."""
    return f"/p/{slug}/events"


def events_with_tag(slug: object, tag: str, branch_id: str = "") -> str:
    """The plan's events that carry the tag."""
    return f"/p/{slug}/events?tag={quote(tag, safe='')}" + (f"&branch={quote(branch_id, safe='')}" if branch_id else "")


def project_event(slug: object, event_id: object) -> str:
    """One event of the plan."""
    return f"/p/{slug}/events/{event_id}"


def project_inbox(slug: object) -> str:
    """Incidents found by detection."""
    return f"/p/{slug}/inbox"


def project_signal(slug: object, signal_id: object, *, at: str = "") -> str:
    """One signal, `<scan>~<scope type>~<scope ref>`; `at` is the start of the incident that is meant."""
    return f"/p/{slug}/signals/{signal_id}" + (f"?at={quote(at, safe='')}" if at else "")


def project_anomaly_settings(slug: object) -> str:
    """What detection is told, with a preview."""
    return f"/p/{slug}/anomaly-settings"


def project_releases(slug: object, scan: str = "") -> str:
    """What the newest app release counts too little of, and who uses which release."""
    return f"/p/{slug}/releases" + (f"?scan={quote(scan, safe='')}" if scan else "")


def project_distribution(slug: object, *, scope: str = "", field: str = "", at: str = "", days: str = "") -> str:
    """How the values of watched fields moved: of all events or of an event type, one field and one bucket."""
    return with_query(f"/p/{slug}/distribution", {"scope": scope, "field": field, "at": at, "days": days})


def project_heatmap(slug: object) -> str:
    """Volume by weekday and hour."""
    return f"/p/{slug}/heatmap"


def project_monitoring(slug: object, *, series: str = "", days: str = "", column: str = "") -> str:
    """The project's total, or the series `event_type/<id>` or `event/<id>`, over so many days and split by the column."""
    return with_query(f"/p/{slug}/monitoring", {"series": series, "days": days, "by": column})


def project_bakeoff(slug: object, series: str = "") -> str:
    """Detectors compared on the project's total, or on the series `event_type/<id>` or `event/<id>`."""
    return f"/p/{slug}/bakeoff" + (f"?{urlencode({'series': series})}" if series else "")


def project_live(slug: object) -> str:
    """Events as they arrive."""
    return f"/p/{slug}/live"


def project_plan_rules(slug: object) -> str:
    """What the project asks of its plan."""
    return f"/p/{slug}/plan-rules"


def project_checks(slug: object) -> str:
    """What happens to events that break the plan, and which do."""
    return f"/p/{slug}/checks"


def project_drifts(slug: object, status: str = "") -> str:
    """Where the data departs from the plan; with a status only drifts under it."""
    return f"/p/{slug}/drifts" + (f"?status={quote(status, safe='')}" if status else "")


def project_unplanned(slug: object, *, tab: str = "", status: str = "", days: str = "") -> str:
    """Events that only the data has or, on the tab `dead`, only the plan."""
    return with_query(f"/p/{slug}/unplanned", {"tab": tab, "status": status, "days": days})


def project_coverage(slug: object, *, days: str = "", scan: str = "", event: str = "") -> str:
    """How much of the data the plan covers, and the ledger; an event shows its hours."""
    return with_query(f"/p/{slug}/coverage", {"days": days, "scan": scan, "event": event})


def project_sources(slug: object) -> str:
    """Who sends into the project."""
    return f"/p/{slug}/sources"


def project_logs(slug: object) -> str:
    """Log lines, their thresholds and the minutes above them."""
    return f"/p/{slug}/logs"


def project_rules(slug: object) -> str:
    """What is told, to whom and how often."""
    return f"/p/{slug}/rules"


def project_rule(slug: object, rule_id: object) -> str:
    """One rule and its editor; `new` for one to be made."""
    return f"/p/{slug}/rules/{rule_id}"


def project_monitors(slug: object, status: str = "") -> str:
    """How the rules are doing, those that fire first; with a status only those."""
    return f"/p/{slug}/monitors" + (f"?status={quote(status, safe='')}" if status else "")


def project_fire_drill(slug: object) -> str:
    """The drill that shows whether the project's alerts arrive."""
    return f"/p/{slug}/fire-drill"


def project_destinations(slug: object) -> str:
    """Where the project's alerts go."""
    return f"/p/{slug}/destinations"


def project_destination(slug: object, destination_id: object) -> str:
    """One destination and its form; `new` for one to be made."""
    return f"/p/{slug}/destinations/{destination_id}"


def project_deliveries(slug: object, *, state: str = "", destination: str = "", page: str = "") -> str:
    """What was told to whom; with a state (pending, sent, failed, dead) or a destination only those."""
    return with_query(f"/p/{slug}/deliveries", {"state": state, "destination": destination, "page": page})


def project_delivery(slug: object, delivery_id: object) -> str:
    """One delivery with its message as it was sent."""
    return f"/p/{slug}/deliveries/{delivery_id}"


def project_audit(slug: object, **chosen: str) -> str:
    """Audit records of the project; `trail` names the id whose records are shown whole."""
    return with_query(f"/p/{slug}/audit", chosen)


def project_activity(slug: object, kind: str = "") -> str:
    """What happened in the project lately; with a kind only that."""
    return f"/p/{slug}/activity" + (f"?kind={quote(kind, safe='')}" if kind else "")


def audit_log(**chosen: str) -> str:
    """Who changed what in this instance."""
    return with_query(AUDIT_LOG, chosen)


def project_scans(slug: object) -> str:
    """Scans of the project and their jobs."""
    return f"/p/{slug}/scans"


def project_scan(slug: object, scan_id: object) -> str:
    """One scan and its editor; `new` for one to be made."""
    return f"/p/{slug}/scans/{scan_id}"


def project_scan_job(slug: object, scan_id: object, job_id: object) -> str:
    """One run of a scan."""
    return f"/p/{slug}/scans/{scan_id}/jobs/{job_id}"


def project_erasures(slug: object) -> str:
    """People whose records were removed."""
    return f"/p/{slug}/erasures"


def project_keys(slug: object) -> str:
    """Ingest keys of the project."""
    return f"/p/{slug}/keys"


def project_event_types(slug: object) -> str:
    """The schemas that events share."""
    return f"/p/{slug}/event-types"


def project_event_type(slug: object, event_type_id: object) -> str:
    """One event type with its fields."""
    return f"/p/{slug}/event-types/{event_type_id}"


def project_variables(slug: object) -> str:
    """Placeholders in values."""
    return f"/p/{slug}/variables"


def project_relations(slug: object) -> str:
    """Which event types refer to which."""
    return f"/p/{slug}/relations"


def project_meta_fields(slug: object) -> str:
    """What the project notes about its events."""
    return f"/p/{slug}/meta-fields"


def project_branches(slug: object) -> str:
    """Lines of work on the plan."""
    return f"/p/{slug}/branches"


def project_branch(slug: object, branch_id: object) -> str:
    """The review of one branch."""
    return f"/p/{slug}/branches/{branch_id}"


def project_revisions(slug: object) -> str:
    """Snapshots of main."""
    return f"/p/{slug}/revisions"


def project_ask(slug: object) -> str:
    """Questions about the plan, answered with their sources."""
    return f"/p/{slug}/ask"


def project_developer(slug: object) -> str:
    """How to send events to the project and what to build against."""
    return f"/p/{slug}/developer"


def import_export(slug: object) -> str:
    """The plan as files: downloads, and an import with its preview."""
    return f"/p/{slug}/plan/transfer"


def data_source(source_id: object) -> str:
    """One data source, or the form of one to add."""
    return f"{DATA_SOURCES}/{source_id}"


def branch_query(branch_id: str) -> str:
    """What a plan page's address carries to stay on a working branch; empty on main."""
    return f"?branch={quote(branch_id, safe='')}" if branch_id else ""


def with_query(path: str, chosen: Mapping[str, str]) -> str:
    """The path with what was chosen of `chosen`; empty values are left out."""
    query = urlencode({name: value for name, value in chosen.items() if value})
    return path + (f"?{query}" if query else "")
