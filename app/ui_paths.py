"""Every address of the user interface. Pages and components link through these functions only.

A segment is a string, or a Reflex variable that becomes one in the browser.
"""

from __future__ import annotations

from urllib.parse import quote

LOGIN = "/login"
REGISTER = "/register"
HOME = "/home"
MEMBERS = "/settings/members"
API_KEYS = "/settings/api-keys"


def login(next_path: str = "") -> str:
    """The sign-in page, which returns to `next_path` afterwards."""
    return f"{LOGIN}?next={quote(next_path, safe='')}" if next_path else LOGIN


def register(next_path: str = "") -> str:
    """The sign-up page, which leads to `next_path` afterwards."""
    return f"{REGISTER}?next={quote(next_path, safe='')}" if next_path else REGISTER


def project_overview(slug: object) -> str:
    """A project's overview."""
    return f"/p/{slug}"


def project_events(slug: object) -> str:
    """The plan's events with their volume."""
    return f"/p/{slug}/events"


def project_event(slug: object, event_id: object) -> str:
    """One event of the plan."""
    return f"/p/{slug}/events/{event_id}"


def project_inbox(slug: object) -> str:
    """Incidents found by detection."""
    return f"/p/{slug}/inbox"


def project_heatmap(slug: object) -> str:
    """Volume by weekday and hour."""
    return f"/p/{slug}/heatmap"


def project_live(slug: object) -> str:
    """Events as they arrive."""
    return f"/p/{slug}/live"


def project_scans(slug: object) -> str:
    """Scans of the project and their jobs."""
    return f"/p/{slug}/scans"


def project_keys(slug: object) -> str:
    """Ingest keys of the project."""
    return f"/p/{slug}/keys"


def safe_next(path: str) -> str:
    """`path` when it leads to a page of this instance, else the project list; never another host."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_local and not path.startswith((LOGIN, REGISTER)) else HOME
