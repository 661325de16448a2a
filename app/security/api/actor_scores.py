"""How unusual the actors' days were. The product's own dialect."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from app.http import PROJECT, Caller, Db
from app.security.service import actor_scoring

router = APIRouter(tags=["threat-models"])


class ContributionResponse(BaseModel):
    """A feature that made the day unusual; `share` of all surprise, `usual` is the actor's own median."""

    feature: str
    value: float
    usual: float
    share: float


class ActorScoreResponse(BaseModel):
    """One actor's day. `score` from 0 to 100 is the share of known days that are less unusual; null has a `reason`."""

    model_config = ConfigDict(from_attributes=True)

    actor_id: str
    day: date
    score: float | None
    is_unusual: bool
    contributions: list[ContributionResponse]
    reason: str
    alert_id: str | None
    scored_at: datetime


@router.get(PROJECT + "/actor-scores", operation_id="list_actor_scores")
def list_actor_scores(slug: str, session: Db, actor: Caller, day: date | None = None) -> list[ActorScoreResponse]:
    """At most 500 scores of the day (UTC), or of the newest one that has any; the most unusual first."""
    return [ActorScoreResponse.model_validate(one) for one in actor_scoring.list_scores(session, actor, slug, day)]
