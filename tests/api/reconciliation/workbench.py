"""A project whose data and plan have drifted apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.intervals import Interval, floor_to_bucket
from app.plan.service import main_branch_id
from models.metrics import MetricCoverage
from models.plan import PlanBranch
from models.projects import Project
from models.reconciliation import ShadowEvent
from tests.factories import make_event, make_event_type, make_project, make_scan_config


@dataclass(frozen=True)
class Apart:
    """Ids of one of everything."""

    slug: str
    project_id: str
    branch_id: str
    event_type_id: str
    scan_id: str
    candidate_id: str
    dead_id: str

    @property
    def base(self) -> str:
        """Where the routes begin."""
        return f"/api/v1/projects/{self.slug}/reconciliation"


def make_apart(session: Session, *, branch: str | None = None, project: Project | None = None) -> Apart:
    """A shadow event, a dead event and a day of coverage; plan rows stand on main or on a working branch of that name."""
    project = project or make_project(session)
    now = SYSTEM_CLOCK.now()
    branch_id = main_branch_id(session, project.id)
    if branch is not None:
        working = PlanBranch(project_id=project.id, name=branch, kind="working", status="draft")
        session.add(working)
        session.flush()
        branch_id = working.id
    event_type = make_event_type(session, project, name="shop", branch=session.get_one(PlanBranch, branch_id))
    dead = make_event(session, event_type, name="fax_sent", status="live")
    dead.created_at = now - timedelta(days=100)
    config = make_scan_config(session, project)
    hour = floor_to_bucket(now, Interval.HOUR)
    candidate = ShadowEvent(
        project_id=project.id, scan_config_id=config.id, event_type_name="shop", event_name="cart_opened",
        event_type_id=event_type.id, observed_count=40, first_seen_at=hour - timedelta(days=2), last_seen_at=hour,
    )  # fmt: skip
    session.add(candidate)
    for ago, total, matched in ((1, 10, 10), (2, 90, 0)):
        bucket = hour - timedelta(hours=ago)
        session.add(MetricCoverage(scan_config_id=config.id, bucket=bucket, total_count=total, matched_count=matched))
    session.flush()
    return Apart(project.slug, project.id, branch_id, event_type.id, config.id, candidate.id, dead.id)
