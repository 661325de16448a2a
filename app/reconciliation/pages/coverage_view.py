"""What the page on coverage and the ledger shows, as finished texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.reconciliation import ledger_service, service
from app.reconciliation.contracts import Coverage, CoverageBucketCount, TypeCoverage
from app.reconciliation.ledger import FindingKind
from app.reconciliation.ledger_service import EventFinding, LedgerHour, LedgerPair
from components.chart_data import ChartData, ChartPoint, chart_data
from components.format import NO_VALUE, day_text, full_number, iso_utc, local_time, percent

PERIODS: Final = {"7": "7 days", "14": "14 days", "60": "60 days"}
DEFAULT_PERIOD: Final = "14"
_KINDS: Final = {FindingKind.LOSS: "Lost", FindingKind.DUPLICATES: "Duplicated", FindingKind.LATENESS: "Late"}
_TONES: Final = {FindingKind.LOSS: "bad", FindingKind.DUPLICATES: "bad", FindingKind.LATENESS: "warn"}
MOST_TYPES: Final = 20
# Series of a longer time are too many to add up while somebody waits.
TYPE_DAYS: Final = 7
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class DayRow:
    """A day's rows and those of planned events."""

    day: str
    total: str
    matched: str
    share: str


@dataclass(frozen=True)
class TypeRow:
    """An event type's covered share; `width` is that of its bar in percent."""

    name: str
    href: str
    total: str
    unmatched: str
    share: str
    width: str


@dataclass(frozen=True)
class WarehouseRow:
    """A warehouse that holds events that arrive here."""

    name: str
    href: str
    events: str
    until: str
    iso: str


@dataclass(frozen=True)
class FindingRow:
    """One thing wrong in a warehouse."""

    key: str
    kind: str
    tone: str
    event: str
    event_href: str
    warehouse: str
    span: str
    iso: str
    difference: str
    share: str


@dataclass(frozen=True)
class HourRow:
    """An hour of one event on every side."""

    hour: str
    iso: str
    planned: str
    ingested: str
    warehoused: str
    difference: str
    state: str


@dataclass(frozen=True)
class CoverageView:
    """Coverage of the period and the ledger of the last hours."""

    share: str = _UNKNOWN
    share_note: str = ""
    total: str = "0"
    unmatched: str = "0"
    chart: ChartData = field(default_factory=ChartData)
    verdict: str = ""
    has_unmatched: bool = False
    days: list[DayRow] = field(default_factory=list)
    types: list[TypeRow] = field(default_factory=list)
    types_left_out: str = ""
    scans: list[list[str]] = field(default_factory=list)
    warehouses: list[WarehouseRow] = field(default_factory=list)
    findings: list[FindingRow] = field(default_factory=list)
    finding_total: str = _UNKNOWN
    finding_note: str = ""
    events: list[list[str]] = field(default_factory=list)
    hours: list[HourRow] = field(default_factory=list)
    settling: str = ""
    lateness: str = ""
    is_editor: bool = False


