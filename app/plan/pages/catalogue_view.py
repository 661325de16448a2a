"""The catalogue's rows in one read, and what its dialogs ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import service as detection
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.plan import service as plan
from app.plan.branch_scope import readable_branch
from app.plan.contracts import EventStatus
from app.plan.drafts import EventDraft, EventFilter
from app.plan.pages.event_view import FIELD_PREFIX, META_PREFIX, ValueRow, field_row, meta_row
from app.plan.pages.words import Form, plural, tags_of, text_of
from app.plan.service.event_details import details_by_id, list_sort_keys
from app.plan.views import EventDetail, EventSortKey
from app.presentation import STATUS_TONES, STATUS_WORDS
from components import spark_path
from components.format import NO_VALUE, ago, full_number, iso_utc, local_time

PAGE_SIZE = 50
SORTS = ("name", "type", "status", "volume", "seen")


@dataclass(frozen=True)
class Query:
    """What the address asks for."""

    search: str = ""
    status: str = ""
    type_id: str = ""
    tag: str = ""
    sort: str = "-volume"
    page: int = 1


@dataclass(frozen=True)
class CatalogueRow:
    """An event as the table shows it."""

    id: str
    name: str
    href: str
    type_name: str
    type_color: str
    status: str
    status_word: str
    status_tone: str
    tags: list[str]
    owner: str
    volume: str
    path: str
    shape: str
    seen: str
    seen_iso: str
    seen_title: str
    signal: str
    signal_text: str


@dataclass(frozen=True)
class CatalogueView:
    """One page of rows, how many match, and what the filters offer."""

    rows: list[CatalogueRow]
    total: int
    types: list[list[str]]
    tags: list[list[str]]


def catalogue_view(session: Session, actor: Actor, slug: str, branch: str, query: Query, zone: ZoneInfo) -> CatalogueView:
    """The branch's events that match. Volume and signals are those of main, which alone is counted."""
    now = SYSTEM_CLOCK.now()
    wanted = EventFilter(
        event_type_id=query.type_id or None, search=query.search, statuses=[query.status] if query.status else [], tag=query.tag
    )
    found = list_sort_keys(session, actor, slug, wanted, branch=branch, now=now)
    is_by_volume = query.sort.lstrip("-") == "volume"
    volumes = metrics.window_totals(session, actor, slug, now=now) if is_by_volume and not branch else {}
    ordered = _sorted(found, volumes, query.sort)
    ids = [event.id for event in ordered[(query.page - 1) * PAGE_SIZE : query.page * PAGE_SIZE]]
    if not (is_by_volume or branch):
        volumes = metrics.window_totals(session, actor, slug, ids, now=now)
    shown = details_by_id(session, readable_branch(session, actor, slug, branch).branch_id, ids)
    signals = {} if branch else _signals(session, actor, slug, shown)
    shapes = {} if branch else _shapes(session, actor, slug, shown, now)
    names = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    return CatalogueView(
        rows=[_row(event, slug, branch, volumes, shapes, signals, names, zone, now) for event in shown],
        total=len(found),
        types=[[entry.id, entry.display_name] for entry in plan.list_event_type_details(session, actor, slug, branch=branch)],
        tags=[[tag, tag] for tag in plan.list_tags(session, actor, slug, branch=branch)],
    )


def _sorted(events: Sequence[EventSortKey], volumes: Mapping[str, int], sort: str) -> list[EventSortKey]:
    never = datetime.min.replace(tzinfo=SYSTEM_CLOCK.now().tzinfo)
    ranks = {status: rank for rank, status in enumerate(STATUS_WORDS)}
    keys: dict[str, Callable[[EventSortKey], Any]] = {
        "name": lambda event: event.name.lower(),
        "type": lambda event: event.event_type_name.lower(),
        "status": lambda event: ranks[event.status],
        "volume": lambda event: volumes.get(event.id, 0),
        "seen": lambda event: event.last_seen_at or never,
    }
    by_name = sorted(events, key=lambda event: (event.name.lower(), event.id))
    return sorted(by_name, key=keys[sort.lstrip("-")], reverse=sort.startswith("-"))


def _signals(session: Session, actor: Actor, slug: str, events: Sequence[EventDetail]) -> dict[str, str]:
    return {
        signal.event_id: str(signal.direction)
        for signal in detection.list_signals(session, actor, slug, event_ids=[event.id for event in events])
        if signal.event_id and signal.scope_type is ScopeType.EVENT
    }


