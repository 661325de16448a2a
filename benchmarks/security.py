"""Security events a second through one process: kept only, and kept, enriched and judged, side by side in one run.

    python -m benchmarks.security [--events 20000] [--rounds 3] [--networks 50000]

Both ways decode a batch of 100, check it, encode it, append it to the durable log (fsync) and drain it into the store process; the
clock runs until every row is stored. The full way looks every address up in a location database and in lists of so many networks,
and runs until every event is judged against the history in the store and its alerts are raised. Ways alternate; the best round of
each counts. The full way is to keep up with at least half of the plain one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.ingest.traffic import free_port
from benchmarks.security_enrichment import prepare

BATCH = 100
SENDERS = 8
USERS = 500
FLOOR = 0.5
PATIENCE_SECONDS = 300


@dataclass
class Way:
    """One of the two ways, and what its rounds took."""

    name: str
    is_full: bool
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def rate(self, events: int) -> float:
        """Events a second of the best round."""
        return events / min(self.seconds)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--networks", type=int, default=50_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = _prepared(folder, given.networks)
        try:
            ok = asyncio.run(_measured(given.events // BATCH * BATCH, given.rounds))
        finally:
            store.terminate()
            store.wait(30)
    sys.exit(0 if ok else 1)


def _prepared(folder: Path, networks: int) -> subprocess.Popen[bytes]:
    """A data folder with database, lists and location file, and the store process; the environment leads to them."""
    from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE, answers, embedded_address
    from app.eventstore.client import ClickHouseEventStore
    from app.migrations import upgrade

    port, secret = free_port(), secrets.token_urlsafe(24)
    os.environ |= {
        "PLUMBLINE_DATA_DIR": str(folder),
        "PLUMBLINE_LOG_LEVEL": "warning",
        PORT_VARIABLE: str(port),
        SECRET_VARIABLE: secret,
    }
    upgrade(f"sqlite:///{folder / 'plumbline.db'}")
    _locations(folder / "geo", networks)
    store = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"])
    address = embedded_address(port, secret)
    while not answers(address, 1.0):
        if store.poll() is not None:
            raise SystemExit("the store process does not start")
        time.sleep(0.05)
    ClickHouseEventStore(address).ensure_schema(3650)
    return store


def _locations(folder: Path, networks: int) -> None:
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    folder.mkdir(parents=True)
    prepare(folder, networks, random.Random(7))
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="city", float_type="f64")
    for number in range(1, 220):
        record = {
            "country_code": ("US", "GB", "DE", "JP")[number % 4],
            "city": f"City {number}",
            "latitude": 10.0,
            "longitude": 20.0,
        }
        writer.insert_network(IPSet([f"{number}.0.0.0/8"]), record)
    writer.to_db_file(str(folder / "city.mmdb"))


async def _measured(events: int, rounds: int) -> bool:
    from app.ingest import asgi

    await asgi.start()
    try:
        ways = [Way("kept", is_full=False), Way("kept, enriched and judged", is_full=True)]
        await _round(Way("warm-up", is_full=True), 2_000, seed=0)
        for number in range(rounds):
            for way in ways:
                await _round(way, events, seed=number + 1)
    finally:
        await asgi.stop()
    for way in ways:
        print(f"{way.name:>28}: {way.rate(events):>9,.0f} events/s, {events / min(way.busy):>9,.0f} per second of this process")
    ratio = ways[1].rate(events) / ways[0].rate(events)
    print(f"ratio {ratio:.2f} (floor {FLOOR}), of processor time {min(ways[0].busy) / min(ways[1].busy):.2f}")
    print(f"{events} events, best of {rounds} rounds, load average {os.getloadavg()[0]:.1f}")
    return ratio >= FLOOR


async def _round(way: Way, events: int, *, seed: int) -> None:
    """Send everything, then wait until it is stored and, on the full way, judged."""
    from app.ingest import service as ingest
    from app.security.normalise import decode, incoming_events
    from app.security.plans import ENTERPRISE
    from app.security.service import intake
    from app.security.service.backlog import BACKLOG

    principal = _project(seed, way)
    bodies = iter(_bodies(events, seed))
    look_up = intake.intelligence.enrich

    async def send() -> None:
        for body in bodies:
            incoming, _ = incoming_events(decode(body))
            found = await asyncio.to_thread(intake.completed, principal.project_id, incoming, datetime.now(UTC))
            await ingest.keep(intake.lines_of(principal, found, None))
            while way.is_full and not BACKLOG.put(principal, ENTERPRISE, found):  # noqa: ASYNC110 - it is no event of the loop's
                await asyncio.sleep(0.01)

    if not way.is_full:
        intake.intelligence.enrich = lambda *_arguments, **_details: intake.Enrichment()  # type: ignore[assignment]
    began, busy = time.perf_counter(), time.process_time()
    try:
        await asyncio.gather(*[send() for _ in range(SENDERS)])
        while await asyncio.to_thread(_stored, principal) < events:  # noqa: ASYNC110 - another process stores them
            await asyncio.sleep(0.02)
        if way.is_full and not await asyncio.to_thread(BACKLOG.wait, PATIENCE_SECONDS):
            raise SystemExit("detection does not come to an end")
    finally:
        intake.intelligence.enrich = look_up
    way.seconds.append(time.perf_counter() - began)
    way.busy.append(time.process_time() - busy)
    print(f"{way.name:>28}: {events / way.seconds[-1]:>9,.0f} events/s, {_alerts(principal)} alerts", flush=True)


def _project(seed: int, way: Way) -> Any:
    """A project of its own for every round, so that each begins with the same history: none."""
    from app.identity.contracts import SYSTEM_ACTOR, IngestKind, IngestPrincipal, IngestScope
    from app.kernel.database import session_scope
    from app.projects.service import create_project

    slug = f"round-{seed}-{'full' if way.is_full else 'plain'}"
    with session_scope() as session:
        project = create_project(session, SYSTEM_ACTOR, slug, slug)
        return IngestPrincipal(
            "", project.tenant_id, project.id, IngestKind.SECURITY, IngestScope.APPEND, "enterprise", "active", None
        )


def _bodies(events: int, seed: int) -> list[bytes]:
    """Batches of ordinary work: people at two networks and on two devices each, a few mistyped passwords, one attacker."""
    chance = random.Random(seed)
    bodies = []
    for _ in range(events // BATCH):
        batch = []
        for _ in range(BATCH):
            user = chance.randrange(USERS)
            name = chance.choices(("auth.login_success", "auth.login_failed", "data.export", "auth.logout"), (50, 5, 10, 35))[0]
            address = f"{20 + user % 150}.{user % 250}.1.{1 + chance.randrange(2)}"
            if chance.random() < 0.005:
                name, address = "auth.login_failed", "45.9.9.9"
            agent = f"Mozilla/5.0 (X11) Firefox/{120 + chance.randrange(2)}"
            batch.append(
                {"event": name, "actor": {"id": f"u{user}"}, "user_ip": address, "metadata": {"user_agent": agent, "rows": 5}}
            )
        bodies.append(json.dumps({"events": batch}).encode())
    return bodies


def _stored(principal: Any) -> int:
    from app.eventstore.service import get_event_store

    sql = (
        "SELECT count() FROM {database}.events WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} "
        "AND kind = 'security'"
    )
    return int(get_event_store().select(sql, principal.tenant_id, principal.project_id, {})[0][0])


def _alerts(principal: Any) -> int:
    import sqlalchemy as sa

    from app.kernel.database import session_scope
    from models.security import SecurityAlert

    with session_scope(write=False) as session:
        query = sa.select(sa.func.count()).select_from(SecurityAlert).where(SecurityAlert.project_id == principal.project_id)  # type: ignore[arg-type]
        return int(session.execute(query).scalar_one())


if __name__ == "__main__":
    main()
