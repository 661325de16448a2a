"""What the page of audit records shows, as finished texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.audit import records, service
from app.audit.contracts import Bucket
from app.audit.figures import EVENT_NUMBERS, RecordFilter
from app.audit.pages.metric_view import CHOICE_NAMES, MetricView, Query, metric_view
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.presentation import page_within
from components.bar_data import Bars, bar_data
from components.format import iso_utc, local_time

PER_PAGE: Final = 50
MOST_CHOICES: Final = 200
PERIODS: Final = {"1": "24 hours", "7": "7 days", "30": "30 days", "365": "A year"}
_BARS: Final = {"1": 1800, "7": 10_800, "30": 43_200, "365": 604_800}
_BAD: Final = frozenset({"error", "failure", "failed", "denied", "critical", "fatal"})
_ODD: Final = frozenset({"warning", "warn"})


@dataclass(frozen=True)
class RecordRow:
    """One record of the list."""

    when: str
    iso: str
    event: str
    kind: str
    category: str
    source: str
    actor: str
    resource: str
    status: str
    status_tone: str
    level: str
    level_tone: str
    href: str


@dataclass(frozen=True)
class StageRow:
    """One record of a trail, whole."""

    stage: str
    when: str
    iso: str
    event: str
    status: str
    status_tone: str
    line: str
    detail: str


@dataclass(frozen=True)
class RecordsView:
    """Everything the page shows. `page` is the last one where the address asks for one beyond the end."""

    bars: Bars = field(default_factory=Bars)
    rows: list[RecordRow] = field(default_factory=list)
    page: int = 1
    total: int = 0
    first: int = 0
    last: int = 0
    sources: list[list[str]] = field(default_factory=list)
    choices: dict[str, list[list[str]]] = field(default_factory=lambda: {name: [] for name in CHOICE_NAMES})
    metrics: list[list[str]] = field(default_factory=list)
    metric: MetricView = field(default_factory=MetricView)
    is_narrowed: bool = False


@dataclass(frozen=True)
class TrailView:
    """Every record of one id."""

    title: str = ""
    stages: list[StageRow] = field(default_factory=list)


def records_view(session: Session, actor: Actor, slug: str, query: Query, zone: ZoneInfo) -> RecordsView:
    """The page's data in one read. Errors: NotFound, Forbidden for another's account, Unavailable."""
    now = SYSTEM_CLOCK.now()
    bucket = service.bucket_for(session, actor, slug, query.source)
    wanted = RecordFilter(
        query.category or None, query.app or None, now - timedelta(days=int(query.days)), now, env=query.env or None,
        status=query.status or None, origin=query.origin or None, level=query.level or None, event_name=query.event_name or None,
    )  # fmt: skip
    total = records.total(bucket, wanted)
    page = page_within(query.page, total, PER_PAGE)
    found = records.listed(bucket, wanted, page, PER_PAGE)
    values = records.values(bucket, wanted.start, wanted.stop, MOST_CHOICES)
    names = records.metric_names(bucket)
    start = (page - 1) * PER_PAGE
    return RecordsView(
        bars=_bars(bucket, wanted, query, zone),
        rows=[_row(record, slug, query.source, zone, now) for record in found],
        page=page,
        total=total,
        first=start + 1 if found else 0,
        last=start + len(found),
        sources=[[source.key, source.name] for source in service.sources(session, actor, slug)],
        choices={name: _options(text, values[name], getattr(query, name)) for name, text in CHOICE_NAMES.items()},
        metrics=[["", "No metric"], *([name, name.replace("_", " ")] for name in dict.fromkeys([*names, *EVENT_NUMBERS]))],
        metric=metric_view(bucket, wanted, query, zone, now) if query.metric else MetricView(),
        is_narrowed=bool(query.narrowing),
    )


def trail_view(session: Session, actor: Actor, slug: str, source: str, event_id: str, zone: ZoneInfo) -> TrailView:
    """Every record of the id, the last stage first. Errors: NotFound, Forbidden for another's account, Unavailable."""
    now = SYSTEM_CLOCK.now()
    found = records.trail(service.bucket_for(session, actor, slug, source), event_id)
    return TrailView(event_id, [_stage(record, zone, now) for record in found])


def _options(anything: str, values: Sequence[str], chosen: str) -> list[list[str]]:
    return [["", anything], *([value, value] for value in sorted({*values, *([chosen] if chosen else [])}))]


def _bars(bucket: Bucket, wanted: RecordFilter, query: Query, zone: ZoneInfo) -> Bars:
    seconds = _BARS[query.days]
    found = records.window_counts(bucket, "status", wanted, timedelta(seconds=seconds))
    counts = {window * seconds: data for window, data in found.items()}
    totals: Counter[str] = Counter()
    for data in counts.values():
        totals.update(data)
    kinds = sorted(((status, _bar_tone(status)) for status in totals), key=lambda kind: (kind[1] != "bad", -totals[kind[0]]))
    return bar_data(counts, kinds, start=wanted.start, stop=wanted.stop, seconds=seconds, zone=zone, noun="records")


def _row(record: Mapping[str, Any], slug: str, source: str, zone: ZoneInfo, now: datetime) -> RecordRow:
    moment = datetime.fromisoformat(record["timestamp"])
    event, tags, resource = record["event"], record["tags"], record["resource"] or {}
    return RecordRow(
        when=local_time(moment, zone, now=now, seconds=True),
        iso=iso_utc(moment),
        event=event["name"],
        kind=event["type"],
        category=record["category"],
        source=f"{tags['application']} · {tags['environment']}",
        actor=record["actor"]["origin"],
        resource=" ".join(str(value) for key in ("type", "name", "id") if (value := resource.get(key))),
        status=record["status"],
        status_tone=_badge(record["status"]),
        level=record["level"],
        level_tone=_badge(record["level"]),
        href=ui_paths.project_audit(slug, trail=event["id"], **({"from": source} if source else {})),
    )


def _stage(record: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> StageRow:
    moment = datetime.fromisoformat(record["timestamp"])
    event, tags = record["event"], record["tags"]
    facts = {"method": record["method"], "application": tags["application"], "environment": tags["environment"]}
    facts |= {"actor": record["actor"]["origin"], "level": record["level"]}
    parts = {"event": event, "actor": record["actor"], "resource": record["resource"], "metadata": record["metadata"]}
    # What nobody sent says nothing, and the id stands above.
    known = {name: {key: value for key, value in (part or {}).items() if value is not None} for name, part in parts.items()}
    known["event"].pop("id", None)
    detail = {name: part for name, part in known.items() if part}
    return StageRow(
        stage=str(event["stage"]),
        when=local_time(moment, zone, now=now, seconds=True),
        iso=iso_utc(moment),
        event=event["name"],
        status=record["status"],
        status_tone=_badge(record["status"]),
        line=" · ".join(f"{name} {value}" for name, value in facts.items()),
        detail=json.dumps(detail, indent=2, ensure_ascii=False),
    )


def _bar_tone(status: str) -> str:
    word = status.lower()
    return "bad" if word in _BAD else "odd" if word in _ODD else "calm"


def _badge(word: str) -> str:
    word = word.lower()
    return "bad" if word in _BAD else "warn" if word in _ODD else "neutral"