def _shapes(session: Session, actor: Actor, slug: str, events: Sequence[EventDetail], now: datetime) -> dict[str, str]:
    total = metrics.series_for(session, actor, slug, ScopeType.PROJECT_TOTAL, start=now)
    if not total.key.scan_config_id or not events:
        return {}
    keys = [SeriesKey(total.key.scan_config_id, ScopeType.EVENT, event.id) for event in events]
    series = metrics.load_series(session, total.key.scan_config_id, keys, now - timedelta(hours=48))
    return {shape.key.ref: spark_path(shape.counts) for shape in series}


def _row(
    event: EventDetail,
    slug: str,
    branch: str,
    volumes: Mapping[str, int],
    shapes: Mapping[str, str],
    signals: Mapping[str, str],
    names: Mapping[str, str],
    zone: ZoneInfo,
    now: datetime,
) -> CatalogueRow:
    signal = signals.get(event.id, "")
    volume = NO_VALUE if branch else full_number(volumes.get(event.id, 0))
    return CatalogueRow(
        id=event.id,
        name=event.name,
        href=f"{ui_paths.project_event(slug, event.id)}{ui_paths.branch_query(branch)}",
        type_name=event.event_type.display_name,
        type_color=event.event_type.color,
        status=event.status.value,
        status_word=STATUS_WORDS[event.status.value],
        status_tone=STATUS_TONES.get(event.status.value, "neutral"),
        tags=[tag.name for tag in event.tags],
        owner=names.get(event.owner_id or "", ""),
        volume=volume,
        path=shapes.get(event.id, ""),
        shape="not counted on a branch" if branch else f"{volume} in 48 hours",
        seen=ago(event.last_seen_at, now),
        seen_iso=iso_utc(event.last_seen_at),
        seen_title=local_time(event.last_seen_at, zone, now=now),
        signal=signal,
        signal_text={"spike": "More than expected", "drop": "Less than expected"}.get(signal, ""),
    )


def required_values(session: Session, actor: Actor, slug: str, event_type_id: str, branch: str) -> list[ValueRow]:
    """The values without which an event of this type cannot be made; defaults of meta fields are filled in."""
    if not event_type_id:
        return []
    fields = plan.get_event_type(session, actor, slug, event_type_id, branch=branch).field_definitions
    metas = plan.list_meta_fields(session, actor, slug, branch=branch)
    return [field_row(entry, "") for entry in fields if entry.is_required] + [
        meta_row(entry, entry.default_value or "") for entry in metas if entry.is_required
    ]


def event_draft(form: Form, event_type_id: str, required: Sequence[ValueRow]) -> EventDraft:
    """The event that the dialog describes."""

    def values(prefix: str) -> list[tuple[str, str]]:
        return [(row.key.removeprefix(prefix), text_of(form, row.key)) for row in required if row.key.startswith(prefix)]

    return EventDraft(
        event_type_id=event_type_id,
        name=text_of(form, "name"),
        description=text_of(form, "description"),
        status=EventStatus(text_of(form, "status") or "draft"),
        tags=tags_of(form),
        field_values=values(FIELD_PREFIX),
        meta_values=values(META_PREFIX),
    )


def add_tag(session: Session, actor: Actor, slug: str, event_ids: Sequence[str], tag: str, branch: str) -> None:
    """Add the tag to every event, or to none. Errors: as `update_event`."""
    for event_id in event_ids:
        event = plan.get_event_detail(session, actor, slug, event_id, branch=branch)
        plan.update_event(session, actor, slug, event_id, {"tags": [*(known.name for known in event.tags), tag]}, branch=branch)


def bulk_consequences(session: Session, actor: Actor, slug: str, event_ids: Sequence[str], branch: str) -> list[str]:
    """What deleting the events breaks, as sentences."""
    events = [plan.get_event_detail(session, actor, slug, event_id, branch=branch) for event_id in event_ids]
    names = [event.name for event in events]
    arriving = sum(event.last_seen_at is not None for event in events)
    lines = [", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")]
    lines.append("Their values, tags, photos and history")
    if arriving and not branch:
        lines.append(f"{plural(arriving, 'chart')} with incidents: what still arrives is proposed again by the next scan")
    return lines
