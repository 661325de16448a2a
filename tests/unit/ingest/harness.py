"""An ingest pipeline with everything around it in memory, spoken to through the real ASGI application."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from app.eventstore.contracts import Block, RecentId, Rejected
from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.ingest import asgi
from app.ingest.acceptance import Sources
from app.ingest.pipeline import Pipeline
from app.ingest.project_plans import ProjectPlan
from app.ingest.times import milliseconds_of
from app.ingest.validation import ProjectChecks
from app.ingest.wal import LogFiles
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import create_engine, session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings, load_settings
from models.identity import QuotaUsage, Tenant

TENANT, PROJECT = "tenant_1", "project_1"


class MemoryStore:
    """An event store that honours tokens; it can be down, and it refuses rows that contain a poisonous text."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"events": [], "quarantine": []}
        self.tokens: set[tuple[str, str]] = set()
        self.calls = 0
        self.is_down = False
        self.poison: bytes | None = None
        self.fail_after: Callable[[int], bool] = lambda _call: False
        self._lock = threading.Lock()

    def insert_lines(self, table: str, lines: bytes, *, rows: int, token: str) -> None:
        with self._lock:
            self.calls += 1
            if self.is_down:
                raise Unavailable("the event store does not respond")
            if self.poison is not None and self.poison in lines and table == "events":
                raise Rejected("cannot parse")
            parsed = [json.loads(line) for line in lines.splitlines()]
            assert len(parsed) == rows
            if (table, token) not in self.tokens:
                self.tokens.add((table, token))
                self.rows[table] += parsed
            if self.fail_after(self.calls):
                raise Unavailable("the answer was lost")

    def insert_block(self, table: str, block: Block, *, columns: Any, rows: int, token: str) -> None:
        decoded = read_native(block)
        assert set(columns) == set(decoded[0])
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in decoded)
        self.insert_lines(table, lines, rows=rows, token=token)

    def recent_ids(self, after: datetime, limit: int) -> list[RecentId]:
        if self.is_down:
            raise Unavailable("the event store does not respond")
        with self._lock:
            found = [
                RecentId(row["project_id"], row[column], milliseconds_of(datetime.fromisoformat(row["received_at"])))
                for table, column in (("events", "id"), ("quarantine", "message_id"))
                for row in self.rows[table]
                if row.get("kind") == "event" and row.get(column)
            ]
        lately = [one for one in found if one.received_at >= milliseconds_of(after)]
        return sorted(lately, key=lambda one: -one.received_at)[:limit]

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.rows["events"]

    @property
    def quarantine(self) -> list[dict[str, Any]]:
        return self.rows["quarantine"]


