"""The retention on the page of health, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity.contracts import Actor
from app.retention import service
from app.retention.contracts import WORDS, Bound, Kind, RetentionView, RunStatus
from components.format import full_number, local_time

_ENDED: Final = {
    RunStatus.COMPLETED: "",
    RunStatus.PARTIAL: "; the time was up, the rest follows",
    RunStatus.FAILED: "; what failed is tried again within the hour",
}


@dataclass(frozen=True)
class RetentionRow:
    """One kind of data."""

    title: str
    kept: str
    removed: str
    error: str


@dataclass(frozen=True)
class RetentionPart:
    """Every kind, and when the last pass was."""

    rows: list[RetentionRow] = field(default_factory=list)
    last: str = ""
    is_requested: bool = False


def retention_part(session: Session, actor: Actor, zone: ZoneInfo, now: datetime) -> RetentionPart:
    """How long each kind is kept and what was removed last. Owners only."""
    view = service.get_retention(session, actor)
    return RetentionPart([_row(bound, view) for bound in view.bounds], _last(view, zone, now), view.is_requested)


def ask_for_pass(session: Session, actor: Actor, now: datetime) -> None:
    """Have a pass made at once. Owners only."""
    service.request_run(session, actor, now)


def _row(bound: Bound, view: RetentionView) -> RetentionRow:
    last = view.last_run
    count = last.removed.get(bound.kind.value, 0) if last else 0
    is_looked_at = bound.days or bound.kind is Kind.SECURITY
    return RetentionRow(
        title=WORDS[bound.kind],
        kept=_kept(bound, view.most_days),
        removed=full_number(count) if last and (count or is_looked_at) else "–",
        error=last.errors.get(bound.kind.value, "") if last else "",
    )


def _kept(bound: Bound, most_days: int) -> str:
    if bound.kind is Kind.SECURITY:
        return f"{full_number(bound.days)} days, at most the plan's" if bound.days else "as the tenant's plan says"
    if bound.days:
        return f"{full_number(bound.days)} days"
    if bound.kind in (Kind.METRIC, Kind.DELIVERY, Kind.JOB):
        return "for ever"
    return f"{full_number(most_days)} days, the bound over all stored events"


def _last(view: RetentionView, zone: ZoneInfo, now: datetime) -> str:
    last = view.last_run
    if last is None:
        return "Nothing was pruned yet; the first pass comes within a minute of the start."
    removed = sum(last.removed.values())
    when = local_time(last.finished_at, zone, now=now)
    return f"Last pruned {when}: {full_number(removed)} rows removed{_ENDED.get(last.status, '')}."