def coverage_view(
    session: Session, actor: Actor, slug: str, days: int, scan_id: str, event_id: str, zone: ZoneInfo
) -> CoverageView:
    """Coverage of all scans or the named one, the ledger, and the named event hour by hour. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    coverage = service.get_coverage(session, actor, slug, days=days, scan_config_id=scan_id or None, now=now)
    types = service.get_type_coverage(session, actor, slug, days=min(days, TYPE_DAYS), scan_config_id=scan_id or None, now=now)
    scans = service.list_scan_choices(session, actor, slug)
    ledger = ledger_service.get_ledger(session, actor, slug, now=now)
    allowance = ledger_service.get_allowance(session, actor, slug)
    series = ledger_service.get_ledger_series(session, actor, slug, event_id, now=now) if event_id else None
    return CoverageView(
        share=_share(coverage.matched_count, coverage.total_count),
        share_note="of rows belong to a planned event" if coverage.total_count else "no scan counted rows in this period",
        total=full_number(coverage.total_count),
        unmatched=full_number(coverage.total_count - coverage.matched_count),
        chart=_chart(coverage, zone, now),
        verdict=_verdict(coverage, zone, now),
        has_unmatched=coverage.matched_count < coverage.total_count,
        days=_days(coverage.items, zone, now),
        types=[_type(one, slug) for one in types[:MOST_TYPES]],
        types_left_out=f"{full_number(len(types) - MOST_TYPES)} better covered ones are not shown."
        if len(types) > MOST_TYPES
        else "",
        scans=[["", "All scans"], *([scan.id, scan.name] for scan in scans)],
        warehouses=[_warehouse(pair, slug, zone, now) for pair in ledger.pairs],
        findings=[_finding(one, slug, zone, now) for one in ledger.findings],
        finding_total=full_number(len(ledger.findings)) if ledger.pairs else _UNKNOWN,
        finding_note="in the last 48 hours" if ledger.pairs else "no scan reads a warehouse to compare with",
        events=[["", "Choose an event"], *([key, name] for key, name in ledger.events)],
        hours=[_hour(one, zone, now) for one in reversed(series.hours)] if series else [],
        settling=str(int(allowance.settling.total_seconds() // 60)),
        lateness=str(int(allowance.lateness.total_seconds() // 60)),
        is_editor=actor.role in (UserRole.OWNER, UserRole.EDITOR),
    )


def _share(part: int, whole: int) -> str:
    """Cut to one decimal rather than rounded, so that 100 % means all of it; unknown of nothing."""
    if not whole:
        return _UNKNOWN
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10}".removesuffix(".0") + "\u00a0%"


def _chart(coverage: Coverage, zone: ZoneInfo, now: datetime) -> ChartData:
    buckets = [item.bucket for item in coverage.items]
    steps = [later - earlier for earlier, later in pairwise(buckets)]
    width = min(steps, default=timedelta(hours=1))
    points = [ChartPoint(item.bucket, item.total_count - item.matched_count, note=_part(item)) for item in coverage.items]
    return chart_data(points, zone, int(width.total_seconds()), subject="Rows without a planned event", now=now)


def _part(item: CoverageBucketCount) -> str:
    missed = item.total_count - item.matched_count
    return f"{percent(missed / item.total_count)} of {full_number(item.total_count)}" if missed else ""


def _verdict(coverage: Coverage, zone: ZoneInfo, now: datetime) -> str:
    """What the chart would say in a sentence: a flat line at zero says less than that there is nothing to draw."""
    missed = {item.bucket: item.total_count - item.matched_count for item in coverage.items}
    whole = sum(missed.values())
    if not whole:
        return f"All {full_number(coverage.total_count)} rows counted in these {coverage.days} days belong to a planned event."
    faulty = [bucket for bucket, count in missed.items() if count]
    worst = max(faulty, key=lambda bucket: missed[bucket])
    told = f"{full_number(whole)} of {full_number(coverage.total_count)} rows belong to no planned event"
    if len(faulty) == 1:
        return f"{told}, all of them of {local_time(worst, zone, now=now)}."
    since = local_time(faulty[0], zone, now=now)
    return f"{told}, since {since}; most in one bucket: {full_number(missed[worst])} of {local_time(worst, zone, now=now)}."


def _days(items: Iterable[CoverageBucketCount], zone: ZoneInfo, now: datetime) -> list[DayRow]:
    """Newest day of the viewer's zone first."""

    def day_of(item: CoverageBucketCount) -> date:
        return item.bucket.astimezone(zone).date()

    rows = [_day(list(of_day), zone, now) for _, of_day in groupby(items, key=day_of)]
    return rows[::-1]


def _day(items: Sequence[CoverageBucketCount], zone: ZoneInfo, now: datetime) -> DayRow:
    total, matched = sum(item.total_count for item in items), sum(item.matched_count for item in items)
    return DayRow(day_text(items[0].bucket, zone, now), full_number(total), full_number(matched), _share(matched, total))


def _type(one: TypeCoverage, slug: str) -> TypeRow:
    return TypeRow(
        name=one.name,
        href=ui_paths.project_event_type(slug, one.event_type_id),
        total=full_number(one.total_count),
        unmatched=full_number(one.total_count - one.matched_count),
        share=_share(one.matched_count, one.total_count),
        width=str(one.matched_count * 1000 // one.total_count / 10 if one.total_count else 0),
    )


def _warehouse(pair: LedgerPair, slug: str, zone: ZoneInfo, now: datetime) -> WarehouseRow:
    return WarehouseRow(
        name=pair.scan_config_name,
        href=ui_paths.project_scan(slug, pair.scan_config_id),
        events=full_number(pair.event_count),
        until=local_time(pair.counted_until, zone, now=now),
        iso=iso_utc(pair.counted_until),
    )


def _finding(one: EventFinding, slug: str, zone: ZoneInfo, now: datetime) -> FindingRow:
    found = one.finding
    late = "" if found.delay_minutes is None else f", {full_number(found.delay_minutes)}\u00a0min"
    return FindingRow(
        key=f"{one.scan_config_id}|{one.event_id}|{found.kind}|{iso_utc(found.since)}",
        kind=_KINDS[found.kind],
        tone=_TONES[found.kind],
        event=one.event_name,
        event_href=ui_paths.project_event(slug, one.event_id) if one.event_id else "",
        warehouse=one.scan_config_name,
        span=f"{local_time(found.since, zone, now=now)} to {local_time(found.until, zone, now=now)}",
        iso=iso_utc(found.since),
        difference=f"{full_number(found.difference)} of {full_number(found.ingested)}",
        share=f"{found.share * 100:.1f}\u00a0%{late}",
    )


def _hour(one: LedgerHour, zone: ZoneInfo, now: datetime) -> HourRow:
    is_known = one.ingested is not None and one.warehoused is not None
    return HourRow(
        hour=local_time(one.hour, zone, now=now),
        iso=iso_utc(one.hour),
        planned=full_number(one.planned),
        ingested=_count(one.ingested),
        warehoused=_count(one.warehoused),
        difference=full_number((one.warehoused or 0) - (one.ingested or 0)) if is_known else NO_VALUE,
        state="Settled" if one.is_settled else "May still grow" if is_known else "Unknown",
    )


def _count(value: int | None) -> str:
    return "not counted" if value is None else full_number(value)
