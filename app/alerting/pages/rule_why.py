"""Why a rule did not fire: the unusual buckets one can ask about, and every gate for one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.contracts import RuleSpec
from app.alerting.pages.rule_rehearsal import DAYS, size_of
from app.alerting.pages.rule_words import GATES
from app.alerting.vocabulary import SCOPE_LABELS, AlertScope
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK, as_utc
from components.format import ago, local_time

MOST_SERIES = 300
MOST_BUCKETS = 100


@dataclass(frozen=True)
class GateRow:
    """One gate: what it asks for, the values it compared, and "open", "closed" or "first" for the first closed one."""

    text: str
    detail: str
    state: str


@dataclass(frozen=True)
class WhyView:
    """A bucket of a series put to every gate."""

    answer: str = ""
    tone: str = "neutral"
    delivery_href: str = ""
    gates: list[GateRow] = field(default_factory=list)


@dataclass(frozen=True)
class Findings:
    """What a person can ask about: series as (key, text), and the unusual buckets of each as (instant, text)."""

    series: list[list[str]] = field(default_factory=list)
    buckets: dict[str, list[list[str]]] = field(default_factory=dict)


def findings_view(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> Findings:
    """Series with something unusual in the last 14 days, the latest first, and their buckets, newest first."""
    now = SYSTEM_CLOCK.now()
    found = alerting.recent_candidates(session, actor, slug, days=DAYS, now=now)
    has_scans = len({scan_id for scan_id, _, _ in found}) > 1
    series: dict[str, str] = {}
    buckets: dict[str, list[list[str]]] = {}
    for scan_id, scan_name, one in found:
        key = f"{scan_id}/{one.scope_type.value}/{one.scope_ref}"
        if key not in series and len(series) == MOST_SERIES:
            continue
        series.setdefault(key, f"{SCOPE_LABELS[one.scope_type]}: {one.scope_name}" + (f" · {scan_name}" if has_scans else ""))
        of_series = buckets.setdefault(key, [])
        if len(of_series) < MOST_BUCKETS:
            of_series.append([one.bucket.isoformat(), f"{local_time(one.bucket, zone, now=now)}: {size_of(one)}"])
    return Findings([[key, text] for key, text in series.items()], buckets)


def why_view(
    session: Session, actor: Actor, slug: str, rule_id: str, series: str, bucket: str, spec: RuleSpec, zone: ZoneInfo
) -> WhyView:
    """Each gate of the draft for a bucket. Errors: NotFound; ValueError for a series or instant that is none."""
    scan_id, scope, ref = series.split("/", 2)
    now, at = SYSTEM_CLOCK.now(), as_utc(datetime.fromisoformat(bucket))
    found = alerting.explain(session, actor, slug, rule_id, scan_id, AlertScope(scope), ref, at, draft=spec, now=now)
    closed = found.first_closed
    rows = [
        GateRow(GATES[one.gate.value], one.detail, "first" if one is closed else "open" if one.is_open else "closed")
        for one in found.gates
    ]
    if found.candidate is None:
        return WhyView("Nothing unusual is stored for this bucket any more, so there is nothing to tell.", "neutral", "", rows)
    if found.told is not None:
        when = local_time(found.told.created_at, zone, now=now)
        href = ui_paths.project_delivery(slug, found.told.delivery_id)
        return WhyView(
            f"It did fire: a message about this bucket was made {when} ({ago(found.told.created_at, now)}).", "ok", href, rows
        )
    if closed is None:
        return WhyView("Every gate is open: the rule tells about it with the next collection.", "ok", "", rows)
    return WhyView(f"It stays silent, because this does not hold: {GATES[closed.gate.value].lower()}.", "warn", "", rows)
