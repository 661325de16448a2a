"""Rows for tests. Each function writes through the session it gets and leaves the commit to its caller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from sqlmodel import Session

from app.identity import policy
from app.identity.contracts import (
    DEFAULT_TENANT_ID,
    Actor,
    ApiKeyScope,
    IngestKind,
    IngestScope,
    TenantPlan,
    UserRole,
)
from app.identity.passwords import hash_password
from app.identity.service.callers import actor_for, session_hash
from app.kernel.crypto import random_token, sha256_hex
from app.kernel.ids import new_id
from models.detection import Anomaly
from models.identity import ApiKey, IngestKey, Tenant, User, UserSession
from models.plan import Event, EventType, PlanBranch
from models.projects import Project
from models.scans import DataSource, ScanConfig, ScanJob

PASSWORD = "correct horse battery staple"
_number = count(1)


def _next() -> int:
    return next(_number)


def make_user(
    session: Session,
    *,
    role: UserRole = UserRole.EDITOR,
    email: str | None = None,
    name: str | None = None,
    password: str | None = None,
) -> User:
    """A member; hashing is skipped unless a password is wanted."""
    number = _next()
    user = User(
        email=email or f"user{number}@example.com",
        name=name or f"User {number}",
        password_hash=hash_password(password) if password else "!",
        role=role,
    )
    session.add(user)
    session.flush()
    return user


def make_actor(session: Session, role: UserRole = UserRole.EDITOR) -> Actor:
    """A member in a browser session."""
    return actor_for(make_user(session, role=role))


def make_session_cookie(session: Session, user: User, *, expires_at: datetime | None = None) -> str:
    """The token of a fresh sign-in."""
    token = random_token(policy.SESSION_CHARACTERS)
    expires_at = expires_at or datetime.now(UTC) + timedelta(hours=168)
    session.add(UserSession(user_id=user.id, token_hash=session_hash(token), expires_at=expires_at))
    session.flush()
    return token


def make_tenant(session: Session, plan: TenantPlan = TenantPlan.TRIAL) -> Tenant:
    """A tenant beside the default one."""
    tenant = Tenant(id=f"tenant_{new_id()}", name=f"Tenant {_next()}", plan=plan)
    session.add(tenant)
    session.flush()
    return tenant


def make_project(
    session: Session,
    *,
    slug: str | None = None,
    name: str | None = None,
    tenant_id: str = DEFAULT_TENANT_ID,
    created_by: User | None = None,
) -> Project:
    """A project with its main branch."""
    number = _next()
    project = Project(
        tenant_id=tenant_id,
        name=name or f"Project {number}",
        slug=slug or f"project-{number}",
        created_by=created_by.id if created_by else None,
    )
    session.add(project)
    session.flush()
    session.add(PlanBranch(project_id=project.id, name="main", kind="main", status="merged"))
    session.flush()
    return project


def main_branch(session: Session, project: Project) -> PlanBranch:
    """The project's main branch."""
    from sqlmodel import select

    return session.exec(select(PlanBranch).where(PlanBranch.project_id == project.id, PlanBranch.kind == "main")).one()


def make_api_key(
    session: Session,
    user: User,
    *,
    scope: ApiKeyScope = ApiKeyScope.READ,
    project: Project | None = None,
    expires_at: datetime | None = None,
    revoked_at: datetime | None = None,
    last_used_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A key to the tracking-plan API and its token."""
    token = policy.new_api_token(scope)
    key = ApiKey(
        user_id=user.id,
        project_id=project.id if project else None,
        name=f"Key {_next()}",
        key_prefix=token[: policy.PREFIX_CHARACTERS],
        token_hash=sha256_hex(token),
        scope=scope,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
    )
    session.add(key)
    session.flush()
    return key, token


def make_ingest_key(
    session: Session,
    project: Project,
    *,
    scope: IngestScope = IngestScope.APPEND,
    expires_at: datetime | None = None,
    revoked_at: datetime | None = None,
) -> tuple[IngestKey, str]:
    """An ingest key into the project and its token."""
    token = policy.new_ingest_token(IngestKind.EVENTS)
    key = IngestKey(
        tenant_id=project.tenant_id,
        project_id=project.id,
        kind=IngestKind.EVENTS,
        scope=scope,
        name=f"Ingest key {_next()}",
        key_prefix=token[: policy.PREFIX_CHARACTERS],
        token_hash=sha256_hex(token),
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    session.add(key)
    session.flush()
    return key, token


def make_event_type(session: Session, project: Project, *, name: str | None = None, branch: PlanBranch | None = None) -> EventType:
    """An event type, on main unless another branch is named."""
    name = name or f"type_{_next()}"
    branch = branch or main_branch(session, project)
    event_type = EventType(project_id=project.id, branch_id=branch.id, name=name, display_name=name.capitalize())
    session.add(event_type)
    session.flush()
    return event_type


def make_event(
    session: Session,
    event_type: EventType,
    *,
    name: str | None = None,
    status: str = "in_review",
    last_seen_at: datetime | None = None,
) -> Event:
    """An event of the type, on the type's branch."""
    name = name or f"event_{_next()}"
    event = Event(
        project_id=event_type.project_id,
        branch_id=event_type.branch_id,
        event_type_id=event_type.id,
        name=name,
        source_name=name,
        status=status,
        last_seen_at=last_seen_at,
    )
    session.add(event)
    session.flush()
    return event


def make_scan_config(session: Session, project: Project, *, name: str | None = None, interval: str = "1h") -> ScanConfig:
    """A scan of a data source of its own."""
    number = _next()
    source = DataSource(name=f"Source {number}", db_type="clickhouse")
    session.add(source)
    session.flush()
    config = ScanConfig(
        project_id=project.id,
        data_source_id=source.id,
        name=name or f"Scan {number}",
        base_query="SELECT source, name, time FROM events",
        event_type_column="source",
        time_column="time",
        event_name_format="{name}",
        interval=interval,
    )
    session.add(config)
    session.flush()
    return config


def make_scan_job(
    session: Session, config: ScanConfig, *, status: str = "completed", created_at: datetime | None = None
) -> ScanJob:
    """A job of the scan."""
    job = ScanJob(project_id=config.project_id, scan_config_id=config.id, status=status)
    if created_at is not None:
        job.created_at = created_at
    session.add(job)
    session.flush()
    return job


def make_anomaly(
    session: Session,
    config: ScanConfig,
    *,
    bucket: datetime,
    scope_type: str = "project_total",
    scope_ref: str | None = None,
    actual: int = 10,
    expected: float = 100.0,
) -> Anomaly:
    """An anomaly of the scan; the project's total unless another scope is named."""
    anomaly = Anomaly(
        project_id=config.project_id,
        scan_config_id=config.id,
        scope_type=scope_type,
        scope_ref=scope_ref or config.id,
        bucket=bucket,
        last_bucket=bucket,
        bucket_seconds=3600,
        direction="drop" if actual < expected else "spike",
        actual_count=actual,
        expected_count=expected,
        stddev=10.0,
        z_score=(actual - expected) / 10.0,
    )
    session.add(anomaly)
    session.flush()
    return anomaly
