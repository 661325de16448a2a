"""What the demo shop asks of its plan and its senders: checks of what arrives, naming rules, keys, planned days, an erasure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlmodel import Session

from app.demo import senders
from app.demo.story import Timeline
from app.detection import planned
from app.erasure import service as erasure
from app.identity.contracts import SYSTEM_ACTOR, Actor
from app.ingest import policies
from app.ingest.validation import Mode, Override, Policy
from app.plan import service as plan
from app.plan.governance import Rules
from app.projects.contracts import ProjectView

POLICY: Final = Policy(
    mode=Mode.FLAG,
    refuses_unplanned=True,
    overrides=(Override(Mode.BLOCK, source="fulfilment"), Override(Mode.ALLOW, environment="staging")),
)
RULES: Final = Rules(
    event_name_pattern="[a-z]+(_[a-z]+)+",
    field_name_pattern="[a-z][a-z0-9_]*",
    forbidden_fields=("email", "card_number"),
    forbids_self_approval=True,
)
VIEWS: Final = (("Key metrics", "tag=key metric"), ("Funnel", "tag=funnel"))
PERSON: Final = "customer-4711"
"""A customer of the story who asked to be forgotten."""


def write(session: Session, project: ProjectView, author: Actor, timeline: Timeline) -> None:
    """All of it but the erasure."""
    slug = project.slug
    policies.set_policy(session, SYSTEM_ACTOR, slug, POLICY, timeline.now)
    plan.set_rules(session, SYSTEM_ACTOR, slug, RULES)
    senders.write(session, project, author, timeline)
    start = timeline.current_hour.replace(hour=0) + timedelta(days=9)
    note = "Free delivery for two days: more orders, and more parcels the day after."
    planned.plan_window(session, author, slug, "Winter sale", start, start + timedelta(days=2), note=note)
    if author.user_id is not None:
        for name, query in VIEWS:
            plan.save_view(session, author, slug, name, query)


def ask_for_erasure(session: Session, project: ProjectView, timeline: Timeline) -> None:
    """Have one customer forgotten, once; a job does it as for anybody else."""
    if erasure.list_erasures(session, SYSTEM_ACTOR, project.slug)[1] == 0:
        erasure.request_erasure(session, SYSTEM_ACTOR, project.slug, PERSON, timeline.now)
