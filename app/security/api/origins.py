"""Routes for the web origins of a project's security keys. They are our own and speak the tracking-plan API's dialect."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.http import PROJECT, Caller, Db
from app.kernel.clock import SYSTEM_CLOCK
from app.security.origins import LONGEST_ORIGIN
from app.security.service import origins
from app.security.service.origins import Origins

router = APIRouter(prefix=PROJECT + "/security", tags=["security"])
MOST_ORIGINS = 1_000


class OriginsBody(BaseModel):
    """All origins from now on."""

    model_config = ConfigDict(extra="forbid")

    origins: list[Annotated[str, StringConstraints(max_length=LONGEST_ORIGIN)]] = Field(max_length=MOST_ORIGINS)


class OriginsResponse(BaseModel):
    """The origins, how many the plan allows (null is without limit), and whether `https://*.domain` may be used."""

    origins: list[str]
    limit: int | None
    wildcards: bool


@router.get("/origins", operation_id="list_security_origins")
def list_origins(slug: str, session: Db, actor: Caller) -> OriginsResponse:
    """The web origins from which browsers may use security keys."""
    return _response(origins.list_origins(session, actor, slug))


@router.put("/origins", operation_id="set_security_origins")
def set_origins(slug: str, body: OriginsBody, session: Db, actor: Caller) -> OriginsResponse:
    """Replace the web origins."""
    return _response(origins.set_origins(session, actor, slug, body.origins, SYSTEM_CLOCK.now()))


def _response(found: Origins) -> OriginsResponse:
    return OriginsResponse(origins=list(found.origins), limit=found.most, wildcards=found.has_wildcards)
