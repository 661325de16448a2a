"""Which plan events a set of observed names needs: pure decisions of the catalog sync (contract 2.2 and 4.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.plan.contracts import EVENT_NAME_LIMIT, ObservedEvent, identity_of

MOST_CREATIONS_PER_PASS = 10_000

# Distinguishable on light and dark ground; the default colour of hand-made event types comes first.
PALETTE = (
    "#6366f1",
    "#0ea5e9",
    "#14b8a6",
    "#22c55e",
    "#84cc16",
    "#eab308",
    "#f97316",
    "#ef4444",
    "#ec4899",
    "#a855f7",
    "#8b5cf6",
    "#64748b",
)


def color_for(name: str) -> str:
    """A colour that depends on the name only, so that the same source looks the same in every project."""
    digest = hashlib.sha256(name.encode()).digest()
    return PALETTE[digest[0] % len(PALETTE)]


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """What the sync looks at in an event that exists."""

    id: str
    event_type_id: str
    name: str
    source_name: str | None


@dataclass(slots=True)
class SyncDecision:
    """`matched` maps an identity to an event id, `adopted` an event id to its found source name, `to_create` lists
    (event type name, source name, display name) largest first; `not_created` counts identities beyond the limit."""

    matched: dict[tuple[str, str], str] = field(default_factory=dict)
    adopted: dict[str, str] = field(default_factory=dict)
    to_create: list[tuple[str, str, str]] = field(default_factory=list)
    not_created: int = 0


def merged_identities(observed: Iterable[ObservedEvent]) -> dict[tuple[str, str], ObservedEvent]:
    """Observations by plan identity, most frequent first; names that become equal once shortened are added up."""
    merged: dict[tuple[str, str], ObservedEvent] = {}
    for item in observed:
        identity = identity_of(item.source, item.name)
        known = merged.get(identity)
        count, last_at = (known.count, known.last_at) if known else (0, item.last_at)
        merged[identity] = ObservedEvent(*identity, count=count + item.count, last_at=_later(last_at, item.last_at))
    return dict(sorted(merged.items(), key=lambda entry: (-entry[1].count, entry[0])))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def decide(
    identities: Sequence[tuple[str, str]],
    known: Iterable[KnownEvent],
    event_type_names: dict[str, str],
    *,
    most_creations: int = MOST_CREATIONS_PER_PASS,
) -> SyncDecision:
    """What to match, adopt and create for the identities, in their order. `event_type_names` maps ids to names."""
    by_source: dict[tuple[str, str], str] = {}
    hand_made: dict[tuple[str, str], str] = {}
    names: set[tuple[str, str]] = set()
    for event in known:
        event_type = event_type_names[event.event_type_id]
        names.add((event_type, event.name))
        if event.source_name is None:
            hand_made[(event_type, event.name)] = event.id
        else:
            by_source[(event_type, event.source_name)] = event.id
    decision = SyncDecision()
    for identity in identities:
        if (event_id := by_source.get(identity)) is not None:
            decision.matched[identity] = event_id
        elif (event_id := hand_made.get(identity)) is not None:
            decision.matched[identity] = event_id
            decision.adopted[event_id] = identity[1]
        elif len(decision.to_create) >= most_creations:
            decision.not_created += 1
        else:
            display = _free_name(identity, names)
            names.add((identity[0], display))
            decision.to_create.append((*identity, display))
    return decision


def _free_name(identity: tuple[str, str], names: set[tuple[str, str]]) -> str:
    """The source name, numbered when somebody renamed another event to it; names are unique within an event type."""
    event_type, source_name = identity
    display, number = source_name, 1
    while (event_type, display) in names:
        number += 1
        suffix = f" ({number})"
        display = source_name[: EVENT_NAME_LIMIT - len(suffix)] + suffix
    return display
