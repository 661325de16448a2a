"""What was told about the series of a project, for pages that show the series themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.alerting.contracts import GroupView
from app.alerting.repository import inbox as rows
from app.alerting.service.inbox import LARGEST_PAGE, SHOWN_FOR, list_groups
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.projects import service as projects

ToldKey = tuple[str, str, str, str]
"""Scan, scope type, scope ref and direction."""


@dataclass(frozen=True, slots=True)
class Told:
    """The newest delivery about a scope, the bucket it told of, and the correlation group it belongs to."""

    group: GroupView
    delivery_id: str
    bucket: datetime


def told_scopes(session: Session, actor: Actor, slug: str, *, now: datetime | None = None) -> dict[ToldKey, Told]:
    """The newest delivery of the last 30 days about each scope. Errors: NotFound.

    Groups beyond the 200 newest are left out, as in the inbox of alerts.
    """
    project = projects.get_project(session, actor, slug)
    at = now or SYSTEM_CLOCK.now()
    groups = {group.correlation_group_id: group for group in list_groups(session, actor, slug, limit=LARGEST_PAGE, now=at).items}
    told: dict[ToldKey, Told] = {}
    recent: Any = rows.recent_items(session, project.id, at - SHOWN_FOR)
    for item, delivery in recent:
        group = groups.get(str(item.correlation_group_id))
        if group is not None:
            key = (delivery.scan_config_id, item.scope_type, item.scope_ref, item.direction)
            told.setdefault(key, Told(group, delivery.id, item.bucket))
    return told
