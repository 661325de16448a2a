"""What the page on plan checks shows, as finished texts."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity.contracts import Actor, UserRole
from app.ingest import policies, violation_service
from app.ingest.contracts import ViolationGroup
from app.ingest.labels import Treatment
from app.ingest.proposals import remedy_of
from app.ingest.validation import ANY, NOT_IN_PLAN, Mode, Policy
from app.kernel.clock import SYSTEM_CLOCK
from app.plan.branching import service as branching
from app.plan.vocabulary import Sensitivity
from components.chart_data import spark_path
from components.format import full_number, iso_utc, local_time

MODES: Final = [("allow", "Allow"), ("flag", "Flag"), ("block", "Block")]
PERIODS: Final = {"24": "24 h", "168": "7 days", "720": "30 days"}
TREATMENTS: Final = [("pass", "Keep"), ("mask", "Mask"), ("hmac", "Pseudonymise"), ("drop", "Drop")]
_BARS: Final = 24
_LABEL_WORDS: Final = {
    Sensitivity.PII: "Personal (PII)",
    Sensitivity.PHI: "Health (PHI)",
    Sensitivity.FINANCIAL: "Financial",
    Sensitivity.SECRET: "Secret",
}
_LABELLED: Final = tuple(label for label in Sensitivity if label is not Sensitivity.NONE)


@dataclass(frozen=True)
class LabelRow:
    """A sensitivity label and what happens to its values."""

    label: str
    label_word: str
    treatment: str


@dataclass(frozen=True)
class OverrideRow:
    """An exception from the mode."""

    place: int
    events: str
    mode: str


@dataclass(frozen=True)
class ViolationRow:
    """Events of one name with one fault."""

    key: str
    name: str
    source: str
    reason: str
    full_reason: str
    outcome: str
    tone: str
    count: str
    replayed: str
    trend: str
    trend_text: str
    last: str
    iso: str
    example: str
    is_refused: bool
    has_remedy: bool = False
    settled: str = ""
    """Why the fault is history, where it is."""


@dataclass(frozen=True)
class ChecksView:
    """Policy and violations of a project."""

    mode: str = "allow"
    mode_text: str = ""
    refuses_unplanned: bool = False
    refuses_unknown_properties: bool = False
    labels: list[LabelRow] = field(default_factory=list)
    overrides: list[OverrideRow] = field(default_factory=list)
    rows: list[ViolationRow] = field(default_factory=list)
    refused_total: str = "0"
    flagged_total: str = "0"
    branches: list[list[str]] = field(default_factory=list)
    has_branches: bool = False
    is_owner: bool = False
    is_editor: bool = False


@dataclass(frozen=True)
class ChangeRow:
    """A verdict that a branch changes."""

    name: str
    source: str
    app_version: str
    before: str
    after: str
    count: str
    tone: str


@dataclass(frozen=True)
class PreviewView:
    """What a branch would change, in words and by event."""

    summary: str = ""
    rows: list[ChangeRow] = field(default_factory=list)


_MODE_TEXTS: Final = {
    "allow": "Every readable event is stored. What is not in the plan is flagged, nothing else is checked.",
    "flag": "Every readable event is stored. Those that break the plan are flagged with the reason.",
    "block": "Events that break the plan are refused, one by one, and kept in quarantine until they fit.",
}


def mode_text(policy: Policy) -> str:
    """What the mode does, and what it lets through as long as a tick is missing."""
    text = _MODE_TEXTS[policy.mode.value]
    if policy.mode is Mode.BLOCK and not policy.refuses_unplanned:
        text += " An event that is not in the plan does not break it unless that is ticked here: it is stored and flagged."
    return text


def checks_view(session: Session, actor: Actor, slug: str, hours: int, zone: ZoneInfo) -> ChecksView:
    """The page's content for the last hours. Errors: NotFound, Unavailable."""
    now = SYSTEM_CLOCK.now()
    policy = policies.get_policy(session, actor, slug)
    found = violation_service.list_violations(session, actor, slug, now, hours=hours)
    settled = violation_service.settled_violations(session, actor, slug, found)
    refused = [
        _row(group, found.since, hours, zone, now, settled, replayed=found.replayed.get(_key(group), 0)) for group in found.refused
    ]
    flagged = [_row(group, found.since, hours, zone, now, settled) for group in found.flagged]
    branches = [
        [branch.id, branch.name]
        for branch in branching.list_branches(session, actor, slug).items
        if branch.kind != "main" and branch.status not in ("merged", "closed")
    ]
    return ChecksView(
        mode=policy.mode.value,
        mode_text=mode_text(policy),
        refuses_unplanned=policy.refuses_unplanned,
        refuses_unknown_properties=policy.refuses_unknown_properties,
        labels=[
            LabelRow(label.value, _LABEL_WORDS[label], policy.sensitivity.get(label.value, Treatment.PASS).value)
            for label in _LABELLED
        ],
        overrides=_overrides(policy),
        rows=[*refused, *flagged],
        refused_total=full_number(sum(group.count for group in found.refused)),
        flagged_total=full_number(sum(group.count for group in found.flagged)),
        branches=[["", "Choose a branch"], *branches],
        has_branches=bool(branches),
        is_owner=actor.role is UserRole.OWNER,
        is_editor=actor.role in (UserRole.OWNER, UserRole.EDITOR),
    )


