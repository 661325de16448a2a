"""What the project list shows, as finished texts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.projects import service as projects
from app.projects.contracts import GenerationStatus, SummarisedProject
from components.format import ago, compact_number, iso_utc, local_time


@dataclass(frozen=True)
class ProjectRow:
    """One project as the list shows it."""

    name: str
    slug: str
    href: str
    description: str
    is_demo: bool
    is_resettable: bool
    events: str
    signals: int
    in_review: int
    scan: str
    created: str
    created_iso: str


@dataclass(frozen=True)
class Generation:
    """How far the making of demo data is."""

    name: str
    percent: int
    stage: str


@dataclass(frozen=True)
class HomeView:
    """The whole page; it is live while demo data is in the making."""

    rows: list[ProjectRow] = field(default_factory=list)
    generations: list[Generation] = field(default_factory=list)
    generation_error: str = ""
    is_live: bool = False


def home_view(session: Session, actor: Actor, zone: ZoneInfo) -> HomeView:
    """The projects the caller may know, and what is made for them at present."""
    listed = projects.summarise(session, actor, projects.list_projects(session, actor))
    now = SYSTEM_CLOCK.now()
    views = [entry.project for entry in listed]
    generations = [
        Generation(view.name, view.generation_percent, view.generation_stage or "Starting")
        for view in views
        if view.generation_status is GenerationStatus.RUNNING
    ]
    failed = (view for view in views if view.generation_status is GenerationStatus.FAILED)
    return HomeView(
        rows=[_row(entry, zone, now) for entry in listed],
        generations=generations,
        generation_error=next((view.generation_error or "no reason was noted" for view in failed), ""),
        is_live=bool(generations),
    )


def _row(entry: SummarisedProject, zone: ZoneInfo, now: datetime) -> ProjectRow:
    view, summary = entry.project, entry.summary
    job = summary.latest_scan_job
    return ProjectRow(
        name=view.name,
        slug=view.slug,
        href=ui_paths.project_overview(view.slug),
        description=view.description,
        is_demo=view.is_demo,
        is_resettable=view.is_demo and view.generation_status is not GenerationStatus.RUNNING,
        events=compact_number(summary.event_count),
        signals=summary.monitoring_signal_count,
        in_review=summary.review_pending_event_count,
        scan=f"{job.status} {ago(job.completed_at or job.created_at, now)}" if job is not None else "none yet",
        created=local_time(view.created_at, zone, now=now),
        created_iso=iso_utc(view.created_at),
    )


def slug_from(name: str) -> str:
    """A slug proposal: "Web Shop (EU)" -> "web-shop-eu"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
