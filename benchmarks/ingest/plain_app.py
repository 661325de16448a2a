"""The application one would write for the same contract without this product: FastAPI, pydantic and a durable SQLite file.

It does what `POST /v1/events` promises, in the usual way: every event is validated on its own so that a bad one does not cost
the good ones, unknown keys are kept, times are bounded and stored as UTC, names are compared with the plan, refused events go to
a quarantine table, and the answer is sent after the commit is on disk (`synchronous=FULL`, or NORMAL, which a power cut may undo,
with `PLAIN_APP_SYNC`). Choices that save it processor time
are taken: the insert runs in the coroutine (no thread hop), one transaction and one `executemany` per request, one index and
no unique constraint, keys and plan in dictionaries, no quota, no roll-up.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from benchmarks.ingest.traffic import NAMES

KEYS = {os.environ.get("PLAIN_APP_KEY", "key"): ("tenant", "project")}
PLAN = frozenset(NAMES)
INSERT = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
MOST_EVENTS = 10_000

database = sqlite3.connect(os.environ.get("PLAIN_APP_DB", "plain.db"), check_same_thread=False)
database.execute("PRAGMA journal_mode=WAL")
database.execute(f"PRAGMA synchronous={os.environ.get('PLAIN_APP_SYNC', 'FULL')}")
database.execute(
    "CREATE TABLE IF NOT EXISTS events (tenant TEXT, project TEXT, received TEXT, id TEXT, time TEXT, source TEXT, name TEXT,"
    " value REAL, status TEXT, actor TEXT, session TEXT, ip TEXT, verdict TEXT, properties TEXT)"
)
database.execute("CREATE INDEX IF NOT EXISTS by_name ON events (project, name, time)")
database.execute("CREATE TABLE IF NOT EXISTS quarantine (tenant TEXT, project TEXT, received TEXT, reason TEXT, raw TEXT)")

Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Event(BaseModel):
    """One event with the rules of the contract; keys it does not name are kept."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(max_length=128)] = Field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: datetime = Field(default_factory=lambda: datetime.now(UTC))
    service: Annotated[Name, Field(min_length=1)]
    operation: Name = ""
    duration: Annotated[float, Field(ge=0)] | None = None
    status: Annotated[str, Field(max_length=500)] = ""
    user_id: Annotated[str, Field(max_length=500)] = ""
    session_id: Annotated[str, Field(max_length=500)] = ""
    ip_address: Annotated[str, Field(max_length=64)] = ""
    user_agent: Annotated[str, Field(max_length=4096)] = ""
    custom_attributes: dict[str, Any] = {}


app = FastAPI()


@app.post("/v1/events")
async def post_events(request: Request, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    """Store the good events of the batch in one transaction and keep the others aside."""
    principal = KEYS.get(authorization.removeprefix("Bearer "))
    if principal is None:
        raise HTTPException(401, "unknown key")
    try:
        raw_events = (await request.json())["events"]
    except (ValueError, KeyError, TypeError):
        raise HTTPException(400, "malformed body") from None
    if not raw_events or len(raw_events) > MOST_EVENTS:
        raise HTTPException(400, "no events or too many")
    now = datetime.now(UTC)
    oldest, newest, received = now - timedelta(days=7300), now + timedelta(hours=24), now.isoformat()
    rows, refused = [], []
    for raw in raw_events:
        try:
            event = Event.model_validate(raw)
        except ValidationError as error:
            refused.append((*principal, received, str(error), json.dumps(raw)))
            continue
        time = event.timestamp if event.timestamp.tzinfo else event.timestamp.replace(tzinfo=UTC)
        if not oldest <= time <= newest:
            refused.append((*principal, received, "timestamp out of range", json.dumps(raw)))
            continue
        properties = event.custom_attributes | (event.model_extra or {}) | {"user_agent": event.user_agent}
        name = event.operation or event.service
        rows.append(
            (
                *principal,
                received,
                event.id,
                time.astimezone(UTC).isoformat(),
                event.service,
                name,
                event.duration,
                event.status,
                event.user_id,
                event.session_id,
                event.ip_address,
                "accepted" if (event.service, name) in PLAN else "flagged",
                json.dumps(properties, sort_keys=True),
            )
        )
    with database:
        database.executemany(INSERT, rows)
        if refused:
            database.executemany("INSERT INTO quarantine VALUES (?,?,?,?,?)", refused)
    return {"processed": len(rows), "failed": len(refused), "message": "Events processed successfully"}
