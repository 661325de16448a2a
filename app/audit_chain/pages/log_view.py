"""What the page of the own audit log shows, as finished texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.audit_chain import service
from app.audit_chain.service import Progress, Seal
from app.identity import service as identity
from app.identity.contracts import Actor, AuditFilter
from app.kernel.clock import SYSTEM_CLOCK
from app.presentation import page_within
from app.projects import service as projects
from components.format import ago, full_number, iso_utc, local_time

PER_PAGE: Final = 50
PERIODS: Final = {"1": "24 hours", "7": "7 days", "30": "30 days", "all": "All time"}
_INSTANCE: Final = "instance"
_DRILL: Final = "drill:"
"""How the slug of the project begins in which a fire drill runs; nobody else sees it."""


@dataclass(frozen=True)
class Query:
    """What the address asks for; empty for anything."""

    days: str = "30"
    project: str = ""
    action: str = ""
    person: str = ""
    reads: str = ""
    page: int = 1


@dataclass(frozen=True)
class EntryRow:
    """One entry; `payload` is JSON, empty when nothing was noted. `seal_note` names its place in the chain."""

    id: str
    when: str
    iso: str
    person: str
    action: str
    target: str
    project: str
    payload: str
    seal: str
    seal_tone: str
    seal_note: str


@dataclass(frozen=True)
class SealView:
    """How far the chain reaches."""

    sealed: str = "0"
    unsealed: str = ""
    unsealed_note: str = ""
    unsealed_tone: str = "neutral"
    checkpoint: str = "none yet"
    checkpoint_note: str = ""
    key: str = ""


@dataclass(frozen=True)
class LogView:
    """Everything the page shows. `page` is the last one where the address asks for one beyond the end."""

    rows: list[EntryRow] = field(default_factory=list)
    page: int = 1
    total: int = 0
    first: int = 0
    last: int = 0
    projects: list[list[str]] = field(default_factory=list)
    actions: list[list[str]] = field(default_factory=list)
    seal: SealView = field(default_factory=SealView)
    export_href: str = ""
    is_narrowed: bool = False


@dataclass(frozen=True)
class VerifyView:
    """A verification under way or done. `outcome` is ok, bad, or empty while it runs."""

    percent: int = 0
    phase: str = ""
    outcome: str = ""
    message: str = ""
    notes: list[str] = field(default_factory=list)


def log_view(session: Session, actor: Actor, query: Query, zone: ZoneInfo) -> LogView:
    """The page's data in one read. Owners only."""
    now = SYSTEM_CLOCK.now()
    wanted = filter_of(query, now)
    page = query.page
    found, total = identity.list_audit(session, actor, wanted, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    if total and not found:
        page = page_within(page, total, PER_PAGE)
        found, total = identity.list_audit(session, actor, wanted, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    start = (page - 1) * PER_PAGE
    seals = service.seals(session, actor, [entry.id for entry in found])
    rows = [
        EntryRow(
            id=entry.id,
            when=local_time(entry.created_at, zone, now=now, seconds=True),
            iso=iso_utc(entry.created_at),
            person=entry.user_email,
            action=entry.action,
            target=" ".join(part for part in (entry.target_type.replace("_", " "), entry.target_name) if part),
            project="fire drill" if entry.project_slug.startswith(_DRILL) else entry.project_slug,
            payload=_payload(entry.payload),
            **_entry_seal(seals.get(entry.id), entry.created_at, zone, now),
        )
        for entry in found
    ]
    slugs = [project.slug for project in projects.list_projects(session, actor)]
    actions = sorted({*identity.list_audit_actions(session, actor), *([query.action] if query.action else [])})
    return LogView(
        rows=rows,
        page=page,
        total=total,
        first=start + 1 if rows else 0,
        last=start + len(rows),
        projects=[["", "All projects"], [_INSTANCE, "The instance itself"], *([slug, slug] for slug in slugs)],
        actions=[["", "All actions"], *([action, action] for action in actions)],
        seal=_seal(session, actor, zone, now),
        export_href="/api/v1/audit/export" + (f"?project_slug={query.project}" if query.project in slugs else ""),
        is_narrowed=query != Query(page=query.page),
    )


def filter_of(query: Query, now: datetime) -> AuditFilter:
    """The query as the service takes it."""
    return AuditFilter(
        project_slug={"": None, _INSTANCE: ""}.get(query.project, query.project),
        action=query.action or None,
        user_email=query.person or None,
        since=now - timedelta(days=int(query.days)) if query.days.isdigit() else None,
        has_reads=bool(query.reads),
    )


def note_look(session: Session, actor: Actor, query: Query) -> None:
    """Note that somebody read the log, and what of it. Owners only."""
    actor.require_owner()
    payload = identity.shown_filter(filter_of(query, SYSTEM_CLOCK.now()), PER_PAGE, (query.page - 1) * PER_PAGE)
    identity.record_audit(session, actor, "audit.read", "audit", "list", payload=payload)


def verify_view(progress: Progress) -> VerifyView:
    """Where a verification stands."""
    count, fault = progress.count, progress.fault
    percent = 100 if progress.is_done else min(99, 100 * count.entries // max(1, progress.total))
    phase = f"{full_number(count.entries)} of {full_number(progress.total)} records"
    if fault is not None:
        place = f"entry {full_number(fault.seq)} of the chain {fault.tenant}"
        what = f"{fault.message[:1].upper()}{fault.message[1:]}."
        return VerifyView(percent, phase, "bad", f"Tampered with: {fault.kind} at {place}. {what}")
    if not progress.is_done:
        return VerifyView(percent, phase)
    if not progress.tenants:
        return VerifyView(100, phase, "warn", "Nothing is sealed yet: there is nothing to verify.")
    notes = [*progress.report.notes]
    if count.absent:
        notes.insert(0, f"{full_number(count.absent)} records are gone with their project or their age; their place holds.")
    followed = f"{full_number(count.entries)} records in {len(progress.tenants)} chains"
    return VerifyView(
        100, phase, "ok", f"Intact: {followed}, {full_number(count.checkpoints)} signed checkpoints confirmed.", notes
    )


def _seal(session: Session, actor: Actor, zone: ZoneInfo, now: datetime) -> SealView:
    state = service.chain_state(session, actor)
    last = state.last_checkpoint
    signed_at = datetime.fromisoformat(last.signed_at) if last else None
    is_late = state.waiting_since is not None and now - state.waiting_since > service.LATE_AFTER
    waiting = "unknown" if state.unsealed is None else full_number(state.unsealed)
    return SealView(
        sealed=full_number(state.entries),
        unsealed=waiting,
        unsealed_note=(
            f"sealing is behind: the oldest waits since {local_time(state.waiting_since, zone, now=now)}"
            if is_late
            else "sealed within a minute or so"
        ),
        unsealed_tone="warn" if is_late else "neutral",
        checkpoint=ago(signed_at, now) if signed_at else "none yet",
        checkpoint_note=f"{local_time(signed_at, zone, now=now)}, at {full_number(last.seq)} of {last.tenant}" if last else "",
        key=last.key_id if last else "none yet",
    )


def _entry_seal(seal: Seal | None, noted_at: datetime, zone: ZoneInfo, now: datetime) -> dict[str, str]:
    if seal is None:
        is_late = now - noted_at > service.LATE_AFTER
        return {
            "seal": "waiting",
            "seal_tone": "warn" if is_late else "unknown",
            "seal_note": "longer than usual" if is_late else "",
        }
    place = f"entry {full_number(seal.seq)}"
    if seal.signed_at is None:
        return {"seal": "chained", "seal_tone": "neutral", "seal_note": f"{place}, not signed yet"}
    return {"seal": "sealed", "seal_tone": "ok", "seal_note": f"{place}, signed {local_time(seal.signed_at, zone, now=now)}"}


def _payload(payload: Mapping[str, object]) -> str:
    return json.dumps(dict(payload), indent=2, ensure_ascii=False) if payload else ""
