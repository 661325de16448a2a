"""Audit records that the demo shop's back office keeps: price changes, refunds, exports, and who did them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np

from app.demo.story import SEED, Timeline
from app.ingest.service import Record

DAYS: Final = 14
PEOPLE: Final = ("ada@example.com", "bo@example.com", "cleo@example.com", "devi@example.com", "emil@example.com")


@dataclass(frozen=True, slots=True)
class Work:
    """Something people do in the back office, so often on a working day; a share of it fails."""

    application: str
    category: str
    event: str
    type: str
    method: str
    daily: float
    resource: str
    milliseconds: float
    fails: float = 0.02
    most_resources: int = 1


WORKS: Final = (
    Work("catalogue", "prices", "Change price", "update", "PUT", 14, "product", 120),
    Work("catalogue", "products", "Publish product", "create", "POST", 4, "product", 310),
    Work("catalogue", "products", "Import stock list", "import", "POST", 2, "stock list", 4_200, 0.08, 240),
    Work("orders", "refunds", "Approve refund", "update", "POST", 9, "order", 260, 0.05),
    Work("orders", "orders", "Change delivery address", "update", "PUT", 6, "order", 140),
    Work("orders", "reports", "Export orders", "export", "GET", 1.5, "report", 6_800, 0.1, 900),
    Work("staff", "permissions", "Change role", "update", "PUT", 0.7, "account", 90, 0.0),
    Work("staff", "sign-ins", "Reset second factor", "update", "POST", 0.4, "account", 80, 0.0),
)


def audit_records(timeline: Timeline) -> list[Record]:
    """The records of the last days up to now, oldest first. The same hour gives the same records."""
    random = np.random.default_rng([SEED, 2, int(timeline.current_hour.timestamp()) // 3600])
    found = []
    for day in range(DAYS, -1, -1):
        midnight = timeline.now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=day)
        quiet = 0.25 if midnight.weekday() >= 5 else 1.0
        for work in WORKS:
            for _ in range(random.poisson(work.daily * quiet)):
                moment = midnight + timedelta(hours=6 + 12 * float(random.beta(2, 2)))
                found.append(_record(work, moment, random))
    past = (record for record in found if record.time < timeline.now)
    return sorted(past, key=lambda record: (record.time, record.id))


def _record(work: Work, moment: datetime, random: np.random.Generator) -> Record:
    has_failed = bool(random.random() < work.fails)
    took = round(float(work.milliseconds * random.lognormal(0, 0.35)) * (3 if has_failed else 1), 1)
    number = int(random.integers(100_000, 999_999))
    names = {"order": f"JL-{number}", "product": f"P-{number % 900 + 100}", "account": PEOPLE[number % len(PEOPLE)]}
    resource = names.get(work.resource, f"{work.resource} {number % 90 + 10}")
    load = float(np.clip(random.normal(38 if not has_failed else 81, 9), 3, 99))
    properties: dict[str, object] = {
        "category": work.category,
        "method": work.method,
        "event": {
            "name": work.event,
            "type": work.type,
            "stage": 1,
            "totalDuration": took,
            "affectedResources": int(random.integers(1, work.most_resources + 1)),
            "latency": round(took * 0.2, 1),
            "cpuUsage": round(load, 1),
            "memoryUsage": round(min(99.0, load * 0.8 + 20), 1),
            "detail": None,
            "description": f"{work.event}: {resource}",
        },
        "actor": {"origin": PEOPLE[int(random.choice(len(PEOPLE), p=(0.34, 0.26, 0.2, 0.12, 0.08)))], "detail": None},
        "resource": {"id": str(number), "name": resource, "type": work.resource, "detail": None},
        "metadata": {"ticket": f"SHOP-{number % 300 + 200}"},
        "metrics": {"queue_length": int(random.poisson(4))},
    }
    return Record(
        kind="audit",
        source=work.application,
        name=work.event,
        time=moment,
        received_at=moment,
        id=str(UUID(bytes=random.bytes(16), version=4)),
        properties=properties,
        severity="error" if has_failed else "info",
        status="failed" if has_failed else "success",
        value=took,
        environment="production",
    )
