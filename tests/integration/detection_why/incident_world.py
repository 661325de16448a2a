"""Nine days of counts with an incident at the end, to be explained. Everything else in it is a distraction."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from app.detection import service as detection
from app.detection.why import service as why
from app.identity.contracts import Actor, UserRole
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics.contracts import ScopeType, SeriesKey
from app.plan import service as plan
from app.plan.branching import service as branching
from app.plan.drafts import AnnotationDraft
from models.branches import PlanRevision
from models.detection import PlannedEvent
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage
from models.plan import EventType, PlanBranch
from models.plan_drifts import SchemaDrift
from models.projects import Project
from models.scans import ScanConfig
from tests import factories

HOUR = timedelta(hours=1)
HOURS = 9 * 24
EDITOR = Actor(user_id=None, email="editor@example.com", name="E", role=UserRole.EDITOR)
# Usual counts an hour: event -> (event type, mean).
EVENTS = {
    "checkout": ("shop", 400),
    "cart": ("shop", 3_000),
    "view": ("web", 1_500),
    "search": ("web", 700),
    "signup": ("account", 200),
}
COUNTRIES = {"DE": 0.6, "FR": 0.2, "IT": 0.15, "ES": 0.05}
OLD, NEW = "1.0.0", "2.0.0"

# (event, country, version) -> factor on the mean, at the incident.
Factor = Callable[[str, str, str], float]


@dataclass
class IncidentWorld:
    """`at` is the incident's bucket, the newest one but `lasting` - 1; `factor` says what happens from there on."""

    engine: sa.Engine
    event_store: object
    seed: int = 7
    factor: Factor = lambda event, country, version: 1.0
    lasting: int = 2
    missing: tuple[int, ...] = ()
    new_share: Callable[[int], float] = lambda hour: 0.0
    matched: float = 1.0
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.newest = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - HOUR
        self.at = self.newest - (self.lasting - 1) * HOUR
        with self.transaction() as session:
            project = factories.make_project(session, name="Shop")
            self.slug, self.project_id, self.tenant_id = project.slug, project.id, project.tenant_id
            for name, (kind, _) in EVENTS.items():
                if kind not in self.ids:
                    self.ids[kind] = factories.make_event_type(session, project, name=kind).id
                event_type = session.get_one(EventType, self.ids[kind])
                self.ids[name] = factories.make_event(session, event_type, name=name).id
            config = factories.make_scan_config(session, project)
            config.app_version_column, config.metric_breakdown_columns = "version", ["country"]
            self.scan_id = config.id
            detection.enable_by_default(session, project.id)
            self._distract(session, project)

    @contextmanager
    def transaction(self, *, write: bool = True):
        with session_scope(self.engine, write=write) as session:
            yield session

    def _distract(self, session, project: Project) -> None:
        old = self.at - 72 * HOUR
        plan.create_annotation(session, EDITOR, project.slug, AnnotationDraft(bucket=old, label="Newsletter"))
        elsewhere = AnnotationDraft(bucket=self.at, label="Copy changed", scope_type="event", scope_ref=self.ids["signup"])
        plan.create_annotation(session, EDITOR, project.slug, elsewhere)
        session.add(PlannedEvent(project_id=project.id, name="Load test", starts_at=old, ends_at=old + HOUR))
        self.plan_event(session, "Account clean-up", "event", self.ids["signup"])
        # Found again by every scan since: its moment of detection is now, its id is five days old.
        milliseconds = int((self.at - 120 * HOUR).timestamp() * 1000)
        old_id = str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | secrets.randbits(60)))
        self.drift(session, "shop", "coupon", id=old_id, detected_at=SYSTEM_CLOCK.now())

    def drift(self, session, kind: str, field_name: str, **more: object) -> None:
        row = {"field_name": field_name, "drift_type": "missing_field", "detected_at": self.at + HOUR, **more}
        session.add(SchemaDrift(event_type_id=self.ids[kind], scan_config_id=self.scan_id, **row))

    def plan_event(self, session, name: str, scope_type: str | None = None, ref: str | None = None) -> None:
        session.add(
            PlannedEvent(
                project_id=self.project_id, name=name, starts_at=self.at - HOUR, ends_at=self.at + 6 * HOUR,
                scope_type=scope_type, scope_ref=ref,
            )
        )  # fmt: skip

    def count(self) -> None:
        """Write the counts and let detection judge them."""
        random = np.random.default_rng(self.seed)
        buckets, values, covered = [], [], []
        for hour in range(HOURS):
            at = self.newest - (HOURS - 1 - hour) * HOUR
            ago = (self.at - at) // HOUR
            if ago in self.missing:
                continue
            during = at >= self.at
            # The day's shape is tied to the incident and not to the clock: the same world whenever the test runs.
            shape = 1 + 0.3 * np.sin(2 * np.pi * (6 - ago) / 24)
            share = self.new_share(ago)
            total = 0
            per_scope: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
            for event, (kind, mean) in EVENTS.items():
                for country, part in COUNTRIES.items():
                    for version, of_version in ((OLD, 1 - share), (NEW, share)):
                        rate = mean * shape * part * of_version
                        count = int(random.poisson(rate * (self.factor(event, country, version) if during else 1.0)))
                        total += count
                        scopes = (("event", self.ids[event]), ("event_type", self.ids[kind]), ("project_total", self.scan_id))
                        for scope in scopes:
                            cells = per_scope.setdefault(scope, {})
                            for cell in (("country", country), ("version", version)):
                                cells[cell] = cells.get(cell, 0) + count
            for (scope, ref), cells in per_scope.items():
                row = {"scan_config_id": self.scan_id, "scope_type": scope, "scope_ref": ref, "bucket": at}
                if scope != "project_total":
                    buckets.append({**row, "count": sum(n for (column, _), n in cells.items() if column == "country")})
                values += [
                    {**row, "breakdown_column": column, "breakdown_value": value, "is_other": False, "count": n}
                    for (column, value), n in cells.items()
                    if n
                ]
            rows = int(total / self.matched) if during else total
            covered.append({"scan_config_id": self.scan_id, "bucket": at, "total_count": rows, "matched_count": total})
        with self.transaction() as session:
            for model, rows in ((MetricBucket, buckets), (MetricBreakdown, values), (MetricCoverage, covered)):
                session.execute(sa.insert(model), rows)
        with self.transaction() as session:
            detection.evaluate_config(session, self.scan_id, self.newest + HOUR)

    def annotate(self, label: str, minutes_before: int = 0) -> None:
        with self.transaction() as session:
            at = self.at - timedelta(minutes=minutes_before)
            plan.create_annotation(session, EDITOR, self.slug, AnnotationDraft(bucket=at, label=label))

    def merge(self, change: Callable[[object], None], name: str, minutes_before: int = 30) -> None:
        """A branch of that name was merged, which changed main like this."""
        moment = self.at - timedelta(minutes=minutes_before)
        with self.transaction() as session:
            before = branching.create_revision(session, EDITOR, self.slug, f"Base of branch {name}")
            session.get_one(PlanRevision, before.summary.id).created_at = moment - timedelta(days=1)
            change(session)
            after = branching.create_revision(session, EDITOR, self.slug, f"Merged branch {name}")
            session.get_one(PlanRevision, after.summary.id).created_at = moment
            session.add(PlanBranch(project_id=self.project_id, name=name, kind="working", status="merged", merged_at=moment))

    def log(self, count: int, start: datetime, stop: datetime, severity: str = "ERROR", service: str = "payments") -> None:
        """So many lines between the two moments."""
        step = (stop - start) / max(1, count)
        records = [
            ingest.Record(
                "log", service, "system_logs", start + step * n, SYSTEM_CLOCK.now(), new_id(), {}, severity=severity, body="!"
            )
            for n in range(count)
        ]
        lines = ingest.encode_records("logs", self.tenant_id, self.project_id, records, [])
        self.event_store.insert_lines("events", lines.lines, rows=lines.rows, token=new_id())  # type: ignore[attr-defined]

    def config(self, session) -> ScanConfig:
        return session.get_one(ScanConfig, self.scan_id)

    def why(self, scope: ScopeType = ScopeType.EVENT, name: str = "checkout") -> why.Why:
        ref = self.scan_id if scope is ScopeType.PROJECT_TOTAL else self.ids[name]
        with self.transaction(write=False) as session:
            return why.explain(session, EDITOR, self.slug, SeriesKey(self.scan_id, scope, ref), self.at)
