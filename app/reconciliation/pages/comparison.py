"""Whether scans have compared data and plan at all: without that an empty list is unknown, and never an all-clear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor, UserRole
from app.reconciliation import service
from components import empty_state, link_button
from components.format import local_time

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Compared:
    """What a page says of the newest comparison; `title` and `text` say why there is none."""

    is_known: bool = False
    title: str = ""
    text: str = ""
    action: str = ""
    href: str = ""
    when: str = ""


def compared_view(session: Session, actor: Actor, slug: str, zone: ZoneInfo, now: datetime, *, days: int | None = None) -> Compared:
    """The newest comparison; with `days` one that is older counts as none. Errors: NotFound."""
    found = service.get_comparison(session, actor, slug)
    if found.compared_at is not None:
        when = local_time(found.compared_at, zone, now=now)
        if days is None or found.compared_at > now - timedelta(days=days):
            return Compared(is_known=True, when=f"Compared last on {when}.")
        title, text = f"Nothing was compared in the last {days} days", f"The newest complete run of a scan ended on {when}."
    elif found.scan_count:
        title, text = "Nothing was compared yet", "No scan of this project has completed a run."
    else:
        title, text = "Nothing was compared yet", "Scans hold the data against the plan, and this project has none."
        if actor.role is UserRole.OWNER:
            return Compared(title=title, text=text, action="Set up a scan", href=ui_paths.project_scan(slug, ui_paths.NEW))
        text += " Owners set them up."
    return Compared(title=title, text=text, action="Open scans", href=ui_paths.project_scans(slug))


def silence_doubt(session: Session, actor: Actor, slug: str, zone: ZoneInfo, now: datetime, days: int) -> str:
    """Why events without data may not be dead, in a sentence; empty when a run ended within the days, or none ever did."""
    ended = service.get_comparison(session, actor, slug).compared_at
    if ended is None or ended > now - timedelta(days=days):
        return ""
    when = local_time(ended, zone, now=now)
    return f"No scan has completed a run since {when}, so an event is listed here also when nobody looked for it."


def nothing_compared(compared: Any) -> rx.Component:
    """Stands where an empty list would."""
    return empty_state(compared.title, compared.text, link_button(compared.action, href=compared.href, kind="primary"))
