"""What the page of actors shows, as finished texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.presentation import page_number, page_within
from app.security.pages.actor_profile import (
    Profile,
    day_name,
    history_label,
    profile_view,
    score_spark,
    score_text,
    score_tone,
    sentence,
)
from app.security.service import actor_ranking
from app.security.service.actor_ranking import RankedActor
from app.security.service.actor_scoring import HISTORY_DAYS
from components.format import iso_utc, local_time, percent

PAGE_SIZE: Final = 50
LONGEST_WORD: Final = 320
PERIODS: Final = {"1": "Newest day", "7": "7 days", "30": "30 days", "90": "90 days"}
USUAL_DAYS: Final = "7"
FLOORS: Final = {"": "Any score", "50": "50 and above", "90": "90 and above", "99": "99 and above"}


@dataclass(frozen=True)
class Query:
    """What the address asks for."""

    above: str = ""
    days: str = USUAL_DAYS
    page: int = 1
    actor: str = ""

    def parameters(self, **changed: str) -> dict[str, str]:
        """The words of the address, without what is usual; a change of any other word goes back to the first page."""
        now = {"above": self.above, "days": self.days, "page": "", "actor": "", **changed}
        usual = {"days": USUAL_DAYS, "page": "1"}
        return {name: value for name, value in now.items() if value and value != usual.get(name)}


@dataclass(frozen=True)
class Share:
    """A feature and how much of the surprise is its own; `width` is the percentage as a number."""

    feature: str
    text: str
    width: int


@dataclass(frozen=True)
class ActorRow:
    """One actor. `reason` says why the score is unknown, `led_by` names what drove it where there is no room for bars."""

    name: str
    score: str
    tone: str
    is_unusual: bool
    reason: str
    shares: list[Share]
    led_by: str
    spark: str
    spark_label: str
    day: str
    scored: str
    iso: str
    href: str


@dataclass(frozen=True)
class ActorsView:
    """A page of actors. `first` and `last` are places in the whole list."""

    rows: list[ActorRow] = field(default_factory=list)
    page: int = 1
    total: int = 0
    first: int = 0
    last: int = 0
    has_scores: bool = True
    is_open: bool = False
    profile: Profile = field(default_factory=Profile)


def query_of(words: Mapping[str, str]) -> Query:
    """The search an address asks for; what makes no sense is left out."""
    above, days = words.get("above", ""), words.get("days", USUAL_DAYS)
    return Query(
        above=above if above in FLOORS else "",
        days=days if days in PERIODS else USUAL_DAYS,
        page=page_number(words.get("page", "")),
        actor=words.get("actor", "")[:LONGEST_WORD].replace("\0", ""),
    )


def actors_view(session: Session, actor: Actor, slug: str, query: Query, zone: ZoneInfo, now: datetime | None = None) -> ActorsView:
    """The page's content. Errors: NotFound."""
    now = now or SYSTEM_CLOCK.now()
    above = float(query.above) if query.above else None
    start = (query.page - 1) * PAGE_SIZE
    found = actor_ranking.ranking(session, actor, slug, now, days=int(query.days), above=above, limit=PAGE_SIZE, offset=start)
    if found.total and not found.actors:
        query = replace(query, page=page_within(query.page, found.total, PAGE_SIZE))
        start = (query.page - 1) * PAGE_SIZE
        found = actor_ranking.ranking(session, actor, slug, now, days=int(query.days), above=above, limit=PAGE_SIZE, offset=start)
    today = actor_ranking.today(now)
    rows = [_row(one, slug, query, today, zone, now) for one in found.actors]
    return ActorsView(
        rows=rows,
        page=query.page,
        total=found.total,
        first=start + 1 if rows else 0,
        last=start + len(rows),
        has_scores=found.has_scores,
        is_open=bool(query.actor),
        profile=profile_view(session, actor, slug, query.actor, zone, now) if query.actor else Profile(),
    )


def _row(one: RankedActor, slug: str, query: Query, today: date, zone: ZoneInfo, now: datetime) -> ActorRow:
    newest = one.newest
    first = today - timedelta(days=HISTORY_DAYS - 1)
    shares = [_share(part) for part in newest.contributions] if newest.score is not None else []
    return ActorRow(
        name=newest.actor_id,
        score=score_text(newest),
        tone=score_tone(newest),
        is_unusual=newest.is_unusual,
        reason=sentence(newest.reason),
        shares=shares,
        led_by=sentence(newest.reason) or ", ".join(share.feature for share in shares),
        spark=score_spark(one.history, first, today),
        spark_label=history_label(one.history, first),
        day=day_name(newest.day),
        scored=local_time(newest.scored_at, zone, now=now),
        iso=iso_utc(newest.scored_at),
        href=security_paths.project_actors(slug, **query.parameters(page=str(query.page), actor=newest.actor_id)),
    )


def _share(part: Mapping[str, Any]) -> Share:
    share = float(part["share"])
    return Share(str(part["feature"]), percent(share), max(1, round(100 * share)))