def read_native(parts: Block) -> list[dict[str, Any]]:
    """The rows of a block in ClickHouse's Native format, written after its documentation and not after our encoder."""
    block, position = b"".join(parts), 0

    def take(size: int) -> bytes:
        nonlocal position
        position += size
        assert position <= len(block)
        return block[position - size : position]

    def number() -> int:
        value = shift = 0
        while True:
            (byte,) = take(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def text() -> str:
        return take(number()).decode()

    column_count, row_count = number(), number()
    columns: dict[str, list[Any]] = {}
    for _ in range(column_count):
        name, kind = text(), text()
        match kind:
            case "String":
                columns[name] = [text() for _ in range(row_count)]
            case "LowCardinality(String)":
                version, marks, key_count = struct.unpack("<QQQ", take(24))
                keys = [text() for _ in range(key_count)]
                (place_count,) = struct.unpack("<Q", take(8))
                letter = "BHI"[marks & 0xFF]
                places = struct.unpack(f"<{place_count}{letter}", take(place_count * struct.calcsize(letter)))
                assert (version, marks & ~0xFF, place_count) == (1, 0x600, row_count)
                columns[name] = [keys[place] for place in places]
            case "DateTime64(3, 'UTC')":
                ticks = struct.unpack(f"<{row_count}q", take(8 * row_count))
                columns[name] = [
                    (datetime(1970, 1, 1) + timedelta(milliseconds=tick)).isoformat(timespec="milliseconds") + "Z" for tick in ticks
                ]
            case "Nullable(Float64)":
                marks = take(row_count)
                values = struct.unpack(f"<{row_count}d", take(8 * row_count))
                columns[name] = [None if mark else value for mark, value in zip(marks, values, strict=True)]
            case _:
                raise AssertionError(kind)
    assert position == len(block)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def principal(**changes: Any) -> IngestPrincipal:
    values: dict[str, Any] = {
        "key_id": "key_1",
        "tenant_id": TENANT,
        "project_id": PROJECT,
        "kind": IngestKind.EVENTS,
        "scope": IngestScope.APPEND,
        "tenant_plan": "unlimited",
        "tenant_status": "active",
        "expires_at": None,
    }
    return IngestPrincipal(**{**values, **changes})


@dataclass
class World:
    """What the pipeline sees of the rest of the product."""

    keys: dict[str, IngestPrincipal] = field(default_factory=lambda: {"good": principal()})
    names: frozenset[tuple[str, str]] = frozenset({("web", "click")})
    checks: ProjectChecks | None = None
    revision: str = "main+1"
    store: MemoryStore = field(default_factory=MemoryStore)
    lookups: int = 0
    plan_error: Exception | None = None
    key_error: Exception | None = None
    quota_error: Exception | None = None
    engine: sa.Engine | None = None
    clock: Clock = SYSTEM_CLOCK

    def principal_for(self, token: str) -> IngestPrincipal | None:
        self.lookups += 1
        if self.key_error:
            raise self.key_error
        return self.keys.get(token)

    def project_plan(self, project_id: str) -> ProjectPlan:
        if self.plan_error:
            raise self.plan_error
        return ProjectPlan(self.names, self.checks, self.revision)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if self.quota_error:
            raise self.quota_error
        if self.engine is None:
            raise OSError("this world has no database")
        with session_scope(self.engine) as session:
            yield session

    def sources(self) -> Sources:
        return Sources(self.principal_for, self.project_plan, self.transaction, self.store.recent_ids)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """Calls the ASGI application the way a server does."""

    async def post(
        self,
        body: bytes | Any,
        *,
        key: str | None = "good",
        headers: dict[str, str] | None = None,
        query: str = "",
        method: str = "POST",
        path: str = "/v1/events",
        chunks: int = 1,
    ) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        pairs = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
        if key is not None and "authorization" not in pairs:
            pairs["authorization"] = f"Bearer {key}"
        if chunks > 1:
            del pairs["content-length"]
        size = max(1, -(-len(content) // chunks))
        parts = [content[start : start + size] for start in range(0, len(content), size)] or [b""]
        messages = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs.items()],
        }
        await asgi.app(scope, receive, send)
        start = sent[0]
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            _decoded(b"".join(message.get("body", b"") for message in sent[1:])),
        )


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def ingest_settings(data_dir: Any, **variables: Any) -> Settings:
    values = {"drain_seconds": 0.05, "min_free_disk_bytes": 0, **variables}
    return load_settings(
        {"PLUMBLINE_DATA_DIR": str(data_dir), **{f"PLUMBLINE_{name.upper()}": str(value) for name, value in values.items()}}
    )


@asynccontextmanager
async def serving(data_dir: Any, world: World, *, files: LogFiles | None = None, **variables: Any) -> AsyncIterator[Client]:
    """The application between start and stop."""
    pipeline = Pipeline(ingest_settings(data_dir, **variables), world.store, world.sources(), clock=world.clock, files=files)
    await asgi.start(pipeline)
    try:
        yield Client()
    finally:
        await asgi.stop()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        await asyncio.sleep(0.005)


def quota_engine(path: Any, plan: str = "trial") -> sa.Engine:
    """A metadata database with one tenant."""
    engine = create_engine(f"sqlite:///{path}")
    SQLModel.metadata.create_all(engine, tables=[Tenant.__table__, QuotaUsage.__table__])
    with session_scope(engine) as session:
        session.add(Tenant(id=TENANT, name="Tenant", plan=plan))
    return engine


def used_quota(engine: sa.Engine, window_start: datetime) -> int:
    with session_scope(engine, write=False) as session:
        row = session.get(QuotaUsage, (TENANT, "events", window_start))
        return row.used if row else 0


def event(**changes: Any) -> dict[str, Any]:
    return {"service": "web", "operation": "click", **changes}
