"""The application one would write without this product: FastAPI, pydantic and a durable SQLite file, one commit per request.

Every choice that saves it processor time is taken: the insert runs in the coroutine (no thread hop), one `executemany` per
request, one index, the key check is a dictionary look-up. It answers after the commit is on disk (`synchronous=FULL`).
"""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field

KEYS = {os.environ.get("PLAIN_APP_KEY", "key"): ("tenant", "project")}
INSERT = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"

database = sqlite3.connect(os.environ.get("PLAIN_APP_DB", "plain.db"), check_same_thread=False)
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=FULL")
database.execute(
    "CREATE TABLE IF NOT EXISTS events (tenant TEXT, project TEXT, id TEXT, time TEXT, service TEXT, operation TEXT, duration REAL,"
    " status TEXT, user_id TEXT, session_id TEXT, ip TEXT, properties TEXT)"
)
database.execute("CREATE INDEX IF NOT EXISTS by_name ON events (project, operation, time)")


class Properties(BaseModel):
    """Whatever the producer adds."""

    model_config = ConfigDict(extra="allow")


class Event(BaseModel):
    """One event with the rules of the contract."""

    id: Annotated[str, Field(max_length=128)]
    timestamp: datetime
    service: Annotated[str, Field(min_length=1, max_length=500)]
    operation: Annotated[str, Field(max_length=500)] = ""
    duration: Annotated[float, Field(ge=0)] | None = None
    status: str = ""
    user_id: str = ""
    session_id: str = ""
    ip_address: str = ""
    user_agent: str = ""
    custom_attributes: Properties = Properties()


class Batch(BaseModel):
    """The body of a request."""

    events: Annotated[list[Event], Field(min_length=1, max_length=10_000)]


app = FastAPI()


@app.post("/v1/events")
async def post_events(batch: Batch, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    """Store the batch in one transaction."""
    principal = KEYS.get(authorization.removeprefix("Bearer "))
    if principal is None:
        raise HTTPException(401, "unknown key")
    rows = [
        (
            *principal,
            event.id,
            event.timestamp.isoformat(),
            event.service,
            event.operation,
            event.duration,
            event.status,
            event.user_id,
            event.session_id,
            event.ip_address,
            event.custom_attributes.model_dump_json(),
        )
        for event in batch.events
    ]
    with database:
        database.executemany(INSERT, rows)
    return {"processed": len(rows), "failed": 0, "message": "Events processed successfully"}