def preview_view(session: Session, actor: Actor, slug: str, branch_id: str, hours: int) -> PreviewView:
    """What the branch would change among recent events. Errors: NotFound, BadRequest, Unavailable."""
    found = violation_service.preview_branch(session, actor, slug, branch_id, SYSTEM_CLOCK.now(), hours=hours)
    if not found.sampled:
        return PreviewView("Nothing arrived in this period, so there is nothing to hold against the branch.")
    sampled, good_before, good_after = map(full_number, (found.sampled, found.good_before, found.good_after))
    summary = f"Of the newest {sampled} events {good_before} fit main and {good_after} would fit this branch."
    rows = [
        ChangeRow(
            change.name,
            change.source,
            change.app_version or "not told",
            change.before or "fits",
            change.after or "fits",
            full_number(change.count),
            "ok" if not change.after else "bad" if not change.before else "warn",
        )
        for change in found.changes
    ]
    return PreviewView(summary, rows)


def _overrides(policy: Policy) -> list[OverrideRow]:
    def named(value: str, what: str) -> str:
        return f"{what} {value}" if value != ANY else ""

    return [
        OverrideRow(
            place,
            ", ".join(
                part
                for part in (
                    named(entry.event, "event"),
                    named(entry.source, "source"),
                    named(entry.environment, "environment"),
                )
                if part
            )
            or "everything",
            dict(MODES)[entry.mode.value],
        )
        for place, entry in enumerate(policy.overrides)
    ]


def _key(group: ViolationGroup) -> tuple[str, str, str]:
    return group.source, group.name, group.reason


def _row(
    group: ViolationGroup,
    since: datetime,
    hours: int,
    zone: ZoneInfo,
    now: datetime,
    settled: Container[tuple[str, str, str]],
    *,
    replayed: int | None = None,
) -> ViolationRow:
    is_refused, is_settled = replayed is not None, _key(group) in settled
    planned = group.reason.endswith(NOT_IN_PLAN)
    bars = _bars(group, hours)
    peak = max((bar or 0 for bar in bars), default=0)
    start = local_time(since, zone, now=now)
    return ViolationRow(
        key=f"{'refused' if is_refused else 'flagged'}|{group.source}|{group.name}|{group.reason}",
        name=group.name or "unreadable",
        source=group.source,
        reason=group.reason.removeprefix("breaks the plan: ") or "no reason given",
        full_reason=group.reason,
        outcome="Quarantined" if is_refused else "Flagged",
        tone="unknown" if is_settled else "bad" if is_refused else "warn",
        count=full_number(group.count),
        replayed=f"{full_number(replayed)} taken in since" if replayed else "",
        trend=spark_path(bars),
        trend_text=f"{full_number(group.count)} since {start}, at most {full_number(peak)} in {max(1, hours // _BARS)} h",
        last=local_time(group.last_at, zone, now=now),
        iso=iso_utc(group.last_at),
        example=_pretty(group.examples),
        is_refused=is_refused,
        has_remedy=remedy_of(group.reason) is not None and not is_settled,
        settled="" if not is_settled else "planned by now" if planned else "fits the plan by now",
    )


def _bars(group: ViolationGroup, hours: int) -> list[int | None]:
    width = max(1, hours // _BARS)
    bars = [0] * -(-hours // width)
    for hour, count in group.trend.items():
        bars[min(hour // width, len(bars) - 1)] += count
    return list(bars)


def _pretty(examples: Sequence[str]) -> str:
    parts = []
    for example in examples[:1]:
        try:
            parts.append(json.dumps(json.loads(example), indent=2, ensure_ascii=False))
        except ValueError:
            parts.append(example)
    return "\n".join(parts)
