"""What the page of sources shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.ingest import senders
from app.ingest.process import Process
from components.chart_data import spark_path
from components.format import ago, iso_utc

KINDS = {"event": "events", "log": "logs", "security": "security", "audit": "audit", "metric": "metrics"}


@dataclass(frozen=True)
class SourceRow:
    """One source as a line."""

    source: str
    kind: str
    count: str
    flagged: str
    has_flagged: bool
    last_seen: str
    iso: str
    spark: str
    label: str


@dataclass(frozen=True)
class KeyRow:
    """One key as a line."""

    name: str
    prefix: str
    kind: str
    count: str
    faults: str
    has_faults: bool
    refused: str
    last_used: str
    spark: str
    label: str


@dataclass(frozen=True)
class RefusedRow:
    """One reason for quarantine as a line."""

    kind: str
    reason: str
    count: str
    last_seen: str
    iso: str


@dataclass(frozen=True)
class SourcesView:
    """The page."""

    sources: list[SourceRow] = field(default_factory=list)
    key_rows: list[KeyRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    received: str = "0"
    flagged: str = "0"
    quarantined: str = "0"
    used: str = "0"
    allowance: str = ""
    is_nearly_used: bool = False
    unaccounted: str = ""
    books: str = ""


def sources_view(session: Session, actor: Actor, slug: str, now: datetime) -> SourcesView:
    """Who sent what in the last 24 hours. Errors: NotFound, Unavailable."""
    found = senders.senders(session, actor, slug, now)
    day = found.day
    refused = sum(one.count for one in found.refused)
    unaccounted, books = _books()
    return SourcesView(
        sources=[_source_row(one, now) for one in found.sources],
        key_rows=[_key_row(one, now) for one in found.keys],
        refused=[
            RefusedRow(KINDS.get(one.kind, one.kind), one.reason, f"{one.count:,}", ago(one.last_at, now), iso_utc(one.last_at))
            for one in found.refused
        ],
        received=f"{sum(one.count for one in found.sources) + refused:,}",
        flagged=f"{sum(one.flagged for one in found.sources):,}",
        quarantined=f"{refused:,}",
        used=f"{day.used:,}" if day.allowed is not None else "No limit",
        allowance=_allowance(day),
        is_nearly_used=day.allowed is not None and day.used >= 0.8 * day.allowed,
        unaccounted=unaccounted,
        books=books,
    )


def _source_row(one: senders.SourceActivity, now: datetime) -> SourceRow:
    return SourceRow(
        source=one.source or "unnamed",
        kind=KINDS.get(one.kind, one.kind),
        count=f"{one.count:,}",
        flagged=_share(one.flagged, one.count),
        has_flagged=one.flagged > 0,
        last_seen=ago(one.last_at, now),
        iso=iso_utc(one.last_at),
        spark=spark_path(one.trend),
        label=f"{one.source}: {one.count:,} in 24 hours, {one.trend[-1]:,} of them in this hour",
    )


def _key_row(one: senders.KeyActivity, now: datetime) -> KeyRow:
    counts = one.counts
    faults = counts.flagged + counts.quarantined
    total = counts.accepted + faults
    return KeyRow(
        name=one.key.name,
        prefix=one.key.key_prefix,
        kind=str(one.key.kind),
        count=f"{counts.accepted + counts.flagged:,}",
        faults=_share(faults, total),
        has_faults=faults > 0,
        refused=f"{counts.refused_requests:,}",
        last_used=ago(one.key.last_used_at, now),
        spark=spark_path(one.trend),
        label=f"{one.key.name}: {counts.accepted + counts.flagged:,} stored in 24 hours",
    )


def _share(part: int, whole: int) -> str:
    if not part:
        return "none"
    share = 100 * part / whole
    return f"{part:,} ({share:.0f} %)" if share >= 1 else f"{part:,} (under 1 %)"


def _allowance(day: senders.DayUse) -> str:
    rate = f"{day.requests_per_minute:,} requests a minute" if day.requests_per_minute is not None else "any number of requests"
    events = f"of {day.allowed:,} events today, " if day.allowed is not None else ""
    return f"{events}{day.plan} plan, {rate}"


def _books() -> tuple[str, str]:
    """Whether everything this process received has ended somewhere, and the sum of it; empty while it does not run."""
    if Process.pipeline is None:
        return "", ""
    balance = Process.pipeline.balance
    settled = balance.settled
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in settled.items() if count) or "none of them has ended anywhere yet"
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(balance.reasons.items()))
    if not balance.received:
        return "", f"This process has received nothing since it started; last looked at {balance.checked_at:%H:%M} UTC."
    until = f"Received by this process until {balance.checked_at:%H:%M} UTC: {balance.received:,} records; {told}."
    books = until + (f" Dropped because: {reasons}." if reasons else "")
    difference = f"{abs(balance.unaccounted):,} records are not accounted for; see the server's log" if balance.unaccounted else ""
    return difference, books
