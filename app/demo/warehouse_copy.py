"""The demo shop's own warehouse beside what arrives: mostly the same counts, a lost night, doubled hours, and events of the tills.

Nothing is asked of the warehouse, which does not exist: what it would hold is worked out from the story, and its scan is paused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
from sqlmodel import Session

from app.demo import watch_repository as repository
from app.demo.story import EVENTS, HOUR, SEED, Timeline, counts
from app.identity.contracts import SYSTEM_ACTOR, Actor
from app.kernel.intervals import Interval
from app.metrics import service as metrics
from app.plan import service as plan
from app.projects.contracts import ProjectView
from app.reconciliation import service as reconciliation
from app.scans import service as scans
from app.scans.config_rules import ConfigDraft
from app.scans.counting import collect
from app.scans.sources import service as sources
from app.scans.sources.contracts import DataSourceFields
from app.scans.windows import Window
from app.warehouse.rollup_contracts import CountedBucket

SOURCE: Final = DataSourceFields(
    "Juniper Lane warehouse (demo)", "postgres", "warehouse.example.com", 5432, "shop", username="reader"
)
SCAN: Final = ConfigDraft(
    name="Warehouse copy",
    base_query="SELECT service AS source, operation AS name, happened_at AS time FROM shop_events",
    event_type_column="source",
    event_name_format="{name}",
    time_column="time",
    interval=Interval.HOUR,
)
DAYS: Final = 14
SHARED: Final = (
    "item_added_to_basket", "checkout_started", "order_placed", "payment_authorized", "payment_failed", "refund_issued",
    "signed_in", "account_created", "parcel_handed_over", "parcel_delivered",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """The warehouse holds so many times what arrived of the events, in the hours that began so long ago."""

    events: tuple[str, ...]
    hours_ago: tuple[int, ...]
    factor: float


FAULTS: Final = (
    Fault(("item_added_to_basket",), (26, 27, 28, 29), 0.55),
    Fault(("signed_in", "account_created"), (12, 13), 1.6),
)


@dataclass(frozen=True, slots=True)
class Stray:
    """What only the warehouse holds: `hourly` on average while the shops are open."""

    source: str
    name: str
    hourly: float
    days: int = DAYS


STRAYS: Final = (
    Stray("till", "sale_closed", 9),
    Stray("till", "voucher_redeemed", 1.5),
    Stray("till", "drawer_opened", 4, 5),
    Stray("storefront", "legacy_page_view", 6),
    Stray("storefront", "cookie_choice_saved", 3, 3),
)
DISMISSED: Final = "legacy_page_view"
_OPEN: Final = range(8, 19)


def make_scan(session: Session, project: ProjectView) -> str:
    """The scan of the warehouse, by its id. It is made before the scan of what arrives, which pages show first."""
    known = next((source for source in sources.list_sources(session, SYSTEM_ACTOR) if source.name == SOURCE.name), None)
    source = known or sources.create_source(session, SYSTEM_ACTOR, SOURCE)
    # Demos share the data source, and a name stands for one scan of it.
    draft = replace(SCAN, name=f"{SCAN.name} of {project.slug}")
    config_id = scans.create_config(session, SYSTEM_ACTOR, project.slug, source.id, draft).id
    scans.set_paused(session, SYSTEM_ACTOR, project.slug, config_id, is_paused=True)
    return config_id


def remove_unused_source(session: Session) -> None:
    """Remove the data source that demos share once no scan reads it any more; one that somebody's own scan reads stays."""
    own = (SOURCE.name, SOURCE.host)
    source = next((source for source in sources.list_sources(session, SYSTEM_ACTOR) if (source.name, source.host) == own), None)
    if source is not None and not sources.dependent_scans(session, SYSTEM_ACTOR, source.id):
        sources.delete_source(session, SYSTEM_ACTOR, source.id)


def count(session: Session, project: ProjectView, config_id: str, author: Actor, timeline: Timeline) -> None:
    """Keep what the warehouse holds of the last two weeks, with the events that the plan does not have."""
    window = Window(timeline.current_hour - timedelta(days=DAYS), timeline.current_hour)
    identities = plan.plan_identities(session, project.id)
    collected = collect(config_id, window, Interval.HOUR, list(_counted(timeline)), identities)
    metrics.replace_window(session, config_id, window.start, window.stop, collected.rows, collected.coverage)
    reconciliation.record_shadow_events(session, project.id, config_id, collected.unmatched, timeline.now)
    repository.note_collected(session, config_id, window.stop)
    session.flush()
    for candidate in reconciliation.list_shadow_events(session, author, project.slug).items:
        if candidate.event_name == DISMISSED:
            reconciliation.dismiss_shadow_event(session, author, project.slug, candidate.id)


def _counted(timeline: Timeline) -> Iterator[CountedBucket]:
    hours = timeline.hours
    places = range(len(hours) - 1 - DAYS * 24, len(hours) - 1)
    for event in EVENTS:
        if event.name in SHARED:
            arrived = counts(event, timeline)
            for place in places:
                ago = len(hours) - 1 - place
                fault = next((one for one in FAULTS if event.name in one.events and ago in one.hours_ago), None)
                held = int(arrived[place] if fault is None else round(arrived[place] * fault.factor))
                yield CountedBucket(event.source, event.name, hours[place], held)
    random = np.random.default_rng([SEED, 4, int(timeline.current_hour.timestamp()) // 3600])
    for stray in STRAYS:
        for place in places:
            is_open = hours[place].hour in _OPEN and timeline.current_hour - hours[place] <= stray.days * 24 * HOUR
            if is_open and (held := int(random.poisson(stray.hourly))):
                yield CountedBucket(stray.source, stray.name, hours[place], held)
