"""How many security events a second are enriched and judged on one core, beside parsing the same events' JSON.

    python -m benchmarks.security_enrichment [--events 20000] [--networks 50000]

Parsing one event is the least that any receiver pays, so the ratio holds on any machine. Each event is looked up in lists of so
many networks and judged against a history of a hundred events of its actor and of its address.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.security.behaviour import BehaviourRules, findings
from app.security.contracts import ActorHistory, SecurityEvent
from app.security.intelligence import Databases, enrich
from app.security.vocabulary import severity_of

HISTORY = 100
START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--networks", type=int, default=50_000)
    given = options.parse_args()
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        files = Databases(prepare(Path(folder), given.networks, chance))
        started = time.perf_counter()
        files.refresh()
        print(f"{given.networks} networks read in {time.perf_counter() - started:.2f} s")
        bodies = [body(number, chance) for number in range(given.events)]
        parse = seconds(lambda: [json.loads(one) for one in bodies])
        events = [event(number, json.loads(one)) for number, one in enumerate(bodies)]
        look = seconds(lambda: [enrich(one.user_ip, user_agent="Mozilla/5.0", databases=files) for one in events])
        history = ActorHistory(tuple(events[:HISTORY]), tuple(events[HISTORY : 2 * HISTORY]))
        rules = BehaviourRules()
        judge = seconds(lambda: [findings(one, history, rules) for one in events])
        both = look + judge
        print(f"enrich {look / given.events * 1e6:.1f} us, findings {judge / given.events * 1e6:.1f} us per event")
        print(f"{given.events / both:,.0f} events/s on one core; {both / parse:.1f} times the time of parsing their JSON")


def prepare(folder: Path, networks: int, chance: random.Random) -> Path:
    for category in ("vpn", "datacenter"):
        rows = (f"{chance.randint(1, 223)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.0/24" for _ in range(networks // 2))
        (folder / f"{category}.txt").write_text("\n".join(rows))
    return folder


def body(number: int, chance: random.Random) -> str:
    address = f"{chance.randint(11, 99)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"
    name = chance.choice(("auth.login_success", "auth.login_failed"))
    return json.dumps(
        {"event": name, "actor": {"id": f"u{number % 500}"}, "user_ip": address, "metadata": {"user_agent": "Mozilla"}}
    )


def event(number: int, sent: dict) -> SecurityEvent:
    return SecurityEvent(
        id=str(number),
        name=sent["event"],
        at=START + timedelta(seconds=number),
        severity=severity_of(sent["event"]),
        actor_id=sent["actor"]["id"],
        user_ip=sent["user_ip"],
        metadata=sent["metadata"],
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
